/**
 * Contacts: presence, subscriptions, the gateway contact and roster synchronisation behind one face. It finds what is
 * known of the user and hands over; what is decided stands in core, what is done in the files beside this one. Handlers
 * run on the stream readers: they return at once and never throw.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault, type Fault, type FaultData } from '../../core/fault';
import type { LinkStatus } from '../../core/model';
import { newPair } from '../../core/contacts/pair';
import { isSuperseded } from '../../core/contacts/subscription';
import { makeGhosts } from '../presence/ghosts';
import { makeUsers } from '../presence/users';
import { stateTables, type UserState } from '../state/user-state';
import { makeUserStates } from '../state/user-states';
import { makeGatewayContact } from './gateway-contact';
import { makeLinkEnds } from './link-ends';
import { makeLoginNotices } from './login-notices';
import { makeProbes } from './probes';
import type { SyncResult } from './roster-sync';
import { makeRosterSyncSchedule } from './roster-sync-schedule';
import { makeSubscriptions } from './subscriptions';
import type { Contacts, ContactsOptions } from './types';
import { makeVerbs } from './verbs';
import { makeWithdraw } from './withdraw';

/** Users whose records are read from the store at once. */
const loadsCount = 50;
/** RFC 6120 section 8.3.3: conditions by which a server says that a resource is not there. */
const notThere: readonly string[] = ['gone', 'item-not-found', 'recipient-unavailable', 'remote-server-not-found'];

export function makeContacts(options: ContactsOptions): Contacts {
  const { jabber, far, intake, state, links, unlink, sendToUser, notify, languages, userSettings } = options;
  const { clock, log, meter, timing = {} } = options;
  const world = { clock, log, meter };
  const userStates = makeUserStates({ state, ...world });
  const ghosts = makeGhosts({ ...timing, jabber, state, userStates, isLinked, languages, ...world });
  const onAttendance = (userState: UserState): void => rosterSync.request(userState);
  const isShown = (user: BareJid): boolean => userSettings.of(user).presence;
  const users = makeUsers({ ...timing, jabber, far, userStates, isShown, onAttendance, ...world });
  const subscriptions = makeSubscriptions({ intake, state, ghosts, ...world });
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
  const { lanes, drainsCount } = options;
  const known = { jabber, far, state, userStates, subscriptions, ghosts, lanes, drainsCount };
  const rosterSync = makeRosterSyncSchedule({ ...timing, ...known, onCompared, ...world });

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

  const forVerbs = { jabber, userStates, subscriptions, gatewayContact, rosterSync, ghosts };
  const verbs = makeVerbs({ ...forVerbs, isLinked, use, ...world });
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
    async stop(signal, isHandedOver) {
      verbs.stop();
      subscriptions.stop();
      ends.stop();
      userStates.stop();
      await Promise.all([rosterSync.stop(), users.stop()]);
      await ghosts.stop(signal, isHandedOver);
    },
  };
}
