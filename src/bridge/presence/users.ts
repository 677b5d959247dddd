/**
 * The presence of Jabber users as the far side sees it: the presence of all resources folded into one, sent when it has
 * changed, one at a time per user. What the gateway itself hears counts more than what single ghosts hear, because a server
 * sends each broadcast to every contact and a user may show one contact something else (RFC 6121 sections 4.4, 4.6). After
 * an outage of the stream every user is probed; who does not answer is not there.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { gatewayPeer } from '../../core/model';
import type { ResourcePresence } from '../../core/model';
import { halvesOf } from '../../core/contacts/pair';
import { foldPresence, isSamePresence, leaseMs, offline, withResource } from '../../core/presence';
import type { UserState } from '../state/user-state';
import type { UserStates } from '../state/user-states';
import type { Clock, FarPort, JabberPort, Log, Meter } from '../ports';
import { makeKeyedQueue } from '../pacing/keyed-queue';
import { makeTimeouts } from '../pacing/timeouts';

export interface UsersOptions {
  readonly jabber: Pick<JabberPort, 'probe' | 'isUp'>;
  readonly far: Pick<FarPort, 'setPresence'>;
  /** does the user want to be seen on the far side? */
  readonly isShown: (user: BareJid) => boolean;
  readonly userStates: Pick<UserStates, 'all'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** how long users keep their presence after the component stream has gone */
  readonly leaseMs?: number;
  /** time for servers to answer the probes after the stream's return */
  readonly settleMs?: number;
  /** The user's first resource has come, or the last one has gone. */
  readonly onAttendance: (userState: UserState) => void;
}

export interface Users {
  onResource(userState: UserState, peer: Account, presence: ResourcePresence): void;
  /** Nothing of the user can be reached: no resource is there until it speaks again. */
  onAllGone(userState: UserState): void;
  /** The user's far session is up: it knows nothing yet. */
  onFarSession(userState: UserState): void;
  /** Whether the user is shown may have changed. */
  update(userState: UserState): void;
  /** Probes the user, from one contact that is subscribed to them, if there is any. */
  probe(userState: UserState): void;
  /**
   * Probes the user from each contact that is subscribed to them, little by little: a server that has lost, or ended
   * unheard, the subscription says `unsubscribed`. Each contact probes once per stream.
   */
  probeAll(userState: UserState): void;
  onStream(state: 'up' | 'down'): void;
  /** Was this user probed so lately that an `unsubscribed` may be the answer of a server that knows of no subscription? */
  wasProbed(userState: UserState): boolean;
  drop(userState: UserState): void;
  stop(): Promise<void>;
}

const sendersMax = 64;
/** before own presence is sent again that was not taken, and that was refused */
const repeatMs = 5_000;
const repeatRefusedMs = 60_000;
const everybody = 'everybody';
/** contacts of one user that probe at once, and the pause before those of the next user */
const probesCount = 20;
const probesPauseMs = 50;

