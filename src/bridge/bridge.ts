/**
 * The middle: makes its parts in the order in which they need each other, wires them, starts and stops them. It decides
 * nothing that a part could decide, and knows the networks and the store by their ports only.
 */
import { randomUUID } from 'node:crypto';
import type { BareJid } from '../core/address';
import { Fault } from '../core/fault';
import type { Language } from '../core/i18n';
import { makeGuard } from './accounts/guard';
import { makeLinks } from './accounts/links';
import { makeProvision } from './accounts/provision';
import { makeRepeatUnlink } from './accounts/repeat-unlink';
import { makeReturnWaiting } from './accounts/return-waiting';
import { makeChat } from './chat/chat';
import { makeCommands, makePermits } from './commands/user';
import { makeContacts } from './contacts/contacts';
import { makeDrain } from './delivery/drain';
import { makeSendToUser, type SendToUser, type SendToUserOptions } from './delivery/gateway-messages';
import { makeHold } from './delivery/hold';
import { makeDirectory } from './directory';
import { makeIntake } from './delivery/intake';
import { makeRecent } from './delivery/recent';
import { makeRefusals } from './delivery/refusals';
import { makeSenders, type SendersOptions } from './delivery/senders';
import { makeListeners } from './listeners';
import { makeLiveSettings } from './live-settings';
import { makeAnnounce } from './operator/announce';
import { makeOperator, type OperatorService } from './operator/operator';
import { makeMessageRate } from './pacing/message-rate';
import type { JabberMiddle, Registration, StateStore } from './ports';
import { makeHandOver, type HandOverOptions, type Leadership } from './processes/hand-over';
import { makeRouter } from './router';
import { makeLanguages, type LanguagesOptions } from './state/languages';
import { makeUserSettings } from './state/settings';
import type { Bridge, BridgeOptions } from './types';

export type * from './types';

/** for drains and logouts that are under way */
const stopMs = 10_000;
/** for `unavailable` of every ghost that was announced; what is not said by then is said at the next start */
const goodbyeMs = 15_000;

