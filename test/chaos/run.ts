/** One chaos run: traffic both ways while things break, then quiet, then the verdict. */
import { pause } from '../support/wait';
import { blows } from './blows';
import { makeDice } from './dice';
import type { Verdict, Way } from './ledger';
import { startScene, type SceneOptions } from './scene';

export interface RunOptions extends SceneOptions {
  readonly seed: number;
  readonly messages: number;
  readonly blows: number;
  readonly perSecond: number;
  readonly say: (text: string) => void;
}

/** With nothing changing for so long, nothing more will come: longer than the pauses between tries of a lane that was woken. */
const restSeconds = 10;

/** Rejects when the scene cannot be started or does not come to rest. */
export async function runChaos(options: RunOptions): Promise<Verdict> {
  const { seed, messages, perSecond, say, links, peers } = options;
  const dice = makeDice(seed);
  const scene = await startScene(options);
  try {
    await scene.settled(60_000);
    let isOver = false;
    const breaking = strikeAll();
    await traffic();
    isOver = true;
    await breaking;
    scene.ximss.faults.clear();
    await scene.settled(120_000);
    await rest();
    return scene.ledger.judge();

    async function strikeAll(): Promise<void> {
      const gapMs = (messages / perSecond / (options.blows + 1)) * 1_000;
      for (let i = 0; i < options.blows && !isOver; i += 1) {
        await pause(dice.between(0.5, 1.5) * gapMs);
        const blow = dice.pick(blows);
        say(blow.name);
        await blow.strike(scene, dice);
      }
    }
  } finally {
    await scene.dispose();
  }

  async function traffic(): Promise<void> {
    const choice = makeDice(seed + 1);
    for (let sent = 0; sent < messages;) {
      for (let i = 0; i < Math.max(1, perSecond / 50) && sent < messages; i += 1) {
        const way: Way = choice.next() < 0.5 ? 'toFar' : 'toJabber';
        const isSent = scene.send(way, Math.floor(choice.next() * links), Math.floor(choice.next() * peers));
        if (isSent) sent += 1;
      }
      await pause(20);
    }
  }

  /** Until every message has its end, or nothing has changed for a while. */
  async function rest(): Promise<void> {
    let open = scene.ledger.open();
    for (let quiet = 0; quiet < restSeconds && open > 0;) {
      await pause(1_000);
      const now = scene.ledger.open();
      quiet = now < open ? 0 : quiet + 1;
      open = now;
    }
    await pause(2_000); // what comes twice comes now
  }
}
