/** Which lanes run, wait in line or wait out a pause; the jobs beneath only write down what they are asked for. */
import type { DrainResult, WaitedFor } from '../../../src/bridge/ports';
import type { BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { LaneKey } from '../../../src/core/model';
import { makeScheduler, type DelayedJobs } from '../../../src/store/queue/scheduler';
import type { LeaseName } from '../../../src/store/types';
import { lane } from '../../support/envelopes';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const [a, b, c] = [lane('u', 'a'), lane('u', 'b'), lane('u', 'c')];

function scene(concurrency = 4, lineMax = 10) {
  const asked: string[] = [];
  let job: ((key: LaneKey) => Promise<DrainResult>) | null = null;
  const jobs: DelayedJobs = {
    schedule: (lanes, how) =>
      Promise.resolve(void asked.push(`now ${lanes.length}${how?.immediately ? ' immediately' : ''}`)),
    scheduleLater: (_lane, inMs) => Promise.resolve(void asked.push(`later ${inMs}`)),
    open: (name, drain) => {
      asked.push(`open ${name}`);
      job = (key) => drain(key, new AbortController().signal);
    },
    close: (name) => Promise.resolve(void asked.push(`close ${name}`)),
    stop: () => Promise.resolve(),
  };
  const leaseOf = (key: LaneKey): LeaseName => (key.startsWith('toJabber ') ? 'stream' : 7);
  const scheduler = makeScheduler({ jobs, leaseOf, concurrency, lineMax, clock: manualClock(), log: silentLog });
  const open: { key: LaneKey; end: (result: DrainResult | Fault) => void }[] = [];
  const begin = (names: readonly LeaseName[] = [7, 'stream']): void => {
    for (const name of names) scheduler.open(name);
    scheduler.start(
      (key) =>
        new Promise((resolve, reject) => {
          open.push({ key, end: (result) => (result instanceof Fault ? reject(result) : resolve(result)) });
        }),
    );
    asked.length = 0;
  };
  return { scheduler, asked, open, begin, job: (key: LaneKey) => job?.(key) };
}
const done: DrainResult = { again: false };

test('before the start a drain becomes a job', async () => {
  const { scheduler, asked } = scene();
  await scheduler.schedule([a]);
  expect(asked).toEqual(['now 1']);
});

test('a drain begins at once, without a job', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a, b]);
  expect(open.map(({ key }) => key)).toEqual([a, b]);
  expect(asked).toEqual([]);
});

test('more than may run at once wait in line, each lane once', async () => {
  const { scheduler, asked, open, begin } = scene(1);
  begin();
  await scheduler.schedule([a, b], { immediately: true });
  await scheduler.schedule([c, b]);
  expect(open.map(({ key }) => key)).toEqual([a]);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the first in line' });
  open[1]?.end(new Fault('store-away'));
  await until(() => open.length === 3, { what: 'the second in line' });
  open[2]?.end(done);
  await until(() => asked.length === 1, { what: 'the pause of the one that broke off' });
  expect(open.map(({ key }) => key)).toEqual([a, b, c]);
  expect(asked).toEqual(['later 2000']);
});

test('when the line is full the rest become jobs', async () => {
  const { scheduler, asked, open, begin } = scene(1, 1);
  begin();
  await scheduler.schedule([a, b, c], { immediately: true });
  expect(open).toHaveLength(1);
  expect(asked).toEqual(['now 1 immediately']);
});

test('a lane in line that a job drains leaves the line', async () => {
  const { scheduler, open, begin, job } = scene(1);
  begin();
  await scheduler.schedule([a, b]);
  void job(b);
  expect(open.map(({ key }) => key)).toEqual([a, b]);
  open[0]?.end(done);
  open[1]?.end(done);
  await scheduler.schedule([c]);
  await until(() => open.length === 3, { what: 'another lane' });
  expect(open[2]?.key).toBe(c);
});

test('after the stop nobody in line begins', async () => {
  const { scheduler, open, begin } = scene(1);
  begin();
  await scheduler.schedule([a, b]);
  await scheduler.stop(AbortSignal.abort());
  open[0]?.end(done);
  await new Promise((resolve) => setImmediate(resolve));
  expect(open).toHaveLength(1);
});

test('scheduled during its drain, a lane is looked at once more, never drained twice at once', async () => {
  const { scheduler, open, begin } = scene();
  begin();
  await scheduler.schedule([a]);
  await scheduler.schedule([a]);
  await scheduler.schedule([a]);
  expect(open).toHaveLength(1);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the second look' });
  open[1]?.end(done);
  await scheduler.schedule([a]);
  await until(() => open.length === 3, { what: 'a new drain' });
});

test('a job that finds its lane being drained makes that drain look once more', async () => {
  const { scheduler, open, begin, job } = scene();
  begin();
  await scheduler.schedule([a]);
  await expect(job(a)).resolves.toEqual(done);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the second look' });
});

test('scheduled while a job drains it, a lane is looked at once more by the job', async () => {
  const { scheduler, open, begin, job } = scene();
  begin();
  const result = job(a);
  await scheduler.schedule([a]);
  expect(open).toHaveLength(1);
  open[0]?.end(done);
  await until(() => open.length === 2, { what: 'the second look' });
  open[1]?.end({ again: true, inMs: 700 });
  await expect(result).resolves.toEqual({ again: true, inMs: 700 });
});

test('a pause is a delayed job', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a]);
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'a job' });
  expect(asked).toEqual(['later 1234']);
});

