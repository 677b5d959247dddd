/**
 * Contacts: presence, subscriptions, the gateway contact and roster synchronisation behind one face. It finds what is
 * known of the user and hands over; what is decided stands in core, what is done in the files beside this one. Handlers
 * run on the stream readers: they return at once and never throw.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault, type FaultData } from '../../core/fault';
import type { Contact, Durable, Lane, LinkStatus } from '../../core/model';
import { newPair } from '../../core/pair';
import { isSuperseded } from '../../core/subscription';
import { makeGhosts, type GhostsOptions } from '../presence/ghosts';
import { makeUsers } from '../presence/users';
import { stateTables, type UserState } from '../state/user-state';
import { makeUserStates } from '../state/user-states';
import type { SyncResult, RosterPlan } from './roster-sync';
import type { SendToUser } from '../delivery/gateway-messages';
import type { UserSettings } from '../state/settings';
import type { Intake } from '../delivery/intake';
import type { ResourceState } from '../delivery/senders';
import type { Links } from '../accounts/links';
import { makeLinkEnds } from './link-ends';
import { makeLoginNotices } from './login-notices';
import { makeProbes } from './probes';
import { makeVerbs } from './verbs';
import { makeWithdraw } from './withdraw';
import { makeGatewayContact } from './gateway-contact';
import type { Clock, FarPort, JabberPort, LaneReader, LanguageMemory, Log, Meter, StateStore } from '../ports';
import { makeRosterSyncSchedule, type RosterSyncScheduleOptions } from './roster-sync-schedule';
import type { ContactEvents as Routed } from '../router';
import { makeSubscriptions } from './subscriptions';

export interface ContactsOptions {
  readonly jabber: JabberPort;
  readonly far: FarPort;
  readonly intake: Pick<Intake, 'accept'>;
  readonly lanes: LaneReader;
  readonly state: StateStore;
  /** lanes that are being drained or stand in line for it */
  readonly drainsCount: () => number;
  readonly links: Pick<Links, 'isLinked' | 'isAllowed' | 'users' | 'linkOf'>;
  readonly sendToUser: SendToUser;
  /** the same, for what a user may not want to hear */
  readonly notify: SendToUser;
  /** ends a link, because the user deleted the gateway contact */
  readonly unlink: (user: BareJid) => Promise<void>;
  /** of what the gateway says */
  readonly languages: Pick<LanguageMemory, 'of'>;
  readonly userSettings: Pick<UserSettings, 'of' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** ms; what is left out is as the parts have it */
  readonly timing?: Pick<GhostsOptions, 'leaseMs' | 'settleMs' | 'pace'> &
    Pick<RosterSyncScheduleOptions, 'gatherMs' | 'laterMs' | 'sweepMs'>;
}

