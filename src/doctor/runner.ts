/**
 * Runs a list of checks one after the other and prints what came of them: what holds, what does not, why, and what to
 * do about it. It knows nothing of what is checked; the list comes from where everything is known.
 */
import { Fault, toFault } from '../core/fault';

export interface CheckResult {
  readonly ok: boolean | 'skip';
  /** what was seen, one line */
  readonly detail: string;
  /**
   * what the operator can do; may have several lines. Those that begin with four spaces are to be pasted: they stand
   * without those at the beginning of the line.
   */
  readonly advice?: string;
}

export interface Check {
  readonly name: string;
  /** names of checks that must have passed, else this one is skipped */
  readonly needs?: readonly string[];
  /** May reject: that is a failure with the Fault's text. Must end when the signal aborts. */
  run(signal: AbortSignal): Promise<CheckResult>;
}

export interface RunChecksOptions {
  readonly checks: readonly Check[];
  /** called for each finished line, so that a slow check does not hide the earlier ones */
  readonly print: (line: string) => void;
  /** longest time of one check, in ms; 30,000 when left out */
  readonly checkMs?: number;
}

const defaultCheckMs = 30_000;
const toPaste = '    ';
const words = { ok: 'ok  ', fail: 'FAIL', skip: 'skip' } as const;

/** Runs every check, prints one row each and a closing line. Resolves true when none failed. Never rejects. */
export async function runChecks({ checks, print, checkMs = defaultCheckMs }: RunChecksOptions): Promise<boolean> {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const passed = new Map<string, boolean>();
  const counts = { ok: 0, fail: 0, skip: 0 };
  for (const check of checks) {
    const missing = (check.needs ?? []).filter((name) => passed.get(name) !== true);
    const result = missing.length > 0 ? skipped(missing) : await run(check, checkMs);
    const word = result.ok === 'skip' ? 'skip' : result.ok ? 'ok' : 'fail';
    passed.set(check.name, result.ok === true);
    counts[word] += 1;
    print(`${words[word]}  ${check.name.padEnd(width)}  ${result.detail}`);
    if (word !== 'ok' && result.advice !== undefined) {
      for (const line of result.advice.split('\n')) {
        print(line.startsWith(toPaste) ? line.slice(toPaste.length) : `      ${' '.repeat(width)}→ ${line}`);
      }
    }
  }
  print(`${counts.ok} ok, ${counts.fail} failed, ${counts.skip} skipped`);
  return counts.fail === 0;
}

function skipped(missing: readonly string[]): CheckResult {
  return { ok: 'skip', detail: `needs: ${missing.join(', ')}` };
}

async function run(check: Check, checkMs: number): Promise<CheckResult> {
  const aborter = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Fault('timeout', { text: `no result within ${checkMs / 1000} s` })), checkMs);
    });
    return await Promise.race([check.run(aborter.signal), late]);
  } catch (thrown) {
    return { ok: false, detail: toFault(thrown).text };
  } finally {
    clearTimeout(timer);
    aborter.abort(new Fault('stopping'));
  }
}
