import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bridgeConfig, merge, startBridge, type BridgeProcess } from '../support/bridge-process';
import { makeTempDir, processesInside, removeTempDir } from '../support/temp';

/** A stand-in that reads its configuration, says ready, leaves a grandchild, counts its runs, and obeys SIGTERM. */
const standIn = `
const { appendFileSync, readFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const file = process.argv[process.argv.indexOf('--config') + 1];
const text = readFileSync(file, 'utf8');
const dataDir = /dataDir: (.*)/.exec(text)[1];
appendFileSync(dataDir + '/runs', 'x');
spawn(process.execPath, ['-e', 'setInterval(() => {}, 9)'], { cwd: dataDir, stdio: 'ignore' });
const log = (line) => console.log(JSON.stringify(line));
log({ msg: 'start', runs: readFileSync(dataDir + '/runs', 'utf8').length, level: /level: (.*)/.exec(text)[1] });
console.log('not json');
if (process.env.REFUSE) process.exit(2);
log({ msg: 'ready' });
process.on('SIGTERM', () => { log({ msg: 'stopped' }); process.exit(0); });
setInterval(() => {}, 9);
`;

describe('startBridge', () => {
  let dir: string;
  let main: string;
  let bridge: BridgeProcess | undefined;
  beforeAll(() => {
    dir = makeTempDir('stand-in');
    main = join(dir, 'main.js');
    writeFileSync(main, standIn);
  });
  afterEach(async () => {
    await bridge?.dispose();
    bridge = undefined;
  });
  afterAll(() => removeTempDir(dir));

  test('waits for ready, parses the log, and stops with the exit code', async () => {
    bridge = await startBridge({ main });
    expect(bridge.logs).toContainEqual({ msg: 'ready' });
    expect(bridge.logs).toContainEqual({ msg: 'not json', raw: true });
    expect(await bridge.stop()).toBe(0);
    expect(bridge.logs.at(-1)).toEqual({ msg: 'stopped' });
    expect(bridge.isRunning()).toBe(false);
  });

  test('runs again on the same data after kill -9, with a changed key', async () => {
    bridge = await startBridge({ main, config: { log: { level: 'trace' } } });
    await bridge.kill9();
    await bridge.start({ log: { level: 'warn' } });
    const starts = bridge.logs.filter(({ msg }) => msg === 'start').map(({ runs, level }) => [runs, level]);
    expect(starts).toEqual([
      [1, 'trace'],
      [2, 'warn'],
    ]);
  });

  test('a bridge that ends before ready is an error with its log, and leaves nothing', async () => {
    const started = startBridge({ main, env: { REFUSE: '1' } });
    await expect(started).rejects.toThrow(/code 2[^]*without ready[^]*not json/);
  });

  test('dispose ends what the bridge left running in its data directory', async () => {
    const started = await startBridge({ main });
    await started.kill9();
    expect(processesInside(started.dataDir)).toHaveLength(1);
    await started.dispose();
    expect(processesInside(started.dataDir)).toEqual([]);
  });
});

describe('the configuration', () => {
  test('names the given servers', () => {
    const config = bridgeConfig(
      {
        xmpp: { componentPort: 1, componentDomain: 'c.test', secret: 's' },
        ximss: { server: 'ximss://127.0.0.1:2', domain: 'far.test' },
        redis: { url: 'redis://127.0.0.1:3' },
      },
      '/data',
      4,
    );
    expect(config).toMatchObject({
      xmpp: { service: 'xmpp://127.0.0.1:1', domain: 'c.test', secret: 's' },
      ximss: { server: 'ximss://127.0.0.1:2', domain: 'far.test', starttls: 'never' },
      redis: { url: 'redis://127.0.0.1:3' },
      dataDir: '/data',
      http: { listen: '127.0.0.1:4' },
    });
  });

  test.each([
    ['a key below is replaced alone', { a: { b: 1, c: 2 } }, { a: { b: 3 } }, { a: { b: 3, c: 2 } }],
    ['a list is replaced whole', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['null is a value', { a: { b: 1 } }, { a: null }, { a: null }],
    ['undefined removes', { a: 1, b: 2 }, { a: undefined }, { b: 2 }],
    ['a new branch is added', { a: 1 }, { b: { c: 2 } }, { a: 1, b: { c: 2 } }],
  ])('merge: %s', (_what, base, over, expected) => {
    expect(merge(base, over)).toEqual(expected);
  });
});
