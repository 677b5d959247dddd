/**
 * The middle: makes its parts in the order in which they need each other, wires them, starts and stops them. What both
 * networks say is passed on by the two listeners below, which exist before anything can be said. It decides nothing that
 * a part could decide, and knows the networks and the store by their ports only.
 */
import { randomUUID } from 'node:crypto';
import { makeAccess, type AccessLists } from '../core/access';
import { Fault } from '../core/fault';
import { textsFor, type Language } from '../core/i18n';
import { isDurable, type Link } from '../core/model';
import type { Clock, Log, Meter } from '../core/runtime';
import { makeGuard, type GuardOptions } from './accounts/guard';
import { makeLinks, type Links } from './accounts/links';
import { makeProvision, type ProvisionOptions } from './accounts/provision';
import { makeRepeatUnlink } from './accounts/repeat-unlink';
import { makeReturnWaiting } from './accounts/return-waiting';
import { makeCommands, makePermits } from './commands/user';
import { makeContacts } from './contacts/contacts';
import type { Contacts, ContactsOptions } from './contacts/types';
import { makeDrain, type DrainOptions } from './delivery/drain';
import { makeSendToUser, type SendToUser } from './delivery/gateway-messages';
import { makeHold, type HoldOptions } from './delivery/hold';
import { makeIntake } from './delivery/intake';
import { makeRecent } from './delivery/recent';
import { makeRefusals } from './delivery/refusals';
import { makeSenders } from './delivery/senders';
import { makeMessageRate } from './pacing/message-rate';
import { makeAnnounce } from './operator/announce';
import { makeOperator, type OperatorOptions, type OperatorService } from './operator/operator';
import type {
  FarListener,
  FarPort,
  AttemptStore,
  HeldStore,
  Jabber,
  JabberListener,
  LaneReader,
  LaneStore,
  LinkStore,
  Scheduler,
  StateStore,
} from './ports';
import { makeRouter } from './router';
import { makeLanguages } from './state/languages';
import { makeUserSettings } from './state/settings';

/** What the middle is told of the configuration; durations in ms. */
export interface BridgeSettings {
  /** the far network's home domain: a name alone is one of it */
  readonly homeDomain: string;
  readonly access: AccessLists;
  readonly accounts: readonly Omit<Link, 'origin'>[];
  readonly registration: { readonly mayRegister: boolean } & Pick<
    GuardOptions,
    'triesPerHour' | 'linksPerDomain' | 'isOwnDomain'
  >;
  readonly language: Language;
  readonly provisioning: ProvisionOptions['plan'];
  readonly signupTimeoutMs: number;
  readonly messagesPerMinute: number;
  readonly hold: HoldOptions['setting'];
  readonly delivery: Omit<DrainOptions['rules'], 'newId'>;
  readonly timing: NonNullable<ContactsOptions['timing']>;
}

export interface BridgeStore {
  readonly lanes: LaneStore & LaneReader & HeldStore & OperatorOptions['backlog'];
  readonly links: LinkStore;
  readonly provisioned: LinkStore;
  readonly attempts: AttemptStore;
  readonly state: StateStore;
  readonly scheduler: Scheduler & OperatorOptions['scheduler'] & { underWayCount(): number };
  isUp(): boolean;
}

