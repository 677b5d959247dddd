import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Meter } from '../../src/bridge/ports';
import { makeMetrics, metricTable } from '../../src/ops/metrics';

const quiet = { process: false } as const;

test('what was measured stands in the text', async () => {
  const metrics = makeMetrics(quiet);
  const meter: Meter = metrics.meter;
  meter.count('stanzas_total', { dir: 'in', kind: 'message' });
  meter.count('stanzas_total', { dir: 'in', kind: 'message' }, 2);
  meter.gauge('stream_up', 1);
  meter.observe('barrier_seconds', 0.002);
  const text = await metrics.text();
  expect(text).toContain('bridge_stanzas_total{dir="in",kind="message"} 3');
  expect(text).toContain('bridge_stream_up 1');
  expect(text).toContain('bridge_barrier_seconds_bucket{le="0.0025"} 1');
  expect(metrics.contentType).toContain('text/plain');
});

test.each(Object.entries(metricTable))('%s has a help text and shows up', async (name, row) => {
  expect(row.help).toMatch(/^[A-Z0-9].*\.$/);
  expect(row.type === 'counter').toBe(name.endsWith('_total'));
  expect(await makeMetrics(quiet).text()).toContain(`# HELP bridge_${name} ${row.help}`);
});

const mistakes: [string, (meter: Meter) => void][] = [
  ['a name that is not in the table', (meter) => meter.count('nonsense_total')],
  ['a label that is not in the table', (meter) => meter.count('stanzas_total', { colour: 'blue' })],
  ['a gauge used as a counter', (meter) => meter.count('stream_up')],
  ['a counter that goes down', (meter) => meter.count('stanzas_total', { dir: 'in', kind: 'iq' }, -1)],
];
test.each(mistakes)('%s throws in tests', (_, act) => {
  expect(() => act(makeMetrics(quiet).meter)).toThrow();
});
test.each(mistakes)('%s is counted in production', async (_, act) => {
  const metrics = makeMetrics({ ...quiet, strict: false });
  expect(() => act(metrics.meter)).not.toThrow();
  expect(await metrics.text()).toContain('bridge_metric_mistakes_total 1');
});

describe('what the program measures is in the table', () => {
  const kinds = { count: 'counter', gauge: 'gauge', observe: 'histogram' } as const;
  const uses = sources(join(__dirname, '../../src')).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(count|gauge|observe)\(\s*'([a-z_]+)'/g)].map(
      ([, call = 'count', name = '']) => [name, call as keyof typeof kinds] as const, // one of the pattern's words
    ),
  );
  test('it measures something', () => {
    expect(uses.length).toBeGreaterThan(10);
  });
  test.each(uses)('%s by %s()', (name, call) => {
    expect(metricTable).toHaveProperty(name);
    expect(metricTable[name as keyof typeof metricTable].type).toBe(kinds[call]); // the line above proved it
  });
});

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'metrics.ts')
    .map((entry) => join(entry.parentPath, entry.name));
}

test('label values that are known show up before their first use', async () => {
  const text = await makeMetrics(quiet).text();
  expect(text).toContain('bridge_envelopes_accepted_total{dir="toJabber"} 0\n');
  expect(text).toContain('bridge_stanzas_total{dir="out",kind="iq"} 0\n');
  expect(text).toContain('bridge_sessions{status="refused"} 0\n');
  expect(text).toContain('bridge_delivery_seconds_count{dir="toFar"} 0\n');
});

test('no gauge is named like a counter, the process included', async () => {
  const types = [...(await makeMetrics().text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(types.length).toBeGreaterThan(40);
  expect(types.filter(([, name = '', type]) => name.endsWith('_total') !== (type === 'counter'))).toEqual([]);
});

test('which program runs', async () => {
  const text = await makeMetrics({ ...quiet, version: '1.2.3' }).text();
  expect(text).toContain(`bridge_build_info{version="1.2.3",node="${process.version.slice(1)}"} 1\n`);
});

test('two sets of metrics do not meet', async () => {
  const [one, other] = [makeMetrics(quiet), makeMetrics(quiet)];
  one.meter.gauge('store_up', 1);
  expect(await other.text()).toContain('bridge_store_up 0');
});

test('the process is measured too', async () => {
  expect(await makeMetrics().text()).toMatch(/^process_resident_memory_bytes \d/m);
});

describe('gauges that are sampled', () => {
  test('are asked for before each reading', async () => {
    const metrics = makeMetrics(quiet);
    let count = 0;
    metrics.onRead(() => Promise.resolve(metrics.meter.gauge('dead_letters', (count += 1))));
    expect(await metrics.text()).toContain('bridge_dead_letters 1\n');
    expect(await metrics.text()).toContain('bridge_dead_letters 2\n');
  });

  test('stay as they were when they cannot be had, now or in time', async () => {
    const metrics = makeMetrics(quiet);
    metrics.meter.gauge('dead_letters', 7);
    metrics.onRead(() => Promise.reject(new Error('the store is away')));
    metrics.onRead(() => new Promise(() => undefined));
    expect(await metrics.text()).toContain('bridge_dead_letters 7\n');
  });
});

test('one metric is read with its labels, a histogram as its buckets', async () => {
  const metrics = makeMetrics(quiet);
  metrics.meter.count('envelopes_accepted_total', { dir: 'toFar' }, 3);
  metrics.meter.observe('delivery_seconds', 0.02, { dir: 'toFar' });
  expect(await metrics.read('envelopes_accepted_total')).toEqual([
    { labels: { dir: 'toFar' }, value: 3 },
    { labels: { dir: 'toJabber' }, value: 0 },
  ]);
  const buckets = await metrics.read('delivery_seconds');
  expect(buckets).toContainEqual({ labels: { dir: 'toFar', le: '0.01' }, value: 0 });
  expect(buckets).toContainEqual({ labels: { dir: 'toFar', le: '0.025' }, value: 1 });
  expect(buckets).toContainEqual({ labels: { dir: 'toFar', le: '+Inf' }, value: 1 });
  expect(buckets.every(({ labels }) => 'le' in labels)).toBe(true);
});
