/**
 * A child process with its output captured (bounded), waited for by line, stopped politely or by kill -9.
 * Nothing outlives the test run: children get the kernel's parent-death signal (setpriv, Debian's util-linux), and
 * they are killed on a normal exit too. It refuses to kill by name: only by the id of a child it started.
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Hopeless, until, within } from './wait';

const logBytes = 512 * 1024;
const setprivPath = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
const alive = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The signal the child gets when the test process dies without a word; SIGKILL when left out. */
  readonly deathSignal?: 'KILL' | 'TERM';
  /** Called with each whole line of output. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  /** Resolves once, when the process has ended and its output is read to the end. Never rejects. */
  readonly exited: Promise<Exit>;
  /** How it ended, undefined while it runs. */
  exit(): Exit | undefined;
  /** The last 512 KiB of stdout and stderr, in order of arrival. */
  log(): string;
  /** Waits for a line of the output, also one that came before. Rejects with the log's tail at the deadline or when the process ends first. */
  waitForLine(pattern: RegExp, deadlineMs?: number): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after the grace (10 s when left out). May be called twice and after the end. */
  stop(graceMs?: number): Promise<Exit>;
  /** SIGKILL at once. May be called twice and after the end. */
  kill9(): Promise<Exit>;
}

/** Starts a program. Rejects when it cannot be started at all (not installed, for instance). */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Child> {
  if (!isInstalled(command))
    throw new Error(`${command} is not installed; scripts/ensure-servers.sh installs the servers`);
  const output = makeOutput(options.onLine);
  const child = launch(command, args, options);
  alive.add(child);
  unref(child);
  let ended: Exit | undefined;
  let failure: Error | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      failure = error;
      alive.delete(child);
      resolve((ended = { code: null, signal: null }));
    });
    child.once('close', (code, signal) => {
      output.end();
      alive.delete(child);
      resolve((ended = { code, signal }));
    });
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => output.add(text, 'stdout'));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => output.add(text, 'stderr'));
  const { pid } = child;
  if (pid === undefined) {
    await within(exited, 1000, `the start of ${command}`);
    throw new Error(`cannot start ${command}: ${failure?.message ?? 'no process id'}`);
  }

  const signal = (name: NodeJS.Signals): void => {
    if (!ended) child.kill(name);
  };
  const kill9 = (): Promise<Exit> => {
    signal('SIGKILL');
    return within(exited, 10_000, `the end of ${command} after SIGKILL`);
  };
  const waitForLine = (pattern: RegExp, deadlineMs = 10_000): Promise<string> => {
    const look = (): string | undefined => {
      const line = output.find(pattern);
      if (line === undefined && ended) {
        throw new Hopeless(`${command} ended (${describe(ended)}) without ${String(pattern)}\n${output.tail()}`);
      }
      return line;
    };
    return until(look, {
      deadlineMs,
      what: () => `${String(pattern)} from ${command}; its log ends:\n${output.tail()}\n`,
    });
  };
  const stop = async (graceMs = 10_000): Promise<Exit> => {
    signal('SIGTERM');
    try {
      return await within(exited, graceMs);
    } catch {
      return kill9();
    }
  };
  return { pid, exited, exit: () => ended, log: output.text, waitForLine, signal, stop, kill9 };
}

/** Runs a program to its end and returns its stdout; rejects with its output when it fails or takes too long. */
export async function run(
  command: string,
  args: readonly string[],
  options: ProcessOptions & { readonly deadlineMs?: number } = {},
): Promise<string> {
  const lines: string[] = [];
  const onLine = (line: string, stream: string): void => {
    if (stream === 'stdout') lines.push(line);
  };
  const child = await startProcess(command, args, { ...options, onLine });
  try {
    const exit = await within(child.exited, options.deadlineMs ?? 10_000, `the end of ${command}`);
    if (exit.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${describe(exit)}\n${child.log()}`);
    return lines.join('\n');
  } finally {
    await child.kill9();
  }
}

function launch(command: string, args: readonly string[], options: ProcessOptions): ChildProcess {
  const settings: SpawnOptions = {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath().join(':'), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  };
  if (setprivPath === undefined) return spawn(command, args, settings);
  // setpriv replaces itself by the program, so that the process id is the program's own.
  return spawn(setprivPath, ['--pdeathsig', options.deathSignal ?? 'KILL', '--', command, ...args], settings);
}

/** Whether the program can be run: a path that is executable, or a name found in PATH (and the sbin directories). */
export function isInstalled(command: string): boolean {
  if (command.includes('/')) return isExecutable(command);
  return searchPath().some((dir) => isExecutable(join(dir, command)));
}

function searchPath(): string[] {
  return [...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(
    (dir) => dir !== '',
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A child that a test forgot must not keep the test runner from ending. */
function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream instanceof Socket) stream.unref();
  }
}

function describe(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

interface Output {
  readonly add: (text: string, stream: 'stdout' | 'stderr') => void;
  readonly end: () => void;
  readonly text: () => string;
  readonly tail: () => string;
  readonly find: (pattern: RegExp) => string | undefined;
}

function makeOutput(onLine: ProcessOptions['onLine']): Output {
  let kept = '';
  const partial = { stdout: '', stderr: '' };
  const add = (text: string, stream: 'stdout' | 'stderr'): void => {
    const lines = (partial[stream] + text).split('\n');
    partial[stream] = lines.pop() ?? '';
    for (const line of lines) {
      kept += `${line}\n`;
      onLine?.(line, stream);
    }
    if (kept.length > logBytes) kept = kept.slice(kept.indexOf('\n', kept.length - logBytes / 2) + 1);
  };
  const end = (): void => {
    if (partial.stdout !== '') add('\n', 'stdout');
    if (partial.stderr !== '') add('\n', 'stderr');
  };
  const text = (): string => kept + partial.stdout + partial.stderr;
  return {
    add,
    end,
    text,
    tail: () => text().slice(-2000),
    find: (pattern) =>
      text()
        .split('\n')
        .find((line) => new RegExp(pattern.source, pattern.flags.replace('g', '')).test(line)),
  };
}
