/**
 * The composition root: builds every object once, wires ports to adapters, starts bottom-up, stops top-down.
 * The only file that sees both networks, the store and the middle.
 */
import { randomUUID } from 'node:crypto';
import { makeAccess } from './core/access';
import { Fault, toFault } from './core/fault';
import { GATEWAY, isDurable } from './core/model';
import type { Link } from './core/model';
import { makeCommands, makePermits } from './bridge/commands/user';
import { makeDrain } from './bridge/delivery/drain';
import { makeIntake } from './bridge/delivery/intake';
import { makeLinks, gatewayMessage } from './bridge/accounts/links';
import { makeAnnounce } from './bridge/operator/announce';
import { makeHold } from './bridge/delivery/hold';
import { makeOperator } from './bridge/operator/operator';
import { makePeople } from './bridge/contacts/contacts';
import type { FarListener, JabberListener, Log } from './bridge/ports';
import { makeProvision } from './bridge/accounts/provision';
import { makeRouter } from './bridge/router';
import { accepted, parseListen, type Config } from './config';
import { systemClock as clock } from './ops/clock';
import { startConsole } from './ops/http/console-api';
import type { Metrics } from './ops/metrics';
import { openStore } from './store';
import {
  deliveryRules,
  farSettings,
  holdSetting,
  jabberSettings,
  peopleTiming,
  provisioningPlan,
  storeSettings,
} from './settings';
import { makeFarPort } from './ximss/port';
import { makePrelogin } from './ximss/prelogin';
import { makeJabber } from './xmpp/component';
import { version } from './version';

export interface AppDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  /** aborts when the operator wants the bridge to stop while it starts */
  readonly signal: AbortSignal;
}

export interface App {
  /** Stops taking work, finishes what is in flight (10 s), says goodbye, closes. May be called twice. Never rejects. */
  stop(): Promise<void>;
  /** Settles only when the running bridge cannot go on (the leadership was lost, the component was refused for good). */
  readonly failed: Promise<Fault>;
}

const stopMs = 10_000;
/** for `unavailable` of every ghost that was announced; what is not said by then is said at the next start */
const goodbyeMs = 15_000;

/**
 * Resolves when the component stream is up and Redis answers. Rejects `store-away` and other store faults (exit code 4)
 * or `stream-refused`, `stream-conflict` (exit code 3), with everything closed again.
 */
