/**
 * What a seed decides, before anything runs: which faults, in which order, after how many messages, how long each lasts,
 * and who writes to whom. Nothing here depends on time, so the same seed plans the same run.
 */
import { blows, type Blow } from './blows';
import { makeDice, type Dice } from './dice';

export interface Planned {
  readonly blow: Blow;
  /** struck when so many messages have been sent */
  readonly afterCount: number;
  /** how long it lasts, or what else its one number means */
  readonly size: number;
  /** for what else it has to choose */
  readonly dice: Dice;
}

export interface PlanOptions {
  readonly seed: number;
  readonly messages: number;
  readonly blows: number;
  /** only blows whose names contain one of these; all when empty */
  readonly only: readonly string[];
}

/** The faults, in order, spread evenly with jitter. Throws when no blow is left to choose from. */
export function makePlan({ seed, messages, blows: count, only }: PlanOptions): readonly Planned[] {
  const choice = blows.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
  const dice = makeDice(seed);
  const gap = messages / (count + 1);
  return Array.from({ length: count }, (_, i) => {
    const blow = dice.pick(choice);
    return {
      blow,
      afterCount: Math.round((i + dice.between(0.5, 1.5)) * gap),
      size: Math.round(dice.between(...blow.size)),
      dice: makeDice(Math.floor(dice.next() * 2 ** 32)),
    };
  });
}

/** One planned fault as a line. */
export function describe({ blow, size, afterCount }: Planned): string {
  return `after ${afterCount}: ${blow.name} (${size} ${blow.unit ?? 'ms'})`;
}
