/**
 * Messages between the processes of one bridge: PUBLISH to the channel of a process, or of all, one for each turn of the
 * event loop and channel. Nothing is kept for who does not listen: whoever subscribes (again) is told of the gap. What
 * waits while Redis is slow is bounded; what is over that, or cannot be said, is dropped and counted.
 */
import type { Bus, BusListener, Clock, Log, Meter } from '../../bridge/ports';
import { toFault } from '../../core/fault';
import type { Client } from '../redis/client';
import { subscribing } from '../redis/connect';
import type { Keys } from '../redis/keys';
import type { Target } from '../redis/target';

export interface BusOptions {
  readonly target: Target;
  readonly client: Pick<Client, 'ask'>;
  readonly keys: Pick<Keys, 'channel'>;
  readonly self: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** messages that may wait to be said, in all */
  readonly waitingMax?: number;
}

export interface RunningBus extends Bus {
  /** Resolves when it hears. Rejects when the connection cannot subscribe. */
  start(): Promise<void>;
  /** Says what waits, and ends the connection. Never rejects. */
  close(): Promise<void>;
}

const everybody = 'all';

export function makeBus(options: BusOptions): RunningBus {
  const { target, client, keys, self, clock, log, meter, waitingMax = 10_000 } = options;
  const listeners = new Set<BusListener>();
  const waiting = new Map<string, object[]>();
  const subscriber = subscribing(target, clock);
  const channels = [keys.channel + self, keys.channel + everybody];
  let waitingCount = 0;
  let saying: Promise<void> | null = null;

  const drop = (count: number): void => meter.count('process_messages_dropped_total', {}, count);

  function send(to: string, message: object): void {
    if (waitingCount >= waitingMax) return drop(1);
    waitingCount += 1;
    const queue = waiting.get(to);
    if (queue) queue.push(message);
    else waiting.set(to, [message]);
    saying ??= new Promise((resolve) => setImmediate(() => resolve(say())));
  }

  /** One round at a time, so that the messages to a process stay in order. */
  async function say(): Promise<void> {
    while (waiting.size > 0) {
      const round = [...waiting];
      waiting.clear();
      waitingCount = 0;
      await Promise.all(round.map(([to, messages]) => publish(to, messages)));
    }
    saying = null;
  }

  async function publish(to: string, messages: readonly object[]): Promise<void> {
    const text = JSON.stringify({ from: self, messages });
    try {
      await client.ask((redis) => redis.publish(keys.channel + to, text));
      meter.count('process_messages_total', { dir: 'out' }, messages.length);
    } catch (thrown) {
      drop(messages.length);
      log.debug({ fault: toFault(thrown).code, count: messages.length }, 'messages to other processes were not said');
    }
  }

  function onText(text: string): void {
    const said = readSaid(text);
    if (said === null) return meter.count('faults_total', { part: 'store', code: 'bad-request' });
    if (said.from === self) return;
    meter.count('process_messages_total', { dir: 'in' }, said.messages.length);
    for (const message of said.messages) for (const listener of listeners) listener.onMessage(said.from, message);
  }

  /** What was said meanwhile is lost. When it fails, the next connection tries it again. */
  async function hearAgain(): Promise<void> {
    try {
      await subscriber.subscribe(...channels);
    } catch (thrown) {
      return log.debug({ fault: toFault(thrown).code }, 'not subscribed again yet');
    }
    for (const listener of listeners) listener.onGap();
  }

  return {
    self,
    send,
    listen: (listener) => void listeners.add(listener),
    async start() {
      subscriber.on('message', (_channel: string, text: string) => onText(text));
      await subscriber.subscribe(...channels);
      subscriber.on('ready', () => void hearAgain());
    },
    async close() {
      await saying;
      subscriber.disconnect();
    },
  };
}

/** Null: not written by this program. */
function readSaid(text: string): { readonly from: string; readonly messages: readonly object[] } | null {
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said !== 'object' || said === null || !('from' in said) || !('messages' in said)) return null;
    const { from, messages } = said;
    if (typeof from !== 'string' || !Array.isArray(messages)) return null;
    return { from, messages: messages.filter((one): one is object => typeof one === 'object' && one !== null) };
  } catch {
    return null;
  }
}
