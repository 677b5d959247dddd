/**
 * Two bridge processes on one Redis, as two releases in an upgrade: one stands by while the other is stopped, or killed, under traffic
 * both ways. A stop loses, repeats and reorders nothing, and no contact goes offline; on ejabberd what its own processes hold when
 * a connection ends, and what is sent while there is none, is not ours to keep (docs/DELIVERY.md): that is not counted there.
 */
import { join } from 'node:path';
import { startBridge, type BridgeProcess } from '../support/bridge-process';
import { startRig, type Rig } from '../support/rig';
import { startRedis, xmppServers, type RedisServer } from '../support/servers';
import type { JabberClient } from '../support/xmpp/jabber-client';
import { pause, until } from '../support/wait';

const patience = { deadlineMs: 30_000 };
const me = 'juliet@far.test';
const numbersOf = (texts: readonly (string | null | undefined)[], letter: string): number[] =>
  texts.flatMap((text) => (text?.startsWith(`${letter} `) === true ? [Number(text.slice(2))] : []));
const ascending = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe.each(xmppServers)('two processes on %s', (kind, start) => {
  let redis: RedisServer;
  let rig: Rig;
  let juliet: JabberClient;
  let serving: BridgeProcess;
  const started: BridgeProcess[] = [];

  const standBy = async (config: Record<string, unknown> = {}): Promise<BridgeProcess> => {
    const { http, dataDir, ...same } = rig.bridge.config;
    expect([http, dataDir]).toBeDefined(); // each process has its own
    const secretKeyFile = join(rig.bridge.dataDir, 'secret.key');
    const made = await startBridge({ config: { ...same, secretKeyFile, ...config }, waitReady: false });
    started.push(made);
    return made;
  };
  const readiness = async ({ httpPort }: BridgeProcess): Promise<unknown> =>
    fetch(`http://127.0.0.1:${httpPort}/readyz`).then(
      async (answer) => [answer.status, ((await answer.json()) as { holds: unknown }).holds],
      () => null,
    );

  beforeAll(async () => {
    redis = await startRedis();
    rig = await startRig({ start, bridge: { redis } });
    serving = rig.bridge;
    juliet = await rig.juliet.login();
    rig.romeo.subscribe(me);
    await juliet.take(({ attrs }) => attrs['type'] === 'subscribe' && attrs['from'] === rig.ghost);
    juliet.presence({ to: rig.ghost, type: 'subscribed' });
    juliet.presence({ to: rig.ghost, type: 'subscribe' });
    await rig.romeo.waitFor((item) => item.kind === 'verb' && item.type === 'subscribe');
    rig.romeo.subscribed(me);
    rig.romeo.setPresence('away', 'here');
    await juliet.waitFor((stanza) => stanza.name === 'presence' && stanza.text('status') === 'here');
  }, 60_000);
  afterAll(async () => {
    for (const process of started) await process.dispose();
    await rig?.dispose();
    await redis?.dispose();
  });

  /** Traffic both ways while `act` runs and until what it came to serves; resolves with what was sent each way. */
  async function under(act: () => Promise<void>): Promise<{ inward: number; outward: number }> {
    juliet.clear();
    rig.romeo.received.length = 0;
    const sent = { inward: 0, outward: 0 };
    let isOver = false;
    const talking = (async () => {
      while (!isOver) {
        juliet.message(rig.ghost, `i ${sent.inward++}`, `i${sent.inward}-${started.length}`);
        rig.romeo.sendIM(me, `o ${sent.outward++}`);
        await pause(5);
      }
    })();
    await pause(200);
    await act();
    await pause(300);
    isOver = true;
    await talking;
    return sent;
  }
  const heardByRomeo = (): number[] =>
    numbersOf(
      rig.romeo.of('im').map(({ text }) => text),
      'i',
    );
  const heardByJuliet = (): number[] =>
    numbersOf(
      juliet.stanzas
        .filter(({ name, attrs }) => name === 'message' && attrs['type'] === 'chat')
        .map((one) => one.text('body')),
      'o',
    );

  test('a process that does not agree is refused, with the setting that differs', async () => {
    const other = await standBy({ ximss: { server: 'ximss://127.0.0.1:1', domain: 'far.test', starttls: 'never' } });
    expect(await other.exited()).toMatchObject({ code: 4 });
    expect(other.output()).toContain('ximss.server is ximss://127.0.0.1:1 here and');
  });

  test('a process with another key file is refused', async () => {
    const other = await standBy({ secretKeyFile: null });
    expect(await other.exited()).toMatchObject({ code: 4 });
    expect(other.output()).toContain('secretKeyFile holds other keys');
  });

  test('a stop hands over: nothing lost, repeated or reordered, no contact offline', async () => {
    const next = await standBy();
    await until(async () => expect(await readiness(next)).toEqual([200, 'nothing, stands by']) === undefined, patience);
    const sent = await under(async () => {
      const before = serving;
      serving = next;
      expect(await before.stop()).toBe(0);
      await next.waitForLog(({ msg }) => msg === 'ready', 20_000);
    });
    await until(() => heardByJuliet().length >= sent.outward, {
      ...patience,
      what: () => `${heardByJuliet().length} of ${sent.outward}`,
    });
    await until(() => heardByRomeo().at(-1) === sent.inward - 1, {
      ...patience,
      what: () => `${heardByRomeo().at(-1)} of ${sent.inward}`,
    });
    expect(heardByJuliet()).toEqual(ascending(sent.outward));
    if (kind === 'prosody') expect(heardByRomeo()).toEqual(ascending(sent.inward));
    else expect(heardByRomeo()).toEqual([...new Set(heardByRomeo())].sort((a, b) => a - b));
    expect(juliet.stanzas.filter(({ name, attrs }) => name === 'presence' && attrs['type'] === 'unavailable')).toEqual(
      [],
    );
    expect(await readiness(next)).toEqual([200, 'everything']);
  }, 90_000);

  test('after kill -9 the one that stands by serves within seconds', async () => {
    const next = await standBy();
    await until(async () => expect(await readiness(next)).toEqual([200, 'nothing, stands by']) === undefined, patience);
    await serving.kill9();
    await next.waitForLog(({ msg }) => msg === 'ready', 20_000);
    juliet.clear();
    juliet.message(rig.ghost, 'after', 'after');
    await rig.romeo.waitFor(({ text }) => text === 'after', 20_000);
    expect(juliet.stanzas.filter(({ attrs }) => attrs['type'] === 'unavailable')).toEqual([]);
  }, 60_000);
});
