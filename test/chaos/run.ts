/** One chaos run: traffic both ways while things break, then quiet, then a summary. */
import { pause } from '../support/wait';
import { makeRandom } from './random';
import type { Summary } from './message-tracker';
import { describe, makePlan } from './plan';
import { startScene, type SceneOptions } from './scene';
import type { Way } from './windows';

export interface RunOptions extends SceneOptions {
  readonly seed: number;
  readonly messages: number;
  readonly faults: number;
  readonly perSecond: number;
  /** only faults whose names contain one of these; all when left out */
  readonly only?: readonly string[];
  readonly say: (text: string) => void;
}

/** With nothing changing for so long, nothing more will come: longer than the pauses between tries of a lane that was woken. */
const restSeconds = 30;
/** The same when all that is missing is excused by a window: it only has to be seen that it is not late. */
const excusedSeconds = 10;
/** Between the mending of one thing and the breaking of the next, at least. */
const betweenFaultsMs = 500;
const stepMs = 20;

/** Rejects when the scene cannot be started or does not come to rest. */
export async function runChaos(options: RunOptions): Promise<Summary> {
  const { seed, messages, perSecond, only = [], say, links, peers, processes = 1 } = options;
  const plan = makePlan({ seed, messages, faults: options.faults, only, processes });
  const scene = await startScene(options);
  const ways: readonly Way[] = ['toFar', 'toJabber'];
  let sent = 0;
  let injected = 0;
  let failure: Error | null = null;
  try {
    await scene.settled(60_000);
    if (scene.disk === null) say('no disk of its own for Redis (only root may mount one): it will never be full');
    await Promise.all([injectAll(), ...ways.map((way, i) => traffic(way, seed + 1 + i))]);
    scene.ximss.faults.clear();
    await scene.settled(120_000);
    await rest();
    return scene.tracker.summary();
  } finally {
    await scene.dispose();
  }

  async function injectAll(): Promise<void> {
    try {
      for (const planned of plan) {
        while (sent < planned.afterCount) await pause(stepMs);
        say(describe(planned));
        await planned.fault.inject(scene, planned.size, planned.random);
        injected += 1;
        await pause(betweenFaultsMs);
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    }
  }

  /** Half of the messages, each of this way. Who writes to whom is decided at random alone, when by what is up. */
  async function traffic(way: Way, itsSeed: number): Promise<void> {
    const choice = makeRandom(itsSeed);
    const share = messages / 2;
    let due = 0;
    for (let count = 0; count < share && failure === null;) {
      due = Math.min(due + (perSecond / 2) * (stepMs / 1_000), perSecond / 10);
      while (due >= 1 && count < share && sent < limit()) {
        if (!scene.canSend(way)) break;
        scene.send(way, Math.floor(choice.next() * links), Math.floor(choice.next() * peers));
        due -= 1;
        count += 1;
        sent += 1;
      }
      await pause(stepMs);
    }
  }

  /** The traffic does not run away from the faults: it waits when two of them are behind. */
  function limit(): number {
    return plan[injected + 2]?.afterCount ?? messages;
  }

  /** Until every message has its end, or nothing has changed for a while. */
  async function rest(): Promise<void> {
    let open = scene.tracker.open();
    for (let quiet = 0; quiet < restSeconds && open > 0;) {
      if (quiet >= excusedSeconds && scene.tracker.summary().lost === 0) break;
      await pause(1_000);
      const now = scene.tracker.open();
      quiet = now < open ? 0 : quiet + 1;
      open = now;
    }
    await pause(2_000); // what comes twice comes now
  }
}
