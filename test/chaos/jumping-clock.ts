/**
 * A wall clock that jumps, for the bridge's process: a file required before the program replaces `Date`; its offset is
 * read from a file at the start and again at each SIGUSR2. Monotonic clocks and timers stay true, as on a real machine
 * whose time is set.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface JumpingClock {
  /** for the environment of the process */
  readonly env: { readonly NODE_OPTIONS: string };
  /** The clock is off by so much from the next SIGUSR2 (or start) on. */
  set(offsetMs: number): void;
}

const preload = (offsetFile: string): string => `
const { readFileSync } = require('node:fs');
const True = Date;
let offsetMs = 0;
const read = () => void (offsetMs = Number(readFileSync(${JSON.stringify(offsetFile)}, 'utf8')));
const now = () => True.now() + offsetMs;
read();
process.on('SIGUSR2', read);
globalThis.Date = new Proxy(True, {
  apply: () => new True(now()).toString(),
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
`;

/** Writes the two files into a directory. */
export function makeJumpingClock(dir: string): JumpingClock {
  const offsetFile = join(dir, 'offset');
  const script = join(dir, 'jumping-clock.cjs');
  const set = (offsetMs: number): void => writeFileSync(offsetFile, String(Math.round(offsetMs)));
  set(0);
  writeFileSync(script, preload(offsetFile));
  return { env: { NODE_OPTIONS: `--require ${script}` }, set };
}