export async function startApp(config: Config, { log, metrics, signal }: AppDeps): Promise<App> {
  const { meter } = metrics;
  const store = await openStore({
    ...storeSettings(config),
    clock,
    log: log.child({ part: 'store' }),
    meter,
  });

  const bridgeLog = log.child({ part: 'bridge' });
  // listeners are called only after start(), when everything below exists
  const farListener: FarListener = {
    onEvent: (user, peer, event, identity) => router.fromFar(user, peer, event, identity),
    onStatus: (user, status, fault) => {
      operator.onSession(user, status, fault);
      const link = links.linkOf(user);
      if (status === 'refused' && link?.origin === 'provisioned') return void repair(link, fault);
      people.onSession(user, status, fault);
      if (status === 'online') scheduler.wake({ user });
    },
    onContact: (user, account, contact) => people.onContact(user, account, contact),
    onAlert: (user, text) => say(user, text, 'headline'),
  };
  const jabberListener: JabberListener = {
    onEvent: (user, peer, event) => {
      if (stopping === null || isDurable(event)) router.fromJabber(user, peer, event);
    },
    onStream: (state) => {
      hold.onStream(state); // wakes the lanes when they may be drained
      people.onStream(state);
    },
    onRosterAccess: (access) => people.onRosterAccess(access),
  };

  const wire = { settings: farSettings(config), clock, log: log.child({ part: 'ximss' }), meter };
  const far = makeFarPort({ ...wire, listener: farListener, notes: store.notes });
  const prelogin = makePrelogin(wire);
  const access = makeAccess(config.access);
  const { lanes, scheduler } = store;
  const intake = makeIntake({
    lanes,
    scheduler,
    isStoreUp: () => store.isUp(),
    canTell: () => jabber.isUp(),
    clock,
    log: bridgeLog,
    meter,
  });
  const links = makeLinks({
    store: store.links,
    lanes,
    far,
    access,
    mayRegister: config.registration.enabled,
    configured: config.accounts.map(({ jid, account, password }) => ({ user: jid, account, password })),
    farewell: (user) => people.farewell(user),
    say,
    log: bridgeLog,
  });
  const operator = makeOperator({
    backlog: lanes,
    scheduler,
    links,
    far,
    announce: makeAnnounce({ intake, users: () => links.users(), log: bridgeLog }),
    people: {
      plan: (...given) => people.plan(...given),
      reconcile: (...given) => people.reconcile(...given),
    },
    intakeWaitingCount: () => intake.waiting(),
    isStreamUp: () => jabber.isUp(),
    isStoreUp: () => store.isUp(),
    clock,
    log: bridgeLog,
    meter,
  });
  metrics.onRead(() => operator.sample());
  const jabber = makeJabber({
    ...jabberSettings(config),
    version,
    listener: jabberListener,
    commands: {
      commands: makeCommands({
        operator,
        enrolment: links,
        homeDomain: config.ximss.domain,
        mayRegister: config.registration.enabled,
      }),
      permits: makePermits({ access, isLinked: (user) => links.isLinked(user) }),
    },
    profileOf: (user, peer) =>
      links.isLinked(user) ? far.profile(user, peer) : Promise.reject(new Fault('not-linked')),
    enrolment: links,
    clock,
    log: log.child({ part: 'xmpp' }),
    meter,
  });

  const people = makePeople({
    jabber,
    far,
    intake,
    lanes,
    drainsCount: () => scheduler.underWayCount(),
    state: store.state,
    links,
    say,
    unlink: (user) => links.unlink(user),
    timing: peopleTiming(config),
    clock,
    log: bridgeLog,
    meter,
  });
  const provision = makeProvision({
    plan: provisioningPlan(config),
    store: store.links,
    signup: (account, password, ended) => prelogin.signup(account, password, null, ended),
    adopt: (link) => links.adopt(link),
    timeoutMs: 4 * wire.settings.requestTimeoutMs,
    log: bridgeLog,
  });
  const router = makeRouter({
    intake,
    jabber,
    far,
    people,
    isAllowed: (user) => links.isAllowed(user),
    linkOf: (user) => links.linkOf(user),
    provision,
    messagesPerMinute: config.limits.messagesPerMinute,
    clock,
    log: bridgeLog,
    meter,
  });
  const hold = makeHold({
    setting: holdSetting(config),
    server: jabber,
    lanes,
    wake: (held) => {
      if (held.length > 0) drain.suspectRepeats();
      scheduler
        .schedule(held, { immediately: true })
        .catch((thrown: unknown) => bridgeLog.debug({ fault: toFault(thrown).code }, 'a drain could not be scheduled'));
      scheduler.wake('jabber');
    },
    clock,
    log: bridgeLog,
    meter,
  });
  const drain = makeDrain({
    lanes,
    scheduler,
    far,
    jabber,
    hold,
    isLinked: (user) => links.isLinked(user),
    isSuperseded: (lane, event) => people.isMoot(lane, event),
    onEnded: (lane, event, end) => people.onEnded(lane, event, end),
    clock,
    log: bridgeLog,
    meter,
    rules: { newId: randomUUID, ...deliveryRules(config) },
  });

  /** The login of an account that we made was refused: it is made again, or the user is told. */
  async function repair(link: Link, fault: Fault | null): Promise<void> {
    if (!(await provision.repair(link))) return people.onSession(link.user, 'refused', fault);
    await far.close(link.user);
    far.open(link);
  }

  /** A word from the gateway to a user, through the queue. */
  function say(user: Link['user'], text: string, type: 'chat' | 'headline' = 'chat'): void {
    const lane = { direction: 'toJabber', user, peer: GATEWAY } as const;
    intake.accept(lane, gatewayMessage(text, type), null, (fault) => {
      if (fault) bridgeLog.warn({ peer: user, fault: fault.code }, 'a notice could not be stored');
    });
  }

  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopping ??= closeAll());
  async function closeAll(): Promise<void> {
    const deadline = AbortSignal.timeout(stopMs);
    await scheduler.stop(deadline);
    // ghosts are taken back while the far sessions log out: both may be many
    await Promise.all([far.stop(deadline), people.stop(AbortSignal.timeout(goodbyeMs))]);
    prelogin.close();
    // the intake last: what the XMPP server had written before it read our goodbye is still stored
    await jabber.stop();
    await intake.stop(deadline);
    await drain.settleUnsettled();
    await admin?.stop();
    await leadership?.release();
    await store.close(AbortSignal.timeout(stopMs));
    log.info({}, 'stopped');
  }

  let admin: Awaited<ReturnType<typeof startConsole>> | null = null;
  let leadership: Awaited<ReturnType<typeof store.lease.acquire>> | null = null;
  signal.addEventListener('abort', () => void stop(), { once: true });
  try {
    admin = await startConsole({
      ...config.http,
      listen: accepted(parseListen, config.http.listen),
      metrics,
      ready: () => ({ stream: jabber.isUp(), redis: store.isUp() }),
      operator,
      about: { version, domain: config.xmpp.domain },
      log: log.child({ part: 'ops' }),
    });
    meter.gauge('leader', 0);
    leadership = await store.lease.acquire(signal);
    meter.gauge('leader', 1);
    // links first: a stanza that comes before them would be refused as a stranger's
    await links.start();
    await people.start();
    scheduler.start((key, signal) => drain.run(key, signal));
    await jabber.start();
  } catch (thrown) {
    await stop();
    throw toFault(thrown);
  }
  const { lost } = leadership;
  const failed = new Promise<Fault>((resolve) => {
    lost.addEventListener('abort', () => {
      if (stopping === null) resolve(toFault(lost.reason));
    });
  });
  log.info({}, 'ready');
  return { stop, failed };
}
