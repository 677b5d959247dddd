/** The doorbell in memory: a ring during a drain means one more, `hurry` ends a backoff, never two drains of a lane at once. */
import type { Clock, DrainVerdict } from '../../src/bridge/ports';
import { Fault } from '../../src/core/fault';
import type { LaneKey } from '../../src/core/model';
import type { DrainBell } from '../../src/store/types';

type Drain = (lane: LaneKey, signal: AbortSignal) => Promise<DrainVerdict>;

interface Task {
  phase: 'waiting' | 'active' | 'delayed';
  /** rung while it ran */
  isRung: boolean;
  isHurried: boolean;
  readonly backoff: AbortController;
}

export interface MemoryBellOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  readonly isAway: () => boolean;
}

const afterThrowMs = 1_000;

export function makeMemoryDoorbell({ clock, concurrency, isAway }: MemoryBellOptions): DrainBell {
  const tasks = new Map<LaneKey, Task>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let drain: Drain | null = null;

  function put(lane: LaneKey, phase: Task['phase']): Task {
    const task: Task = { phase, isRung: false, isHurried: false, backoff: new AbortController() };
    tasks.set(lane, task);
    return task;
  }

  function ringOne(lane: LaneKey, hurry: boolean): void {
    const task = tasks.get(lane);
    if (task === undefined) put(lane, 'waiting');
    else if (task.phase === 'active') {
      task.isRung = true;
      task.isHurried ||= hurry;
    } else if (task.phase === 'delayed' && hurry) task.backoff.abort();
  }

  function pump(): void {
    if (drain === null || stopping.signal.aborted) return;
    for (const [lane, task] of tasks) {
      if (running.size >= concurrency) return;
      if (task.phase !== 'waiting') continue;
      task.phase = 'active';
      const run = runOne(lane, task, drain).finally(() => {
        running.delete(run);
        pump();
      });
      running.add(run);
    }
  }

  async function runOne(lane: LaneKey, task: Task, work: Drain): Promise<void> {
    const verdict = await Promise.resolve()
      .then(() => work(lane, stopping.signal))
      .catch((): DrainVerdict => ({ again: true, inMs: afterThrowMs }));
    tasks.delete(lane);
    if (!verdict.again) {
      if (task.isRung) put(lane, 'waiting');
      return;
    }
    const waiting = put(lane, 'delayed');
    void clock
      .sleep(task.isHurried ? 0 : verdict.inMs, AbortSignal.any([waiting.backoff.signal, stopping.signal]))
      .catch(() => undefined)
      .then(() => {
        waiting.phase = 'waiting';
        pump();
      });
  }

  const counted = (phase: Task['phase']): number => [...tasks.values()].filter((task) => task.phase === phase).length;

  return {
    async ring(lanes, hurry = false) {
      await Promise.resolve();
      if (isAway()) throw new Fault('store-away');
      for (const lane of lanes) ringOne(lane, hurry);
      pump();
    },
    start(wanted) {
      drain ??= wanted;
      pump();
    },
    async stop(signal) {
      stopping.abort(new Fault('stopping'));
      const late = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([Promise.all(running), late]);
    },
    underWayCount: () => counted('waiting') + counted('active'),
    counts: () =>
      Promise.resolve({
        ...{ waiting: counted('waiting'), active: counted('active') },
        delayed: counted('delayed'),
        failed: 0,
      }),
  };
}
