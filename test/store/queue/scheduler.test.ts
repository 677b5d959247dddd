/** The short way to a drain, over a long way that only writes down what it is asked. */
import type { DrainVerdict } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';
import type { LaneKey } from '../../../src/core/model';
import { makeHotBell, type LongWay } from '../../../src/store/queue/scheduler';
import { lane } from '../../support/envelopes';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const [a, b, c] = [lane('u', 'a'), lane('u', 'b'), lane('u', 'c')];

function scene(concurrency = 4, lineMax = 10) {
  const asked: string[] = [];
  let job: ((key: LaneKey) => Promise<DrainVerdict>) | null = null;
  const long: LongWay = {
    ring: (lanes, hurry) => Promise.resolve(void asked.push(`ring ${lanes.length}${hurry ? ' hurry' : ''}`)),
    ringLater: (_lane, inMs) => Promise.resolve(void asked.push(`later ${inMs}`)),
    start: (drain) => void (job = (key) => drain(key, new AbortController().signal)),
    stop: () => Promise.resolve(),
  };
  const bell = makeHotBell({ bell: long, concurrency, lineMax, clock: manualClock(), log: silentLog });
  const open: { key: LaneKey; end: (verdict: DrainVerdict | Fault) => void }[] = [];
  const begin = (): void =>
    bell.start(
      (key) =>
        new Promise((resolve, reject) => {
          open.push({ key, end: (verdict) => (verdict instanceof Fault ? reject(verdict) : resolve(verdict)) });
        }),
    );
  return { bell, asked, open, begin, job: (key: LaneKey) => job?.(key) };
}
const done: DrainVerdict = { again: false };

test('before the start a ring goes the long way', async () => {
  const { bell, asked } = scene();
  await bell.ring([a]);
  expect(asked).toEqual(['ring 1']);
});

test('a ring begins a drain at once, without the long way', async () => {
  const { bell, asked, open, begin } = scene();
  begin();
  await bell.ring([a, b]);
  expect(open.map(({ key }) => key)).toEqual([a, b]);
  expect(asked).toEqual([]);
});

test('more than may run at once stand in line, each lane once', async () => {
  const { bell, asked, open, begin } = scene(1);
  begin();
  await bell.ring([a, b], true);
  await bell.ring([c, b]);
  expect(open.map(({ key }) => key)).toEqual([a]);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the first in line' });
  open[1]?.end(new Fault('store-away'));
  await until(() => open.length === 3, { what: 'the second in line' });
  open[2]?.end(done);
  await until(() => asked.length === 1, { what: 'the rest of the one that broke off' });
  expect(open.map(({ key }) => key)).toEqual([a, b, c]);
  expect(asked).toEqual(['later 2000']);
});

test('a line that is full sends the rest the long way', async () => {
  const { bell, asked, open, begin } = scene(1, 1);
  begin();
  await bell.ring([a, b, c], true);
  expect(open).toHaveLength(1);
  expect(asked).toEqual(['ring 1 hurry']);
});

test('a lane in line that a job drains stands there no more', async () => {
  const { bell, open, begin, job } = scene(1);
  begin();
  await bell.ring([a, b]);
  void job(b);
  expect(open.map(({ key }) => key)).toEqual([a, b]);
  open[0]?.end(done);
  open[1]?.end(done);
  await bell.ring([c]);
  await until(() => open.length === 3, { what: 'another lane' });
  expect(open[2]?.key).toBe(c);
});

test('after the stop nobody in line begins', async () => {
  const { bell, open, begin } = scene(1);
  begin();
  await bell.ring([a, b]);
  await bell.stop(AbortSignal.abort());
  open[0]?.end(done);
  await new Promise((resolve) => setImmediate(resolve));
  expect(open).toHaveLength(1);
});

test('a ring during a drain makes it look once more, and never a second one beside it', async () => {
  const { bell, open, begin } = scene();
  begin();
  await bell.ring([a]);
  await bell.ring([a]);
  await bell.ring([a]);
  expect(open).toHaveLength(1);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the second look' });
  open[1]?.end(done);
  await bell.ring([a]);
  await until(() => open.length === 3, { what: 'a new drain' });
});

test('a job that finds its lane being drained hands its ring to that drain', async () => {
  const { bell, open, begin, job } = scene();
  begin();
  await bell.ring([a]);
  await expect(job(a)).resolves.toEqual(done);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the second look' });
});

test('a ring that finds a job draining its lane hands it to the job', async () => {
  const { bell, open, begin, job } = scene();
  begin();
  const result = job(a);
  await bell.ring([a]);
  expect(open).toHaveLength(1);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the second look' });
  open[1]?.end({ again: true, inMs: 700 });
  await expect(result).resolves.toEqual({ again: true, inMs: 700 });
});

test('what has to wait waits the long way', async () => {
  const { bell, asked, open, begin } = scene();
  begin();
  await bell.ring([a]);
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'the long way' });
  expect(asked).toEqual(['later 1234']);
});

test('a lane that rests is woken by a hurried ring only', async () => {
  const { bell, asked, open, begin } = scene();
  begin();
  await bell.ring([a]);
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'the long way' });
  await bell.ring([a]);
  expect(open).toHaveLength(1);
  await bell.ring([a], true);
  expect(open).toHaveLength(2);
});

test('found non-empty, a lane that rests is asked for the long way, any other is drained here', async () => {
  const { bell, asked, open, begin } = scene();
  begin();
  await bell.ring([a]);
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'the long way' });
  await bell.ringFound([a, b], false);
  expect(open.map(({ key }) => key)).toEqual([a, b]);
  expect(asked).toEqual(['later 1234', 'ring 1']);
  await bell.ringFound([a, b], true);
  expect(open.map(({ key }) => key)).toEqual([a, b, a]);
  expect(asked).toHaveLength(2);
});

test('a hurried ring during a drain ends the pause that it asks for', async () => {
  const { bell, asked, open, begin } = scene();
  begin();
  await bell.ring([a]);
  await bell.ring([a], true);
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'the long way' });
  expect(asked).toEqual(['later 0']);
});

test('a drain that breaks off is asked for again after a rest', async () => {
  const { bell, asked, open, begin } = scene();
  begin();
  await bell.ring([a]);
  open[0]?.end(new Fault('store-away'));
  await until(() => asked.length === 1, { what: 'the long way' });
  expect(asked).toEqual(['later 2000']);
});

test('after the stop nothing begins', async () => {
  const { bell, asked, open, begin } = scene();
  begin();
  await bell.stop(AbortSignal.timeout(1_000));
  await bell.ring([a]);
  expect(open).toEqual([]);
  expect(asked).toEqual(['ring 1']);
});
