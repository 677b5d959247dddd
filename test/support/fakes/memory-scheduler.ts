/** The scheduler in memory: asked for during a drain, a drain is repeated; `immediately` ends a pause; never two drains of a lane at once. */
import type { Clock, DrainResult } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';
import type { LaneKey } from '../../../src/core/model';
import { nameOf, waitedForBy } from '../../../src/store/queue/paused';
import type { DrainScheduler } from '../../../src/store/types';

type Drain = (lane: LaneKey, signal: AbortSignal) => Promise<DrainResult>;

interface Task {
  phase: 'waiting' | 'active' | 'delayed';
  /** asked for while it ran */
  isScheduledAgain: boolean;
  isImmediate: boolean;
  readonly pause: AbortController;
}

export interface MemorySchedulerOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  readonly isAway: () => boolean;
}

const afterThrowMs = 1_000;

export function makeMemoryScheduler({ clock, concurrency, isAway }: MemorySchedulerOptions): DrainScheduler {
  const tasks = new Map<LaneKey, Task>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let drain: Drain | null = null;

  function put(lane: LaneKey, phase: Task['phase']): Task {
    const task: Task = { phase, isScheduledAgain: false, isImmediate: false, pause: new AbortController() };
    tasks.set(lane, task);
    return task;
  }

  function scheduleOne(lane: LaneKey, isImmediate: boolean): void {
    const task = tasks.get(lane);
    if (task === undefined) put(lane, 'waiting');
    else if (task.phase === 'active') task.isScheduledAgain = true;
    if (isImmediate) endPause(lane);
  }

  /** Also of the pause that a running drain may ask for. */
  function endPause(lane: LaneKey): void {
    const task = tasks.get(lane);
    if (task?.phase === 'active') task.isImmediate = true;
    if (task?.phase === 'delayed') task.pause.abort();
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
    const result = await Promise.resolve()
      .then(() => work(lane, stopping.signal))
      .catch((): DrainResult => ({ again: true, inMs: afterThrowMs }));
    tasks.delete(lane);
    if (!result.again) {
      if (task.isScheduledAgain) put(lane, 'waiting');
      return;
    }
    const waiting = put(lane, 'delayed');
    void clock
      .sleep(task.isImmediate ? 0 : result.inMs, AbortSignal.any([waiting.pause.signal, stopping.signal]))
      .catch(() => undefined)
      .then(() => {
        waiting.phase = 'waiting';
        pump();
      });
  }

  const counted = (phase: Task['phase']): number => [...tasks.values()].filter((task) => task.phase === phase).length;

  return {
    async schedule(lanes, how) {
      await Promise.resolve();
      if (isAway()) throw new Fault('store-away');
      for (const lane of lanes) scheduleOne(lane, how?.immediately === true);
      pump();
    },
    isWaitedFor: (user) =>
      [...tasks].some(([lane, { phase }]) => phase === 'delayed' && waitedForBy(lane) === nameOf({ user })),
    wake(back) {
      const mine = [...tasks.keys()].filter((lane) => waitedForBy(lane) === nameOf(back));
      for (const lane of mine) if (tasks.get(lane)?.phase !== 'waiting') endPause(lane);
    },
    open: () => undefined, // everything is drained here
    close: () => Promise.resolve(),
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
        waiting: counted('waiting'),
        active: counted('active'),
        delayed: counted('delayed'),
        failed: 0,
      }),
  };
}
