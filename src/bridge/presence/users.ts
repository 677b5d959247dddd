/**
 * The Jabber user as the far side sees them: the presence of all resources folded into one and told when it changed, one
 * telling at a time per user. What the gateway itself hears counts more than what single ghosts hear, because a server
 * sends each broadcast to every contact and a user may show one contact something else. After an outage of the stream
 * everything is asked anew; who does not answer is not there.
 */
import type { Account } from '../../core/address';
import { toFault } from '../../core/fault';
import { GATEWAY } from '../../core/model';
import type { ResourcePresence } from '../../core/model';
import { halvesOf } from '../../core/pair';
import { foldPresence, isSamePresence, leaseMs, withResource } from '../../core/presence';
import type { Circle, Circles } from '../state/user-state';
import type { Clock, FarPort, JabberPort, Log, Meter } from '../ports';
import { makeKeyedQueue } from '../pacing/keyed-queue';
import { makeTimeouts } from '../pacing/timeouts';

export interface AppearOptions {
  readonly jabber: Pick<JabberPort, 'probe' | 'isUp'>;
  readonly far: Pick<FarPort, 'setPresence'>;
  readonly circles: Pick<Circles, 'all'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** how long users stay what they were after the component stream has gone */
  readonly leaseMs?: number;
  /** time for servers to answer the probes after the stream's return */
  readonly settleMs?: number;
}

export interface Appear {
  resource(circle: Circle, peer: Account, presence: ResourcePresence): void;
  /** Nothing of the user can be reached: no resource is there until it speaks again. */
  gone(circle: Circle): void;
  /** The user's far session is online: it knows nothing yet. */
  sessionUp(circle: Circle): void;
  /** Asks the user's server, if anybody here may know. */
  ask(circle: Circle): void;
  /**
   * Asks for the user's presence from each contact that may know it, little by little: a server that has lost, or ended
   * unheard, the subscription says `unsubscribed`. Each contact asks once per stream.
   */
  confirm(circle: Circle): void;
  stream(state: 'up' | 'down'): void;
  /** Was this user asked so lately that an `unsubscribed` may be the answer of a server that knows of no subscription? */
  wasAsked(circle: Circle): boolean;
  drop(circle: Circle): void;
  stop(): Promise<void>;
}

const tellersMax = 64;
const all = 'all';
/** contacts of one user that ask at once, and the pause before those of the next user */
const confirmCount = 20;
const confirmPauseMs = 50;

