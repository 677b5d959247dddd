/**
 * What a seed decides, before anything runs: which faults, in which order, after how many messages, how long each lasts,
 * and who writes to whom. Nothing here depends on time, so the same seed plans the same run.
 */
import { faults, type Fault } from './faults';
import { makeRandom, type Random } from './random';

export interface Planned {
  readonly fault: Fault;
  /** injected when so many messages have been sent */
  readonly afterCount: number;
  /** how long it lasts, or what else its one number means */
  readonly size: number;
  /** for what else it has to choose */
  readonly random: Random;
}

export interface PlanOptions {
  readonly seed: number;
  readonly messages: number;
  readonly faults: number;
  /** only faults whose names contain one of these; all when empty */
  readonly only: readonly string[];
  /** of the bridge; default 1 */
  readonly processes?: number;
}

/** The faults, in order, spread evenly with jitter. Throws when no fault is left to choose from. */
export function makePlan({ seed, messages, faults: count, only, processes = 1 }: PlanOptions): readonly Planned[] {
  const possible = faults.filter(({ needsSeveral }) => processes > 1 || needsSeveral === undefined);
  const choice = possible.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
  const random = makeRandom(seed);
  const gap = messages / (count + 1);
  return Array.from({ length: count }, (_, i) => {
    const fault = random.pick(choice);
    return {
      fault,
      afterCount: Math.round((i + random.between(0.5, 1.5)) * gap),
      size: Math.round(random.between(...fault.size)),
      random: makeRandom(Math.floor(random.next() * 2 ** 32)),
    };
  });
}

/** One planned fault as a line. */
export function describe({ fault, size, afterCount }: Planned): string {
  return `after ${afterCount}: ${fault.name} (${size} ${fault.unit ?? 'ms'})`;
}
