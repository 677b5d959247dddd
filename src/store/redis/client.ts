/**
 * The main connection to Redis. It fails fast: no offline queue, no resend, a deadline on every command, so that a caller
 * hears `store-away` at once and decides itself. It is "up" only when the settings were checked (again, after each
 * reconnect: Redis may have come back with others) and the scripts are loaded. A heartbeat finds a Redis that hangs.
 *
 * In a Cluster it is up while one primary answers; commands for the slots of another fail by themselves. When a primary
 * that had gone (or its successor) answers, `onChange(null)` is called once more: what was cached may be wrong.
 */
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import type { Clock, Log } from '../../bridge/ports';
import { Fault, toFault } from '../../core/fault';
import { failFast, primariesOf } from './connect';
import type { Connection } from './connect';
import { diagnose } from './diagnose';
import { isWrongNode, lacksScript, refusesWrites, replyOf, storeFault } from './errors';
import type { Script } from './scripts';
import { keyOf, type Target } from './target';

export interface ClientOptions {
  readonly target: Target;
  readonly commandTimeoutMs: number;
  readonly startTimeoutMs: number;
  /** replicas that must have what is written with `isReplicated`; 0: none. Not in a Cluster. */
  readonly waitReplicas: number;
  /** every script that will be run */
  readonly scripts: readonly Script[];
  /** Looks at the settings; rejects with a Fault that names what to change. */
  readonly check: (redis: Connection) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: (fault: Fault | null) => void;
}

export interface How {
  /**
   * It may be told of as kept: where `redis.wait` is set, it is done only when so many replicas have it. Otherwise it
   * rejects `store-away`, and may have been done: it is to be repeated with the same ids.
   */
  readonly isReplicated: boolean;
}

export interface Client {
  /** All keys of a script must lie in one slot. */
  readonly isCluster: boolean;
  /**
   * Resolves when it is up. Rejects when the check fails, Redis cannot be reached in time, or the signal aborts. What is
   * in the way is logged at once. Call once.
   */
  start(signal?: AbortSignal): Promise<void>;
  isUp(): boolean;
  /** Runs plain commands. Rejects `store-away`, or `internal` when Redis refuses the command itself. */
  ask<T>(command: (redis: Connection) => Promise<T>, how?: How): Promise<T>;
  /** Runs a script; rejects like `ask`. In a Cluster all keys must lie in one slot. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[], how?: How): Promise<unknown>;
  /** The connection to each primary, for commands that name no key: one server, or all of a Cluster. */
  primaries(): readonly Redis[];
  /** Ends the connection; what is in flight fails. May be called twice. Never rejects. */
  close(): Promise<void>;
}

/** Where another primary may take over, a silent one is left soon; one server alone is given time. */
const heartbeats = {
  single: { everyMs: 2_000, deadlineMs: 5_000 },
  sentinel: { everyMs: 500, deadlineMs: 1_000 },
  cluster: { everyMs: 500, deadlineMs: 1_000 },
};
const loadingMs = 600_000;
/** how long the replicas may take, and what nobody listens to */
const waitMs = 50;
const waitChannel = 'xmpp-ximss-bridge:wait';

