/** The end of an append-only file after a kill in the middle of a write. */
import { appendFileSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mendAppendOnlyFile } from '../../../../src/store/redis/private/append-only-file';
import type { Store } from '../../../../src/store';
import { entries, lane } from '../../../support/envelopes';
import { startRedis } from '../../../support/servers/redis';
import { makeTempDir, removeTempDir } from '../../../support/temp';
import { until } from '../../../support/wait';
import { makeStores } from '../../support';

const a = lane('juliet@x.org', 'romeo@y.net');
const multi = '*1\r\n$5\r\nMULTI\r\n';
const exec = '*1\r\n$4\r\nEXEC\r\n';
const set = '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n';

async function idsOf(store: Store): Promise<string[]> {
  return (await store.lanes.head(a, 1_000)).map((item) => ('envelope' in item ? item.envelope.id : '?'));
}

test.each<[string, number]>([
  ['right after its beginning', 0.1],
  ['in the middle', 0.5],
  ['before its last command', 0.9],
  ['just before its end', 1],
])(
  'an append stood twice in its lane after a kill in mid-write and another restart: cut %s',
  async (_, share) => {
    const server = await startRedis({ unixsocket: true, appendfsync: 'always' });
    const stores = makeStores(server);
    try {
      const store = await stores.open();
      await store.lanes.append(entries(a, 'm', 3));
      await server.kill9();
      const folder = join(server.dir, 'appendonlydir');
      const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? '');
      const before = readFileSync(file).length;
      await server.start();
      await until(() => store.isUp(), { deadlineMs: 15_000 });
      await store.lanes.append(entries(a, 'n', 6));
      await server.kill9();
      const text = readFileSync(file, 'latin1');
      const [from, to] = [text.indexOf(multi, before), text.lastIndexOf(exec) + exec.length];
      expect(from).toBeGreaterThan(0);
      truncateSync(file, Math.min(to - 1, Math.floor(from + multi.length + (to - from - multi.length) * share)));
      for (let i = 0; i < 2; i += 1) {
        await server.start();
        await until(() => store.isUp(), { deadlineMs: 15_000 });
        await store.lanes.append(entries(a, 'n', 6)); // as the intake does after a failure
        await server.kill9();
      }
      await server.start();
      await until(() => store.isUp(), { deadlineMs: 15_000 });
      expect(await idsOf(store)).toEqual(['m0', 'm1', 'm2', 'n0', 'n1', 'n2', 'n3', 'n4', 'n5']);
      expect((await store.lanes.counts()).envelopes).toBe(9);
    } finally {
      await stores.closeAll();
      await server.dispose();
    }
  },
  60_000,
);

describe('the file alone', () => {
  let dir: string;
  beforeEach(() => (dir = makeTempDir('aof')));
  afterEach(() => removeTempDir(dir));

  test.each([
    ['whole transactions only', set + multi + set + exec + set, 0],
    ['no transaction', set + set, 0],
    ['nothing', '', 0],
    ['the beginning of one', set + multi, multi.length],
    ['one without its end', multi + set + exec + multi + set, (multi + set).length],
    ['half a command in one', multi + set + exec + multi + set.slice(0, 9), multi.length + 9],
    ['a cut in its last mark', multi + set + exec.slice(0, -1), (multi + set).length + exec.length - 1],
    ['one longer than a chunk', set + multi + set.repeat(60_000), (multi + set.repeat(60_000)).length],
  ])('%s', async (_, text, cut) => {
    writeFileSync(join(dir, 'appendonly.aof'), text);
    expect(await mendAppendOnlyFile(dir)).toBe(cut);
    expect(readFileSync(join(dir, 'appendonly.aof'), 'latin1')).toBe(text.slice(0, text.length - cut));
    expect(await mendAppendOnlyFile(dir)).toBe(0);
  });

  test('a mark across two chunks is seen, wherever it lies', async () => {
    for (let shift = 0; shift < multi.length; shift += 1) {
      writeFileSync(join(dir, 'appendonly.aof'), multi + 'x'.repeat(1_048_576 - shift));
      expect(await mendAppendOnlyFile(dir)).toBe(multi.length + 1_048_576 - shift);
    }
  });

  test('of several files the last is mended; no file at all is well', async () => {
    expect(await mendAppendOnlyFile(dir)).toBe(0);
    const folder = join(dir, 'appendonlydir');
    mkdirSync(folder);
    const manifest = join(folder, 'appendonly.aof.manifest');
    writeFileSync(
      manifest,
      'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
    );
    appendFileSync(manifest, 'file appendonly.aof.2.incr.aof seq 2 type i\n');
    writeFileSync(join(folder, 'appendonly.aof.2.incr.aof'), set + multi);
    expect(await mendAppendOnlyFile(dir)).toBe(multi.length);
    expect(readFileSync(join(folder, 'appendonly.aof.2.incr.aof'), 'latin1')).toBe(set);
  });
});