export interface Contacts extends Routed {
  onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  onStream(state: 'up' | 'down'): void;
  onRosterAccess(access: 'none' | 'get' | 'both'): void;
  onContact(user: BareJid, account: Account, contact: Contact | null): void;
  /** A stanza for one resource, or for the whole account (null), came back: when nobody is there, what was known of it ends. */
  onUndelivered(user: BareJid, peer: Account, resource: string | null, fault: FaultData): void;
  /** A durable event has left its lane: the other side has it, or it was refused for good. */
  onEnded(lane: Lane, event: Durable, end: 'delivered' | 'bounced'): void;
  /** Is this resource of the user there, as far as their presence is heard? */
  resourceState(user: BareJid, resource: string): ResourceState;
  /** Has the state of the subscription moved on since this verb was queued for the user? */
  isSuperseded(lane: Lane, event: Durable): boolean;
  /** What a comparison of the user's rosters would do. `mayDelete`: so many contacts may lose something, null: the usual bound. */
  plan(user: BareJid, mayDelete: number | null, signal: AbortSignal): Promise<RosterPlan>;
  /** Does it now. Both reject when a roster cannot be read. */
  reconcile(user: BareJid, mayDelete: number | null, signal: AbortSignal): Promise<RosterPlan>;
  /** The link ends: withdraws presence, subscriptions and roster items. Rejects `store-away`. */
  withdraw(user: BareJid): Promise<void>;
  /** The user may not use the bridge now: contacts go unavailable, nothing is passed on, subscriptions stay. Rejects
   * `store-away`. */
  suspend(user: BareJid): Promise<void>;
  /** The user may again. */
  resume(user: BareJid): void;
  /** Loads what was sent before. Rejects `store-away`. */
  start(): Promise<void>;
  /** Sends `unavailable` for every ghost that was shown to anybody. Never rejects. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Users whose records are read from the store at once. */
const loadsCount = 50;
/** RFC 6120 section 8.3.3: conditions by which a server says that a resource is not there. */
const notThere: readonly string[] = ['gone', 'item-not-found', 'recipient-unavailable', 'remote-server-not-found'];

export function makeContacts(options: ContactsOptions): Contacts {
  const {
    jabber,
    far,
    intake,
    state,
    links,
    sendToUser,
    notify,
    unlink,
    languages,
    userSettings,
    clock,
    log,
    meter,
    timing = {},
  } = options;
  const userStates = makeUserStates({ state, clock, log, meter });
  const ghosts = makeGhosts({ ...timing, jabber, state, userStates, isLinked, languages, clock, log, meter });
  const users = makeUsers({
    ...timing,
    jabber,
    far,
    userStates,
    isShown: (user) => userSettings.of(user).presence,
    clock,
    log,
    meter,
    onAttendance: (userState) => rosterSync.request(userState),
  });
  const subscriptions = makeSubscriptions({ intake, state, ghosts, clock, log, meter });
  const gatewayContact = makeGatewayContact({
    subscriptions,
    unlink,
    sendToUser,
    jabber,
    languages,
    log,
    wasProbed: (userState) => users.wasProbed(userState),
    onWritten: (userState) => users.probe(userState),
  });
  const rosterSync = makeRosterSyncSchedule({
    ...timing,
    jabber,
    far,
    state,
    userStates,
    subscriptions,
    ghosts,
    clock,
    log,
    meter,
    lanes: options.lanes,
    drainsCount: options.drainsCount,
    onCompared,
  });

  userSettings.onChange((user) => use(user, (userState) => users.update(userState)));
  const notices = makeLoginNotices({ state, notify, log });
  const ends = makeLinkEnds({
    links,
    userStates,
    notices,
    jabber,
    clock,
    log,
    withdrawContacts: makeWithdraw({ jabber, state, subscriptions, ghosts, log }),
    hideContacts: (userState) => ghosts.withdraw(userState),
    endWork(userState) {
      rosterSync.drop(userState);
      users.drop(userState);
    },
    onServed: serveAgain,
  });

  const heard = new Set<BareJid>(); // users whose presence has come since the stream is up

  function isLinked(user: BareJid): boolean {
    return ends.isServed(user);
  }

  /** False: it was not and will not be done. */
  function use(user: BareJid, act: (userState: UserState) => void): boolean {
    if (!isLinked(user)) return false;
    return userStates.use(user, (userState) => {
      try {
        if (isLinked(user)) act(userState);
      } catch (thrown) {
        log.error({ peer: user, err: thrown }, 'an event of a contact could not be handled');
      }
    });
  }

  const verbs = makeVerbs({
    jabber,
    userStates,
    subscriptions,
    gatewayContact,
    rosterSync,
    ghosts,
    isLinked,
    use,
    clock,
    log,
    meter,
  });

  const probes = makeProbes({ ghosts, verbs });

  function onUndelivered(user: BareJid, peer: Account, resource: string | null, { stanza }: FaultData): void {
    if (stanza === undefined || !notThere.includes(stanza.condition)) return;
    use(user, (userState) => {
      if (resource === null) return users.onAllGone(userState);
      users.onResource(userState, peer, { kind: 'resource', resource, show: 'offline', status: null, priority: 0 });
    });
  }

  // ---- sessions and the stream

  function onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void {
    if (status !== 'closed') ends.onLink(user);
    use(user, (userState) => {
      ghosts.onSession(userState, status, fault);
      if (status === 'refused') {
        const account = links.linkOf(user)?.account;
        if (account !== undefined) void notices.refused(user, account, fault);
        void gatewayContact.ensure(userState, jabber.rosterAccess() === 'both').catch(() => undefined); // with the next session
      }
      if (status !== 'online') return;
      users.onFarSession(userState);
      rosterSync.request(userState);
      const account = links.linkOf(user)?.account;
      if (account !== undefined) void notices.worked(user, account);
    });
  }

  /** Contacts that were not served are, from here on: all that was missed is asked for anew. */
  function serveAgain(user: BareJid): void {
    use(user, (userState) => {
      ghosts.showAll(userState);
      if (jabber.isUp()) users.probe(userState);
      onSession(user, far.status(user), null);
    });
  }

  function onStream(now: 'up' | 'down'): void {
    users.onStream(now);
    if (now === 'down') return heard.clear();
    ghosts.onStreamUp();
    ends.onStreamUp();
    rosterSync.requestAll();
  }

  function onCompared(userState: UserState, { isWritten, rosterAccess }: SyncResult): void {
    if (isWritten && userState.resources.size === 0) users.probe(userState);
    gatewayContact.ensure(userState, rosterAccess === 'write').catch((thrown: unknown) => {
      log.debug({ peer: userState.user, fault: toFault(thrown).code }, 'the gateway contact could not be added yet');
    });
    if (rosterAccess === 'none') users.probeAll(userState);
    probes.onPairsKnown(userState);
  }

  // ---- beginnings and endings

  async function start(): Promise<void> {
    const known = new Set(links.users());
    for (const table of [stateTables.sentPresence, stateTables.pairs, stateTables.labels]) {
      for await (const page of state.users(table)) for (const user of page) known.add(user);
    }
    const all = [...known];
    for (let i = 0; i < all.length; i += loadsCount) {
      const some = all.slice(i, i + loadsCount);
      await Promise.all([ends.find(some), ...some.map((user) => userStates.load(user))]);
    }
    ghosts.start();
    rosterSync.start();
    if (jabber.isUp()) onStream('up');
    log.info({ count: all.length }, 'contacts loaded');
  }

  return {
    onJabberVerb: (user, peer, verb) => verbs.onJabberVerb(user, peer, verb),
    onFarVerb: (user, peer, verb) => verbs.onFarVerb(user, peer, verb),
    onEnded: (lane, event, end) => verbs.onEnded(lane, event, end),
    onUndelivered,
    resourceState(user, resource) {
      if (userStates.get(user)?.resources.has(resource) === true) return 'online';
      return heard.has(user) ? 'gone' : 'unknown';
    },
    isSuperseded: ({ direction, user, peer }, event) =>
      direction === 'toJabber' &&
      event.kind === 'verb' &&
      isSuperseded(userStates.get(user)?.contacts.get(peer)?.pair ?? newPair, event.verb),
    onResource(user, peer, presence) {
      if (use(user, (userState) => users.onResource(userState, peer, presence))) heard.add(user);
    },
    onProbe: (user, peer) => void use(user, (userState) => probes.answer(userState, peer)),
    isPresent: (user) => (userStates.get(user)?.resources.size ?? 0) > 0,
    onFarPresence: (user, peer, presence) =>
      void use(user, (userState) => ghosts.onFarPresence(userState, peer, presence)),
    onContact: (user, peer, contact) =>
      void use(user, (userState) => rosterSync.onFarContact(userState, peer, contact === null)),
    onSession,
    onStream,
    onRosterAccess() {
      gatewayContact.accessChanged();
      rosterSync.accessChanged();
    },
    plan: async (user, mayDelete, signal) => rosterSync.plan(await userStates.load(user), mayDelete, signal),
    reconcile: async (user, mayDelete, signal) => rosterSync.run(await userStates.load(user), mayDelete, signal),
    withdraw: (user) => ends.withdraw(user),
    suspend: (user) => ends.suspend(user),
    resume: (user) => ends.resume(user),
    start,
    async stop(signal) {
      verbs.stop();
      subscriptions.stop();
      ends.stop();
      userStates.stop();
      await Promise.all([rosterSync.stop(), users.stop()]);
      await ghosts.stop(signal);
    },
  };
}