export interface BridgeOptions {
  readonly settings: BridgeSettings;
  readonly store: BridgeStore;
  readonly jabber: Jabber;
  readonly far: FarPort;
  readonly signup: ProvisionOptions['signup'];
  /** how long this machine is up, ms */
  readonly machineUptimeMs: () => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Bridge {
  readonly operator: OperatorService;
  readonly links: Links;
  readonly contacts: Contacts;
  /** Resolves when the component stream is up. Rejects `store-away`, and as `Jabber.start` does. */
  start(): Promise<void>;
  /** Stops taking work, finishes what is in flight, says goodbye on both sides. Never rejects. */
  stop(): Promise<void>;
}

/** for drains and logouts that are under way */
const stopMs = 10_000;
/** for `unavailable` of every ghost that was announced; what is not said by then is said at the next start */
const goodbyeMs = 15_000;

export function makeBridge(options: BridgeOptions): Bridge {
  const { settings, store, jabber, far, signup, machineUptimeMs, clock, log, meter } = options;
  const { lanes, scheduler, state } = store;
  const { messagesPerMinute } = settings;
  const access = makeAccess(settings.access);
  const isStoreUp = (): boolean => store.isUp();
  const isStreamUp = (): boolean => jabber.isUp();
  const world = { clock, log, meter };

  const intake = makeIntake({ ...world, lanes, scheduler, isStoreUp, canTell: isStreamUp });
  const guard = makeGuard({ ...settings.registration, attempts: store.attempts, log, meter });
  const links = makeLinks({
    store: store.links,
    far,
    access,
    guard,
    log,
    mayRegister: settings.registration.mayRegister,
    configured: settings.accounts,
  });
  const userSettings = makeUserSettings({ state, isLinked: (user) => links.isLinked(user) });
  const languages = makeLanguages({
    state,
    isLinked: (user) => links.isLinked(user),
    fallback: settings.language,
    chosen: (user) => userSettings.of(user).language,
    log,
  });
  const sendToUser = makeSendToUser({ intake, languages, log });
  const notify: SendToUser = (user, words) => {
    if (userSettings.of(user).notices) sendToUser(user, words);
  };
  const repeatUnlink = makeRepeatUnlink({ links, clock, log });
  const contacts = makeContacts({
    ...world,
    jabber,
    far,
    intake,
    lanes,
    state,
    links,
    languages,
    userSettings,
    sendToUser,
    notify,
    unlink: (user) => repeatUnlink.unlink(user),
    drainsCount: () => scheduler.underWayCount(),
    timing: settings.timing,
  });
  const recent = makeRecent();
  const rate = {
    toFar: makeMessageRate(messagesPerMinute, clock),
    toJabber: makeMessageRate(messagesPerMinute, clock),
  };
  const refusals = makeRefusals({ jabber, log });
  const senders = makeSenders({
    ...world,
    refusals,
    far,
    languages,
    language: settings.language,
    resourceState: (user, resource) => contacts.resourceState(user, resource),
  });
  links.beforeEnd((user) => contacts.withdraw(user));
  links.afterEnd((user) => Promise.resolve(languages.forgetStored(user)));
  links.afterEnd((user) => Promise.resolve(userSettings.forget(user)));
  links.afterEnd(makeReturnWaiting({ lanes, senders, sendToUser, log }));
  const provision = makeProvision({
    made: store.provisioned,
    store: store.links,
    links,
    signup,
    clock,
    log,
    plan: settings.provisioning,
    timeoutMs: settings.signupTimeoutMs,
  });
  const router = makeRouter({
    ...world,
    intake,
    jabber,
    far,
    contacts,
    provision,
    recent,
    senders,
    userSettings,
    rate: rate.toFar,
    isAllowed: (user) => links.isAllowed(user),
    linkOf: (user) => links.linkOf(user),
  });
  const hold = makeHold({ ...world, setting: settings.hold, server: jabber, machineUptimeMs, lanes, scheduler });
  const drain = makeDrain({
    ...world,
    lanes,
    scheduler,
    far,
    jabber,
    hold,
    recent,
    senders,
    rate: rate.toJabber,
    isLinked: (user) => links.isLinked(user),
    mayReceipt: (user) => userSettings.of(user).receipts,
    isSuperseded: (lane, event) => contacts.isSuperseded(lane, event),
    onEnded: (lane, event, end) => contacts.onEnded(lane, event, end),
    rules: { newId: randomUUID, ...settings.delivery },
  });
  const operator = makeOperator({
    ...world,
    backlog: lanes,
    scheduler,
    links,
    far,
    contacts,
    isStreamUp,
    isStoreUp,
    announce: makeAnnounce({ intake, users: () => links.users(), log }),
    intakeWaitingCount: () => intake.waiting(),
  });

  const farListener: FarListener = {
    onEvent: (user, peer, event, identity) => router.fromFar(user, peer, event, identity),
    onStatus(user, status, fault) {
      operator.onSession(user, status, fault);
      const link = links.linkOf(user);
      if (status === 'refused' && link?.origin === 'provisioned') return void signUpAgain(link, fault);
      contacts.onSession(user, status, fault);
      if (status === 'online') scheduler.wake({ user });
    },
    onContact: (user, account, contact) => contacts.onContact(user, account, contact),
    onAlert: (user, text) => notify(user, text),
    onLongRefusal: (user, fault) =>
      notify(user, (language) => `${textsFor(language).faults['login-refused']} ${fault.text}`),
    // what waits for them first, then who is there to read it
    urgency: (user) => (scheduler.isWaitedFor(user) ? 2 : 0) + (contacts.isPresent(user) ? 1 : 0),
  };
  const jabberListener: JabberListener = {
    onEvent(user, peer, event) {
      if (stopping === null || isDurable(event)) router.fromJabber(user, peer, event);
    },
    onStream(now) {
      hold.onStream(now);
      if (now === 'up') refusals.onStreamUp();
      contacts.onStream(now);
    },
    onRosterAccess: (granted) => contacts.onRosterAccess(granted),
  };

  /** The login of an account that we made was refused: it is made again, or the user is told. */
  async function signUpAgain(link: Link, fault: Fault | null): Promise<void> {
    if (!(await provision.repair(link))) return contacts.onSession(link.user, 'refused', fault);
    await far.close(link.user);
    far.open(link);
  }

  async function start(): Promise<void> {
    far.start(farListener);
    await Promise.all([languages.start(), userSettings.start()]);
    // links first: a stanza that comes before them would be refused as a stranger's
    await links.start();
    await provision.start();
    far.check();
    await contacts.start();
    scheduler.start((key, ended) => drain.run(key, ended));
    await jabber.start({
      listener: jabberListener,
      languages,
      registration: links,
      commands: {
        commands: makeCommands({ ...settings, ...settings.registration, operator, registration: links, userSettings }),
        permits: makePermits({ access, isLinked: (user) => links.isLinked(user) }),
      },
      profileOf: (user, peer) =>
        links.isLinked(user) ? far.profile(user, peer) : Promise.reject(new Fault('not-linked')),
    });
  }

  let stopping: Promise<void> | null = null;
  async function stopAll(): Promise<void> {
    const deadline = AbortSignal.timeout(stopMs);
    repeatUnlink.stop();
    await scheduler.stop(deadline);
    // ghosts are taken back while the far sessions log out: both may be many
    await Promise.all([far.stop(deadline), contacts.stop(AbortSignal.timeout(goodbyeMs))]);
    // the intake last: what the XMPP server had written before it read our goodbye is still stored
    await jabber.stop();
    await intake.stop(deadline);
    await drain.settleUnsettled();
  }

  return { operator, links, contacts, start, stop: () => (stopping ??= stopAll()) };
}