export function makeClient(options: ClientOptions): Client {
  const { target, commandTimeoutMs, startTimeoutMs, waitReplicas, scripts, check, clock, log, onChange } = options;
  const redis = failFast(target, clock, commandTimeoutMs);
  const heartbeat = heartbeats[target.kind];
  const closing = new AbortController();
  let isUp = false;
  let preparing: Promise<void> | null = null;
  let lastError: unknown = null;
  let lastComplaint = '';

  const setDown = (fault: Fault): void => {
    if (!isUp) return;
    isUp = false;
    if (closing.signal.aborted) return;
    log.warn({ fault: fault.code, redis: target.name }, 'redis went away');
    onChange(fault);
  };

  /** Once per connection: settings, scripts, then up. Rejects with what is wrong. */
  async function prepare(): Promise<void> {
    try {
      await check(redis);
      await Promise.all(primariesOf(redis).map(loadScripts));
    } catch (thrown) {
      throw storeFault(thrown);
    }
    if (redis.status !== 'ready' || isUp || closing.signal.aborted) return;
    isUp = true;
    lastComplaint = '';
    log.info({ redis: target.name }, 'redis is up');
    onChange(null);
  }

  async function loadScripts(node: Redis): Promise<void> {
    for (const { lua } of scripts) await node.script('LOAD', lua);
  }

  function prepareOnce(): Promise<void> {
    preparing ??= prepare().finally(() => (preparing = null));
    return preparing;
  }

  const remember = (error: unknown): void => void (lastError = error);
  redis.on('error', remember);
  redis.on('node error', remember); // of a Cluster
  redis.on('close', () => setDown(new Fault('store-away', { cause: lastError })));

  async function start(signal: AbortSignal = closing.signal): Promise<void> {
    const wasReady = new Promise<void>((resolve) => redis.once('ready', resolve));
    const reached = new AbortController();
    redis.connect().catch(() => undefined); // the first failure is no more than the later ones: they are retried
    await Promise.race([wasReady, unreachable(AbortSignal.any([signal, closing.signal, reached.signal]))]);
    reached.abort();
    await prepareOnce();
    redis.on('ready', () => void prepareOnce().catch(complain));
    void beat();
  }

  /** Rejects when there is no hope of a first connection, or the signal aborts. A Redis that loads its data is waited for. */
  async function unreachable(signal: AbortSignal): Promise<never> {
    const begun = clock.monotonic();
    let isTold = false;
    for (;;) {
      await clock.sleep(100, signal);
      const waitedMs = clock.monotonic() - begun;
      const isLoading = target.kind === 'single' && (redis.status === 'connect' || redis.status === 'ready');
      const isOver = waitedMs > (isLoading ? loadingMs : startTimeoutMs);
      if (lastError === null && !isOver) continue;
      const { text, isFinal } = await diagnose(target, lastError);
      if (signal.aborted) continue;
      if (isFinal || isOver) throw new Fault('store-away', { text, cause: lastError });
      if (isTold) continue;
      isTold = true;
      const hint = `see ${keyOf(target)}; run: xmpp-ximss-bridge doctor`;
      log.warn({ why: text, ms: startTimeoutMs, hint }, 'redis is waited for');
    }
  }

  const complain = (thrown: unknown): void => {
    if (closing.signal.aborted) return;
    const fault = toFault(thrown);
    const err = replyOf(fault.cause) ?? fault.text;
    if (err !== lastComplaint) log.error({ fault: fault.code, err }, 'redis is not usable');
    lastComplaint = err;
  };

  async function beat(): Promise<void> {
    let wasWhole = true;
    for (;;) {
      try {
        await clock.sleep(heartbeat.everyMs, closing.signal);
      } catch {
        return;
      }
      if (redis.status !== 'ready') continue;
      if (!isUp) {
        await prepareOnce().catch(complain);
        continue;
      }
      const answers = await Promise.all(primariesOf(redis).map(answersSoon));
      if (!isUp || closing.signal.aborted) continue;
      if (!answers.includes(true)) setDown(new Fault('store-away', { cause: lastError }));
      const isWhole = !answers.includes(false);
      if (isUp && isWhole && !wasWhole) onChange(null);
      wasWhole = isWhole;
    }
  }

  /** A node that does not answer in time: its connection is thrown away and made anew. */
  async function answersSoon(node: Redis): Promise<boolean> {
    const ended = new AbortController();
    const late = clock.sleep(heartbeat.deadlineMs, ended.signal).then(
      () => false,
      () => false,
    );
    const answer = node.ping().then(
      () => true,
      (thrown: unknown) => {
        lastError = thrown;
        return false;
      },
    );
    const isAnswered = await Promise.race([answer, late]);
    ended.abort();
    if (!isAnswered && !closing.signal.aborted && node.status === 'ready') node.disconnect(true);
    return isAnswered;
  }

  async function ask<T>(command: (redis: Connection) => Promise<T>, how?: How): Promise<T> {
    if (!isUp) throw new Fault('store-away', { cause: lastError });
    try {
      return await (how?.isReplicated === true ? replicated(command) : command(redis));
    } catch (thrown) {
      const fault = storeFault(thrown);
      if (redis instanceof Cluster) {
        if (isWrongNode(thrown)) redis.refreshSlotsCache();
      } else if (refusesWrites(thrown)) {
        setDown(fault); // a disk that is full, for instance: what is sent now could not be settled; the heartbeat finds out when that ends
      }
      throw fault;
    }
  }

  /**
   * WAIT on the same connection, in the same turn: it covers what was written before it. The PUBLISH goes to the replicas
   * too, so that there is something to wait for when the command found that all was there already.
   */
  async function replicated<T>(command: (redis: Connection) => Promise<T>): Promise<T> {
    if (waitReplicas === 0 || redis instanceof Cluster) return command(redis);
    const [reply, , count] = await Promise.allSettled([
      command(redis),
      redis.publish(waitChannel, ''),
      redis.wait(waitReplicas, waitMs),
    ]);
    if (reply.status === 'rejected') throw reply.reason;
    if (count.status === 'rejected') throw count.reason;
    if (count.value >= waitReplicas) return reply.value;
    throw new Fault('store-away', { cause: `${count.value} of ${waitReplicas} replicas have it (redis.wait)` });
  }

  const run: Client['run'] = async (script, keys, args, how) => {
    // one list, which ioredis flattens, although its types know that of keys only: thousands of arguments are slow, and
    // more than a call may have
    const rest = [...keys, ...args] as string[];
    try {
      return await ask((redis) => redis.evalsha(script.sha, keys.length, rest), how);
    } catch (thrown) {
      if (!lacksScript(toFault(thrown).cause)) throw thrown;
      return ask((redis) => redis.eval(script.lua, keys.length, rest), how); // flushed, or another primary
    }
  };

  return {
    isCluster: target.kind === 'cluster',
    start,
    isUp: () => isUp,
    ask,
    run,
    primaries: () => primariesOf(redis),
    close() {
      if (!closing.signal.aborted) closing.abort(new Fault('stopping'));
      isUp = false;
      redis.disconnect();
      return Promise.resolve();
    },
  };
}