test('a pause is ended by `immediately` only', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a]);
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'a job' });
  await scheduler.schedule([a]);
  expect(open).toHaveLength(1);
  await scheduler.schedule([a], { immediately: true });
  expect(open).toHaveLength(2);
});

test('found non-empty, a lane that waits out a pause gets a job, any other is drained here', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a]);
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'a job' });
  await scheduler.scheduleFound([a, b], false);
  expect(open.map(({ key }) => key)).toEqual([a, b]);
  expect(asked).toEqual(['later 1234', 'now 1']);
  await scheduler.scheduleFound([a, b], true);
  expect(open.map(({ key }) => key)).toEqual([a, b, a]);
  expect(asked).toHaveLength(2);
});

test('`immediately` during a drain ends the pause that it asks for', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a]);
  await scheduler.schedule([a], { immediately: true });
  open[0]?.end({ again: true, inMs: 1234 });
  await until(() => asked.length === 1, { what: 'a job' });
  expect(asked).toEqual(['later 0']);
});

const far = lane('romeo@x', 'a');
const jabber = lane('romeo@x', 'a', 'toJabber');
test.each<[string, WaitedFor, readonly LaneKey[]]>([
  ['a user whose far session is back', { user: 'u' as BareJid }, [a]], // as parsed
  ['a user without waiting lanes', { user: 'nobody@x' as BareJid }, []], // as parsed
  ['the Jabber side', 'jabber', [jabber]],
])('wake ends the pauses of the lanes that wait for %s, and no others', async (_, back, woken) => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a, far, jabber]);
  for (const { end } of open.splice(0)) end({ again: true, inMs: 1234 });
  await until(() => asked.length === 3, { what: 'three pauses' });
  scheduler.wake(back);
  expect(open.map(({ key }) => key)).toEqual(woken);
});

test('wake during a drain that finds them away: it is repeated without a pause', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([far, jabber]);
  scheduler.wake({ user: 'romeo@x' as BareJid }); // as parsed
  for (const { end } of open) end({ again: true, inMs: 1234 });
  await until(() => asked.length === 2, { what: 'two pauses' });
  expect(asked).toEqual(['later 0', 'later 1234']);
});

test('it is known who is waited for: a user whose lane waits out a pause, until it is drained', async () => {
  const { scheduler, open, begin } = scene();
  const user = 'u' as BareJid; // as the lanes of this file have it
  begin();
  await scheduler.schedule([a]);
  expect(scheduler.isWaitedFor(user)).toBe(false);
  open[0]?.end({ again: true, inMs: 1_000 });
  await until(() => scheduler.isWaitedFor(user), { what: 'the pause' });
  expect(scheduler.isWaitedFor('other' as BareJid)).toBe(false);
  scheduler.wake({ user });
  expect(scheduler.isWaitedFor(user)).toBe(false);
});

test('a drain that breaks off is repeated after a pause', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a]);
  open[0]?.end(new Fault('store-away'));
  await until(() => asked.length === 1, { what: 'a job' });
  expect(asked).toEqual(['later 2000']);
});

test('when the store is back, what it broke off is drained at once and not after the pause; a mistake waits', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.schedule([a, b, c]);
  open[0]?.end(new Fault('store-away'));
  open[1]?.end(new Fault('internal'));
  await until(() => asked.length === 2, { what: 'two pauses' });
  scheduler.onStoreUp();
  scheduler.onStoreUp(); // told twice: drained once
  expect(open.map(({ key }) => key)).toEqual([a, b, c, a]);
});

test('after the stop nothing begins', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.stop(AbortSignal.timeout(1_000));
  await scheduler.schedule([a]);
  expect(open).toEqual([]);
  expect(asked).toEqual(['now 1']);
});

test('a lane of another process becomes a job for it', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin(['stream']);
  await scheduler.schedule([a, lane('u', 'a', 'toJabber')]);
  expect(asked).toEqual(['now 1']);
  expect(open.map(({ key }) => key)).toEqual([lane('u', 'a', 'toJabber')]);
});

test('what is closed ends its drains and is left to another process, the rest goes on', async () => {
  const { scheduler, asked, open, begin } = scene(1);
  begin();
  await scheduler.schedule([a, b, lane('u', 'a', 'toJabber')]);
  const closing = scheduler.close(7, AbortSignal.timeout(5_000));
  open[0]?.end({ again: true, inMs: 5 });
  await closing;
  expect(asked).toEqual(['close 7']);
  await until(() => open.length === 2);
  expect(open[1]?.key).toBe(lane('u', 'a', 'toJabber'));
  await scheduler.schedule([b]);
  expect(asked).toEqual(['close 7', 'now 1']);
});

test('a drain that is closed is told so by its signal', async () => {
  const { scheduler } = scene();
  let reason: unknown = null;
  scheduler.open(7);
  scheduler.start(
    (_, signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          resolve(done);
        }),
      ),
  );
  await scheduler.schedule([a]);
  await scheduler.close(7, AbortSignal.timeout(5_000));
  expect(reason).toMatchObject({ code: 'stopping' });
});

test('what is opened again is drained again', async () => {
  const { scheduler, asked, open, begin } = scene();
  begin();
  await scheduler.close(7, AbortSignal.timeout(5_000));
  scheduler.open(7);
  await scheduler.schedule([a]);
  expect(open.map(({ key }) => key)).toEqual([a]);
  expect(asked).toEqual(['close 7', 'open 7']);
});