export function makeUsers(options: UsersOptions): Users {
  const { jabber, far, userStates, clock, log, meter, settleMs = 30_000 } = options;
  const sending = makeKeyedQueue<UserState>({ run: send, concurrencyCount: sendersMax, log });
  const probing = makeKeyedQueue<UserState>({ run: probeNow, concurrencyCount: 1, log });
  const probingAll = makeKeyedQueue<UserState>({ run: probeSome, concurrencyCount: 1, log });
  const answering = makeTimeouts<UserState>({ afterMs: settleMs, due: endUnconfirmed, clock });
  let notProbed = new WeakMap<UserState, Account[]>(); // since the stream came up
  const again = (userState: UserState): void => sending.ask(userState);
  const repeating = makeTimeouts<UserState>({ afterMs: repeatMs, due: again, clock });
  const repeatingLater = makeTimeouts<UserState>({ afterMs: repeatRefusedMs, due: again, clock });
  const lease = makeTimeouts<typeof everybody>({ afterMs: options.leaseMs ?? leaseMs, due: endAll, clock });

  function onResource(userState: UserState, peer: Account, presence: ResourcePresence): void {
    const { resource: name, show } = presence;
    if (name === '') return; // servers acknowledge a subscription request from the bare JID: no news
    // COMPAT ejabberd shows presence to a privileged component without a subscription, and does not say when it ends
    const isToGateway = peer === gatewayPeer && isSeenBy(userState, gatewayPeer);
    if (!isToGateway && userState.heardByGateway?.has(name)) return;
    const known = userState.resources.get(name);
    userState.unconfirmed?.delete(name);
    if (isToGateway) noteHeardByGateway(userState, name, show !== 'offline');
    if (isSame(known, presence)) return;
    const wasThere = userState.resources.size > 0;
    userState.resources = withResource(userState.resources, presence);
    sending.ask(userState);
    if (wasThere !== userState.resources.size > 0) options.onAttendance(userState);
  }

  function noteHeardByGateway(userState: UserState, name: string, isThere: boolean): void {
    if (isThere) (userState.heardByGateway ??= new Set()).add(name);
    else if (userState.heardByGateway?.delete(name) && userState.heardByGateway.size === 0)
      userState.heardByGateway = null;
    // withResource forgets the oldest of too many; those must not be remembered here
    if (userState.heardByGateway && userState.heardByGateway.size > userState.resources.size + 1) {
      for (const other of userState.heardByGateway)
        if (other !== name && !userState.resources.has(other)) userState.heardByGateway.delete(other);
    }
  }

  async function send(userState: UserState): Promise<void> {
    if (!userState.hasFarSession) return;
    const now = options.isShown(userState.user) ? foldPresence(userState.resources.values()) : offline;
    if (userState.sentToFar && isSamePresence(userState.sentToFar, now)) return;
    userState.sentToFar = now;
    try {
      await far.setPresence(userState.user, now);
      meter.count('presence_sent_total', { dir: 'toFar' });
    } catch (thrown) {
      const fault = toFault(thrown);
      log.debug({ peer: userState.user, fault: fault.code }, 'own presence was not taken, it is sent again');
      if (userState.sentToFar === now) userState.sentToFar = null; // else a new session has begun meanwhile
      (fault.retry === 'never' ? repeatingLater : repeating).begin(userState);
    }
  }

  function probe(userState: UserState): void {
    probing.ask(userState);
  }

  /** One answer is enough: the gateway's if it may know, else that of any ghost who may. */
  async function probeNow(userState: UserState): Promise<void> {
    const knows = (peer: Account): boolean => isSeenBy(userState, peer);
    const peer = knows(gatewayPeer) ? gatewayPeer : [...userState.contacts.keys()].find(knows);
    answering.cancel(userState);
    answering.begin(userState);
    const others = [...userState.contacts.keys()].filter((other) => other !== gatewayPeer && other !== peer);
    if (!notProbed.has(userState)) notProbed.set(userState, others);
    if (peer !== undefined && jabber.isUp()) jabber.probe(userState.user, peer);
    await new Promise((resolve) => setImmediate(resolve)); // one per turn: messages come between
  }

  async function probeSome(userState: UserState, signal: AbortSignal): Promise<void> {
    const rest = notProbed.get(userState) ?? [];
    for (let asked = 0; asked < probesCount && jabber.isUp();) {
      const peer = rest.pop();
      if (peer === undefined) break;
      if (!isSeenBy(userState, peer)) continue;
      jabber.probe(userState.user, peer);
      asked += 1;
    }
    if (rest.length === 0 || !jabber.isUp()) return;
    probingAll.ask(userState); // behind the others
    await clock.sleep(probesPauseMs, signal);
  }

  function endUnconfirmed(userState: UserState): void {
    const { unconfirmed } = userState;
    userState.unconfirmed = null;
    if (!unconfirmed || unconfirmed.size === 0) return;
    userState.resources = new Map([...userState.resources].filter(([name]) => !unconfirmed.has(name)));
    for (const name of unconfirmed) noteHeardByGateway(userState, name, false);
    sending.ask(userState);
  }

  function onStream(state: 'up' | 'down'): void {
    if (state === 'down') return lease.begin(everybody);
    lease.cancel(everybody);
    notProbed = new WeakMap();
    for (const userState of userStates.all()) {
      userState.unconfirmed = userState.resources.size > 0 ? new Set(userState.resources.keys()) : null;
      probe(userState);
    }
  }

  function onAllGone(userState: UserState): void {
    if (userState.resources.size === 0) return;
    userState.resources = new Map();
    userState.heardByGateway = userState.unconfirmed = null;
    sending.ask(userState);
  }

  function endAll(): void {
    log.info({}, 'no component stream for long: nobody is known to be there');
    for (const userState of userStates.all()) onAllGone(userState);
  }

  return {
    onResource: onResource,
    onAllGone: onAllGone,
    onFarSession(userState) {
      userState.sentToFar = null;
      sending.ask(userState);
    },
    update: (userState) => sending.ask(userState),
    probe: probe,
    probeAll: (userState) => probingAll.ask(userState),
    onStream: onStream,
    wasProbed: (userState) => answering.isRunning(userState),
    drop(userState) {
      sending.drop(userState);
      probing.drop(userState);
      probingAll.drop(userState);
      answering.cancel(userState);
      repeating.cancel(userState);
      repeatingLater.cancel(userState);
    },
    async stop() {
      answering.stop();
      repeating.stop();
      repeatingLater.stop();
      lease.stop();
      await Promise.all([sending.stop(), probing.stop(), probingAll.stop()]);
    },
  };
}

/** Would the gateway contact hear the user, and is nobody there? */
export function isAway(userState: UserState): boolean {
  return userState.resources.size === 0 && isSeenBy(userState, gatewayPeer);
}

/** Is the peer subscribed to the user's presence? */
function isSeenBy(userState: UserState, peer: Account): boolean {
  const contact = userState.contacts.get(peer);
  return contact !== undefined && halvesOf(contact.pair.state).seen === 'yes';
}

function isSame(known: ResourcePresence | undefined, said: ResourcePresence): boolean {
  if (!known) return said.show === 'offline';
  return known.priority === said.priority && isSamePresence(known, said);
}