export function makeBridge(options: BridgeOptions): Bridge {
  const { settings, store, jabber, far, signup, machineUptimeMs, clock, log, meter } = options;
  const { lanes, scheduler, state } = store;
  const live = makeLiveSettings(settings, log);
  const { access, language, messagesPerMinute, mayRegister, limits } = live;
  const isStoreUp = (): boolean => store.isUp();
  const isStreamUp = (): boolean => jabber.isUp();
  const world = { clock, log, meter };
  const intake = makeIntake({ ...world, lanes, scheduler, isStoreUp, canTell: isStreamUp });
  const guard = makeGuard({ ...settings.registration, limits, attempts: store.attempts, log, meter });
  const links = makeLinks({ store: store.links, far, access, guard, log, mayRegister, configured: settings.accounts });
  const isLinked = (user: BareJid): boolean => links.isLinked(user);
  const voice = makeVoice({ state, intake, isLinked, language, log });
  const { userSettings, languages, sendToUser } = voice;
  const repeatUnlink = makeRepeatUnlink({ links, clock, log });
  const contacts = makeContacts({
    ...world,
    jabber,
    far,
    intake,
    lanes,
    state,
    links,
    ...voice,
    unlink: (user) => repeatUnlink.unlink(user),
    drainsCount: () => scheduler.underWayCount(),
    timing: settings.timing,
  });
  const recent = makeRecent();
  const refusals = makeRefusals({ jabber, log });
  const resourceState: SendersOptions['resourceState'] = (user, resource) => contacts.resourceState(user, resource);
  const senders = makeSenders({ ...world, refusals, far, languages, language, resourceState });
  followLinks();
  const accounts = { made: store.provisioned, store: store.links, links, signup, plan: settings.provisioning };
  const provision = makeProvision({ ...accounts, clock, log, timeoutMs: settings.signupTimeoutMs });
  const operator = operate();
  const isStopping = (): boolean => stopping !== null;
  const registration = closedWhile(isStopping, links);
  const commands = makeCommands({ ...settings, ...settings.registration, operator, registration, userSettings });
  const permits = makePermits({ access, isLinked });
  const directory = makeDirectory({ far, isLinked });
  const chat = makeChat({ ...world, ...voice, commands, permits, directory, registration });
  const routed = { intake, jabber, far, contacts, provision, recent, senders, userSettings, chat };
  const router = makeRouter({
    ...world,
    ...routed,
    rate: makeMessageRate(messagesPerMinute, clock),
    isAllowed: (user) => links.isAllowed(user),
    linkOf: (user) => links.linkOf(user),
  });
  const hold = makeHold({ ...world, setting: settings.hold, server: jabber, machineUptimeMs, lanes, scheduler });
  const drain = makeDrain({
    ...world,
    lanes,
    scheduler,
    logsDelivered: settings.logsDelivered ?? false,
    far,
    jabber,
    hold,
    recent,
    senders,
    rate: makeMessageRate(messagesPerMinute, clock),
    isLinked,
    mayReceipt: (user) => userSettings.of(user).receipts,
    isSuperseded: (lane, event) => contacts.isSuperseded(lane, event),
    onEnded: (lane, event, end) => contacts.onEnded(lane, event, end),
    rules: { newId: randomUUID, ...settings.delivery },
  });

  const onEvent: HandOverOptions['onEvent'] = (...event) => router.fromJabber(...event);
  const handOver = makeHandOver({ ...world, ...store.processes, jabber, onEvent });
  const told = { router, operator, contacts, links, scheduler, provision, hold, refusals, far, handOver };
  const { farListener, jabberListener } = makeListeners({ ...told, notify: voice.notify, isStopping });

  /** What an operator sees and changes. */
  function operate(): OperatorService {
    const announce = makeAnnounce({ intake, users: () => links.users(), log });
    const processes = (): ReturnType<typeof store.processes.all> => store.processes.all();
    const shown = { processes, backlog: lanes, scheduler, links, far, contacts, isStreamUp, isStoreUp };
    const { audit, sealing } = store;
    const changed = { changes: links.byOperator, provision, audit, sealing, process: options.process };
    const kept = { homeDomain: settings.homeDomain, intakeWaitingCount: () => intake.waiting() };
    return makeOperator({ ...world, ...shown, ...changed, ...kept, announce });
  }

  /** What goes with a link that ends, is suspended, or goes on. */
  function followLinks(): void {
    links.beforeEnd((user) => contacts.withdraw(user));
    links.onSuspend((user) => contacts.suspend(user));
    links.onResume((user) => Promise.resolve(contacts.resume(user)));
    links.afterEnd((user) => Promise.resolve(languages.forgetStored(user)));
    links.afterEnd((user) => Promise.resolve(userSettings.forget(user)));
    links.afterEnd(makeReturnWaiting({ lanes, senders, sendToUser, log }));
  }

  async function start(leadership: Pick<Leadership, 'takeStream'>): Promise<void> {
    far.start(farListener);
    await Promise.all([languages.start(), userSettings.start()]);
    // links first: a stanza that comes before them would be refused as a stranger's
    await links.start();
    await provision.start();
    far.check();
    await contacts.start();
    scheduler.start((key, ended) => drain.run(key, ended));
    await handOver.awaitStream(leadership);
    const middle: JabberMiddle = {
      listener: jabberListener,
      languages,
      registration,
      commands: { commands, permits },
      directory,
      profileOf: (user, peer) => (isLinked(user) ? far.profile(user, peer) : Promise.reject(new Fault('not-linked'))),
    };
    await jabber.start(middle, handOver.patienceMs());
    await handOver.takeRest(leadership);
  }

  let stopping: Promise<void> | null = null;
  async function stopAll(leadership: Leadership | null): Promise<void> {
    if (leadership?.lost.aborted) return giveWay();
    const others = leadership === null ? [] : await store.processes.others().catch(() => []);
    const isHandedOver = others.length > 0 && (await handOver.offer());
    const deadline = AbortSignal.timeout(stopMs);
    repeatUnlink.stop();
    await scheduler.stop(deadline);
    // ghosts are taken back while the far sessions log out: both may be many
    await Promise.all([far.stop(deadline), contacts.stop(AbortSignal.timeout(goodbyeMs), isHandedOver)]);
    // what the XMPP server had written before it read our goodbye is still stored
    const storeRest = (): Promise<void> => intake.stop(AbortSignal.timeout(stopMs));
    if (leadership !== null && isHandedOver) {
      await drain.settleUnsettled();
      await intake.stored(deadline); // what the far side brought is written under the shards' terms
      return handOver.give(leadership, storeRest);
    }
    await jabber.stop();
    await storeRest();
    await drain.settleUnsettled();
  }

  /** Another process does the work since: nothing is said to anybody, nor to a session that it may have taken over. */
  async function giveWay(): Promise<void> {
    const atOnce = AbortSignal.abort(new Fault('stopping'));
    handOver.giveWay();
    repeatUnlink.stop();
    await Promise.all([scheduler.stop(atOnce), far.stop(atOnce), contacts.stop(atOnce, true)]);
    await jabber.stop();
    await intake.stop(atOnce);
  }

  return {
    operator,
    links,
    contacts,
    start,
    change: (wanted) => live.change(wanted, links),
    standBy: () => handOver.standBy(),
    stop: (leadership) => (stopping ??= stopAll(leadership)),
  };
}

/** What is changed while another process takes over, it would not know: then nothing is. */
function closedWhile(isClosed: () => boolean, open: Registration): Registration {
  const unlessClosed = (change: () => Promise<void>): Promise<void> =>
    isClosed() ? Promise.reject(new Fault('try-later')) : change();
  return {
    isAllowed: (user) => open.isAllowed(user),
    accountOf: (user) => open.accountOf(user),
    link: (...request) => unlessClosed(() => open.link(...request)),
    unlink: (user) => unlessClosed(() => open.unlink(user)),
  };
}

interface VoiceOptions extends Pick<SendToUserOptions, 'intake' | 'log'> {
  readonly state: StateStore;
  readonly isLinked: (user: BareJid) => boolean;
  readonly language: () => Language;
}

/** How users are spoken to: what they have chosen, in which language, and of what they do not want to hear nothing. */
function makeVoice({ state, intake, isLinked, language, log }: VoiceOptions) {
  const userSettings = makeUserSettings({ state, isLinked });
  const chosen: LanguagesOptions['chosen'] = (user) => userSettings.of(user).language;
  const languages = makeLanguages({ state, isLinked, fallback: language, chosen, log });
  const sendToUser = makeSendToUser({ intake, languages, log });
  const notify: SendToUser = (user, words) => {
    if (userSettings.of(user).notices) sendToUser(user, words);
  };
  return { userSettings, languages, sendToUser, notify };
}
