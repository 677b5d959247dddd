import { Fault } from '../../src/core/fault';
import { runChecks } from '../../src/doctor/runner';
import type { Check } from '../../src/doctor/runner';

const check = (name: string, ok: boolean | 'skip', more: Partial<Check> = {}): Check => ({
  name,
  run: () => Promise.resolve({ ok, detail: `${name} seen`, advice: `mend ${name}` }),
  ...more,
});

async function play(checks: readonly Check[], checkMs?: number): Promise<{ passed: boolean; lines: string[] }> {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  const passed = await runChecks({ checks, print, ...(checkMs === undefined ? {} : { checkMs }) });
  return { passed, lines };
}

test('a row for each check, advice only where something is wrong, and a sum', async () => {
  const { passed, lines } = await play([check('redis', true), check('listener', false), check('rooms', 'skip')]);
  expect(passed).toBe(false);
  expect(lines).toEqual([
    'ok    redis     redis seen',
    'FAIL  listener  listener seen',
    '              → mend listener',
    'skip  rooms     rooms seen',
    '              → mend rooms',
    '1 ok, 1 failed, 1 skipped',
  ]);
});

test('what is to be pasted stands at the beginning of the line', async () => {
  const advice = 'Put this there:\n    http:\n      listen: x\nthen restart';
  const { lines } = await play([
    check('a', true, { run: () => Promise.resolve({ ok: false, detail: 'seen', advice }) }),
  ]);
  expect(lines.slice(1, 5)).toEqual(['       → Put this there:', 'http:', '  listen: x', '       → then restart']);
});

test('skipped checks are no failure', async () => {
  expect((await play([check('a', true), check('b', 'skip')])).passed).toBe(true);
});

test('a check whose need did not hold is not run', async () => {
  const never = (): never => {
    throw new Error('ran');
  };
  const { passed, lines } = await play([
    check('a', false),
    check('b', true, { needs: ['a'], run: never }),
    check('c', true, { needs: ['b'], run: never }),
  ]);
  expect(passed).toBe(false);
  expect(lines.slice(2)).toEqual(['skip  b  needs: a', 'skip  c  needs: b', '0 ok, 1 failed, 2 skipped']);
});

test('a check that throws has failed, with the text of its fault and no more', async () => {
  const { passed, lines } = await play([
    check('a', true, { run: () => Promise.reject(new Fault('unavailable')) }),
    check('b', true, { run: () => Promise.reject(new Error('hunter2')) }),
  ]);
  expect(passed).toBe(false);
  expect(lines[0]).toBe('FAIL  a  The other network cannot be reached now.');
  expect(lines.join()).not.toContain('hunter2');
});

test('a check that never ends is given up, and told so by its signal', async () => {
  let reason: unknown = null;
  const stuck = check('a', true, {
    run: (signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => void (reason = signal.reason));
      }),
  });
  const { passed, lines } = await play([stuck, check('b', true)], 20);
  expect(passed).toBe(false);
  expect(lines[0]).toBe('FAIL  a  no result within 0.02 s');
  expect(lines[1]).toMatch(/^ok {4}b/);
  expect(reason).toBeInstanceOf(Fault);
});
