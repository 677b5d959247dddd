/**
 * The composition root: builds the store, both networks, the middle and the operator's listener, starts them bottom-up,
 * stops them top-down. The only file that sees all of them; it decides nothing.
 */
import { makeBridge } from './bridge/bridge';
import type { ProcessControl } from './bridge/ports';
import { accepted, parseListen, type Config } from './config';
import { agreementOf, bridgeSettings, farSettings, jabberSettings, storeSettings } from './config/parts';
import type { LogLevel } from './core/admin/table';
import { toFault, type Fault } from './core/fault';
import type { RootLog } from './core/runtime';
import { machineUptimeMs, systemClock as clock } from './ops/clock';
import { startConsole } from './ops/http/console';
import { makeLookup } from './ops/lookup';
import type { Metrics } from './ops/metrics';
import { makeReload } from './reload';
import { openStore } from './store';
import { version } from './version';
import { makeFarPort } from './ximss/port';
import { makePrelogin } from './ximss/prelogin';
import { makeJabber } from './xmpp/component';

export interface AppDeps {
  readonly log: RootLog;
  readonly metrics: Metrics;
  /** Reads the configuration again. Throws ConfigProblems. */
  readonly readConfig: () => Config;
  /** aborts when the operator wants the bridge to stop while it starts */
  readonly signal: AbortSignal;
}

export interface App {
  /** Stops taking work, finishes what is in flight (10 s), says goodbye, closes. May be called twice. Never rejects. */
  stop(): Promise<void>;
  /** Settles only when the running bridge cannot go on (the leadership was lost, the component was refused for good). */
  readonly failed: Promise<Fault>;
  /** Reads the configuration again; how it went is in the log. Never rejects. */
  reload(): Promise<void>;
}

const closeMs = 10_000;

/**
 * Resolves when the component stream is up and Redis answers. Rejects `store-away` and other store faults (exit code 4)
 * or `stream-refused`, `stream-conflict` (exit code 3), with everything closed again.
 */
export async function startApp(config: Config, { log, metrics, readConfig, signal }: AppDeps): Promise<App> {
  const { meter } = metrics;
  const lookup = makeLookup();
  const part = (name: string) => ({ clock, log: log.child({ part: name }), meter });

  const store = await openStore({ ...storeSettings(config), ...part('store'), signal });
  const wire = { settings: { ...farSettings(config), lookup }, ...part('ximss') };
  const far = makeFarPort({ ...wire, notes: store.notes });
  const prelogin = makePrelogin(wire);
  const live = { config };
  const requestsPerMinute = (): number => live.config.limits.requestsPerMinute;
  const jabber = makeJabber({ ...jabberSettings(config), requestsPerMinute, lookup, version, ...part('xmpp') });
  const control: ProcessControl = {
    version,
    domain: config.xmpp.domain,
    logLevel: () => log.level as LogLevel, // what it was given
    setLogLevel: (level) => log.changeLevel(level),
    reload: makeReload({ live, readConfig, bridge: () => bridge, log }),
  };
  const bridge = makeBridge({
    settings: bridgeSettings(config),
    store,
    jabber,
    far,
    ...part('bridge'),
    machineUptimeMs,
    process: control,
    signup: (...request) => prelogin.signup(...request),
  });
  metrics.onRead(() => bridge.operator.sample());

  let admin: Awaited<ReturnType<typeof startConsole>> | null = null;
  let leadership: Awaited<ReturnType<typeof store.lease.acquire>> | null = null;
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopping ??= closeAll());
  async function closeAll(): Promise<void> {
    await bridge.stop(leadership);
    prelogin.close();
    await admin?.stop();
    await leadership?.release();
    await store.close(AbortSignal.timeout(closeMs));
    log.info({}, 'stopped');
  }

  signal.addEventListener('abort', () => void stop(), { once: true });
  try {
    admin = await startConsole({
      ...config.http,
      listen: accepted(parseListen, config.http.listen),
      metrics,
      ready: () => {
        const { total, online } = bridge.operator.statuses();
        return {
          stream: jabber.isUp(),
          standsBy: leadership === null && jabber.isPrepared(),
          redis: store.isUp(),
          ximss: { links: total, online, reason: far.absence()?.text ?? null },
        };
      },
      operator: bridge.operator,
      version,
      log: log.child({ part: 'ops' }),
    });
    meter.gauge('leader', 0);
    await store.processes.join(agreementOf(config), version);
    if ((await store.processes.others()).length > 0) bridge.standBy();
    leadership = await store.lease.acquire(signal);
    meter.gauge('leader', 1);
    await bridge.start(leadership);
  } catch (thrown) {
    await stop();
    throw toFault(thrown);
  }
  const { lost } = leadership;
  const failed = new Promise<Fault>((resolve) => {
    lost.addEventListener('abort', () => {
      if (stopping === null) resolve(toFault(lost.reason));
    });
    jabber.failed.then(resolve, resolve);
  });
  const reload = async (): Promise<void> => {
    await bridge.operator
      .run('reload', {}, { face: 'signal', name: 'SIGHUP' })
      .catch((thrown: unknown) => log.error({ fault: toFault(thrown) }, 'the configuration was not read again'));
  };
  log.info({}, 'ready');
  return { stop, failed, reload };
}
