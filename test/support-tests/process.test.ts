import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled, run, startProcess } from '../support/process';
import { makeTempDir, processesInside, removeTempDir } from '../support/temp';
import { until } from '../support/wait';

const node = (script: string): [string, string[]] => [process.execPath, ['-e', script]];
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('startProcess', () => {
  test('a line is found whether it came already or comes later', async () => {
    const child = await startProcess(...node(`console.log('early'); setTimeout(() => console.error('late'), 50)`));
    expect(await child.waitForLine(/ear/)).toBe('early');
    expect(await child.waitForLine(/late/)).toBe('late');
    expect(await child.waitForLine(/early/)).toBe('early');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.log()).toBe('early\nlate\n');
  });

  test('a line that never comes fails with the end of the log, at once when the process ends', async () => {
    const child = await startProcess(...node(`console.log('only this'); process.exitCode = 3`));
    await expect(child.waitForLine(/other/, 60_000)).rejects.toThrow(/exit code 3.*without \/other\/\nonly this/s);
  });

  test('stop is SIGTERM, and the exit code is the child’s own', async () => {
    const child = await startProcess(
      ...node(`process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 9); console.log('up')`),
    );
    await child.waitForLine(/up/);
    expect(await child.stop()).toEqual({ code: 7, signal: null });
    expect(await child.stop()).toEqual({ code: 7, signal: null });
    expect(isAlive(child.pid)).toBe(false);
  });

  test('a child deaf to SIGTERM is killed after the grace', async () => {
    const child = await startProcess(
      ...node(`process.on('SIGTERM', () => {}); setInterval(() => {}, 9); console.log('up')`),
    );
    await child.waitForLine(/up/);
    expect(await child.stop(50)).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('kill9 ends it at once; twice is once', async () => {
    const child = await startProcess(...node('setInterval(() => {}, 9)'));
    expect(await child.kill9()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await child.kill9()).toEqual(child.exit());
  });

  test('the log is bounded and keeps the end', async () => {
    const lines: string[] = [];
    const script = `for (let n = 0; n < 20000; n++) console.log(n, 'x'.repeat(100)); console.log('end')`;
    const child = await startProcess(...node(script), { onLine: (line) => void lines.push(line) });
    await child.exited;
    expect(lines).toHaveLength(20_001);
    expect(child.log().length).toBeLessThanOrEqual(512 * 1024);
    expect(child.log()).toMatch(/^\d+ x{100}\n[^]*\nend\n$/);
  });

  test('environment and directory reach the child; undefined removes a variable', async () => {
    const dir = makeTempDir('env');
    process.env['XXB_TAKEN'] = '1';
    const script = `console.log(process.env.XXB_GIVEN, process.env.XXB_TAKEN, process.cwd())`;
    const output = await run(...node(script), { cwd: dir, env: { XXB_GIVEN: 'yes', XXB_TAKEN: undefined } });
    expect(output).toBe(`yes undefined ${dir}`);
    delete process.env['XXB_TAKEN'];
    removeTempDir(dir);
  });

  test('a program that is not installed says so', async () => {
    expect([isInstalled('sh'), isInstalled('/bin/sh'), isInstalled('no-such-program')]).toEqual([true, true, false]);
    await expect(startProcess('no-such-program', [])).rejects.toThrow(/not installed/);
  });

  test('run rejects with the output when the program fails or is late', async () => {
    await expect(run(...node(`console.error('why'); process.exit(1)`))).rejects.toThrow(/exit code 1\nwhy/);
    await expect(run(...node('setInterval(() => {}, 9)'), { deadlineMs: 100 })).rejects.toThrow(/did not come within/);
  });
});

describe('temporary directories', () => {
  test('removing one ends what still works inside it', async () => {
    const dir = makeTempDir('stray');
    writeFileSync(join(dir, 'file'), '');
    const child = await startProcess(...node(`setInterval(() => {}, 9); console.log('up')`), { cwd: dir });
    await child.waitForLine(/up/);
    expect(processesInside(dir)).toEqual([child.pid]);
    removeTempDir(dir);
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(existsSync(dir)).toBe(false);
    await until(() => processesInside(dir).length === 0);
  });

  test('a directory of somebody else is refused', () => {
    expect(() => removeTempDir('/tmp')).toThrow(/not a temporary directory/);
  });
});
