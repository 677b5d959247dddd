/**
 * After a crash: ten thousand lanes hold a message each when the bridge is killed; how long until all of them are
 * delivered. Then a second bridge on the same Redis, which waits: how long until it serves after the first is killed.
 */
import { startBridge, type BridgeOptions } from '../support/bridge-process';
import type { XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { startFar } from './load/far-process';
import { body } from './load/load';
import { farDomain, linkCount, openScene, peerCount, type Scene } from './scene';
import { cpuSeconds, machineMs, table } from './load/stats';
import { makeKeys } from '../../src/store/redis/keys';

/** after which a message that comes twice would have come */
const afterMs = 3_000;
const patience = { deadlineMs: 120_000, everyMs: 20 };

/** Measures and prints. */
export async function measureRecovery(server: XmppServer, laneCount: number): Promise<void> {
  const scene = await openScene(server, 'everysec');
  try {
    const rows = [...(await afterKill(scene, laneCount)), ...(await takeover(scene))];
    table(`${server.kind}: after kill -9 of the bridge`, ['', ''], rows);
  } finally {
    await scene.dispose();
  }
}

const secondsSince = (begun: number): number => (machineMs() - begun) / 1_000;

async function afterKill(scene: Scene, laneCount: number): Promise<[string, string | number][]> {
  const { bridge, far, redis } = scene;
  far.stop();
  await far.ended;
  const count = makeKeys().shards.map(({ lanes }) => `redis.call('ZCARD', '${lanes}')`);
  const lanes = async (): Promise<number> => Number(await redis.cli('EVAL', `return ${count.join(' + ')}`, '0'));
  const sending = machineMs();
  const give = scene.sender(laneCount);
  for (let n = 0; n < laneCount; n += 1) {
    give(n, body(n));
    if (n % 100 === 99) await pause(5);
  }
  await until(async () => (await lanes()) >= laneCount, { ...patience, what: 'all lanes to hold a message' });
  const queued = secondsSince(sending);
  await bridge.kill9();
  const next = await startFar(farDomain, linkCount, peerCount, { port: far.port });
  try {
    const begun = machineMs();
    await bridge.start();
    const ready = secondsSince(begun);
    await until(async () => (await next.arrivals()).arrived >= laneCount, { ...patience, what: 'every message' });
    const delivered = secondsSince(begun);
    const cpu = cpuSeconds(bridge.pid);
    await until(async () => (await lanes()) === 0, { ...patience, what: 'empty lanes' });
    await pause(afterMs);
    return [
      [`messages waiting, one in each lane (queued in ${queued.toFixed(1)} s)`, laneCount],
      ['seconds until the next bridge was ready', ready],
      ['seconds until every lane was delivered', delivered],
      ['CPU seconds of the bridge until then', cpu],
      ['messages delivered twice', (await next.arrivals()).arrived - laneCount],
    ];
  } finally {
    next.stop();
  }
}

async function takeover(scene: Scene): Promise<[string, string | number][]> {
  const far = await startFar(farDomain, linkCount, peerCount, { port: scene.far.port });
  const second = await startBridge({ ...scene.options, waitReady: false } satisfies BridgeOptions);
  try {
    await until(async () => (await far.report()).bound >= linkCount, { ...patience, what: 'all sessions' });
    await second.waitForLog((line) => line['msg'] === 'another process leads, waiting', 20_000);
    const give = scene.sender(1);
    const begun = machineMs();
    await scene.bridge.kill9();
    const isServing = until(async () => (give(0, body(0)), (await far.arrivals()).arrived > 0), {
      ...patience,
      what: 'the first message',
    });
    await second.waitForLog((line) => line['msg'] === 'ready', 60_000, 'ready');
    const ready = secondsSince(begun);
    await isServing;
    const served = secondsSince(begun);
    await until(async () => (await far.report()).bound >= linkCount, { ...patience, what: 'all sessions' });
    return [
      ['seconds until the second bridge, which had waited, was ready', ready],
      ['seconds until it delivered a message', served],
      ['seconds until all sessions were back', secondsSince(begun)],
    ];
  } finally {
    await second.dispose();
    far.stop();
  }
}