export function makeAppear(options: AppearOptions): Appear {
  const { jabber, far, circles, clock, log, meter, settleMs = 30_000 } = options;
  const telling = makeKeyedQueue<Circle>({ run: tell, concurrencyCount: tellersMax, log });
  const asking = makeKeyedQueue<Circle>({ run: askNow, concurrencyCount: 1, log });
  const confirming = makeKeyedQueue<Circle>({ run: confirmSome, concurrencyCount: 1, log });
  const asked = makeTimeouts<Circle>({ afterMs: settleMs, due: settle, clock });
  let unconfirmed = new WeakMap<Circle, Account[]>(); // since the stream came up
  const lease = makeTimeouts<typeof all>({ afterMs: options.leaseMs ?? leaseMs, due: forgetAll, clock });

  function resource(circle: Circle, peer: Account, presence: ResourcePresence): void {
    const { resource: name, show } = presence;
    if (name === '') return; // an account without resources speaks when a subscription is asked for: no news
    // COMPAT ejabberd shows presence to a privileged component without a subscription, and does not say when it ends
    const isFrank = peer === GATEWAY && mayKnow(circle, GATEWAY);
    if (!isFrank && circle.frank?.has(name)) return;
    const known = circle.resources.get(name);
    circle.stale?.delete(name);
    if (isFrank) note(circle, name, show !== 'offline');
    if (isSame(known, presence)) return;
    circle.resources = withResource(circle.resources, presence);
    telling.ask(circle);
  }

  function note(circle: Circle, name: string, isThere: boolean): void {
    if (isThere) (circle.frank ??= new Set()).add(name);
    else if (circle.frank?.delete(name) && circle.frank.size === 0) circle.frank = null;
    // withResource forgets the oldest of too many; those must not be remembered here
    if (circle.frank && circle.frank.size > circle.resources.size + 1) {
      for (const other of circle.frank) if (other !== name && !circle.resources.has(other)) circle.frank.delete(other);
    }
  }

  async function tell(circle: Circle): Promise<void> {
    if (!circle.isOnline) return;
    const now = foldPresence(circle.resources.values());
    if (circle.told && isSamePresence(circle.told, now)) return;
    circle.told = now;
    try {
      await far.setPresence(circle.user, now);
      meter.count('presence_sent_total', { dir: 'toFar' });
    } catch (thrown) {
      // the session has ended (the next one is told afresh) or the far side will not have it
      log.debug({ peer: circle.user, fault: toFault(thrown).code }, 'own presence was not taken');
    }
  }

  function ask(circle: Circle): void {
    asking.ask(circle);
  }

  /** One answer is enough: the gateway's if it may know, else that of any ghost who may. */
  async function askNow(circle: Circle): Promise<void> {
    const knows = (peer: Account): boolean => mayKnow(circle, peer);
    const peer = knows(GATEWAY) ? GATEWAY : [...circle.buddies.keys()].find(knows);
    asked.cancel(circle);
    asked.begin(circle);
    const others = [...circle.buddies.keys()].filter((other) => other !== GATEWAY && other !== peer);
    if (!unconfirmed.has(circle)) unconfirmed.set(circle, others);
    if (peer !== undefined && jabber.isUp()) jabber.probe(circle.user, peer);
    await new Promise((resolve) => setImmediate(resolve)); // one per turn: messages come between
  }

  async function confirmSome(circle: Circle, signal: AbortSignal): Promise<void> {
    const rest = unconfirmed.get(circle) ?? [];
    for (let asked = 0; asked < confirmCount && jabber.isUp();) {
      const peer = rest.pop();
      if (peer === undefined) break;
      if (!mayKnow(circle, peer)) continue;
      jabber.probe(circle.user, peer);
      asked += 1;
    }
    if (rest.length === 0 || !jabber.isUp()) return;
    confirming.ask(circle); // behind the others
    await clock.sleep(confirmPauseMs, signal);
  }

  function settle(circle: Circle): void {
    const { stale } = circle;
    circle.stale = null;
    if (!stale || stale.size === 0) return;
    circle.resources = new Map([...circle.resources].filter(([name]) => !stale.has(name)));
    for (const name of stale) note(circle, name, false);
    telling.ask(circle);
  }

  function stream(state: 'up' | 'down'): void {
    if (state === 'down') return lease.begin(all);
    lease.cancel(all);
    unconfirmed = new WeakMap();
    for (const circle of circles.all()) {
      circle.stale = circle.resources.size > 0 ? new Set(circle.resources.keys()) : null;
      ask(circle);
    }
  }

  function gone(circle: Circle): void {
    if (circle.resources.size === 0) return;
    circle.resources = new Map();
    circle.frank = circle.stale = null;
    telling.ask(circle);
  }

  function forgetAll(): void {
    log.info({}, 'no component stream for long: nobody is known to be there');
    for (const circle of circles.all()) gone(circle);
  }

  return {
    resource,
    gone,
    sessionUp(circle) {
      circle.told = null;
      telling.ask(circle);
    },
    ask,
    confirm: (circle) => confirming.ask(circle),
    stream,
    wasAsked: (circle) => asked.isRunning(circle),
    drop(circle) {
      telling.drop(circle);
      asking.drop(circle);
      confirming.drop(circle);
      asked.cancel(circle);
    },
    async stop() {
      asked.stop();
      lease.stop();
      await Promise.all([telling.stop(), asking.stop(), confirming.stop()]);
    },
  };
}

/** Is the peer subscribed to the user's presence? */
function mayKnow(circle: Circle, peer: Account): boolean {
  const buddy = circle.buddies.get(peer);
  return buddy !== undefined && halvesOf(buddy.pair.state).seen === 'yes';
}

function isSame(known: ResourcePresence | undefined, said: ResourcePresence): boolean {
  if (!known) return said.show === 'offline';
  return known.priority === said.priority && isSamePresence(known, said);
}
