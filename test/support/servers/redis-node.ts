/**
 * One redis-server (or Sentinel) of several that stand together, started from a configuration file. It can be killed,
 * frozen (SIGSTOP: it answers nothing and no connection breaks) and started again with its data.
 *
 * Three users: `bridge` for the program under test, `default` for the servers among themselves, `admin` for the test. So a
 * server is cut off from the others while the program still reaches it by switching `default` off.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testCertificate } from '../cert';
import { run, startProcess } from '../process';
import type { Child } from '../process';
import { makeRunner } from './runner';

export const bridgeLogin = { username: 'bridge', password: 'p w@ß' } as const;
const peerPassword = 'peers';
const adminPassword = 'admin';

export interface RedisNode {
  readonly port: number;
  readonly address: string;
  /** Runs redis-cli against it and returns what it prints. */
  cli(...args: string[]): Promise<string>;
  start(): Promise<void>;
  kill9(): Promise<void>;
  freeze(): void;
  thaw(): void;
  log(): string;
}

export interface NodeOptions {
  readonly port: number;
  /** a directory of its own */
  readonly dir: string;
  /** lines of the configuration file */
  readonly settings: readonly string[];
  readonly isTls: boolean;
  readonly isSentinel?: boolean;
}

/** Settings of every data server: append-only file, no eviction, how the others log in. */
export const serverSettings = [
  'appendonly yes',
  'appendfsync everysec',
  'save ""',
  'maxmemory-policy noeviction',
  'repl-diskless-sync yes',
  'repl-diskless-sync-delay 0',
  `masterauth ${peerPassword}`,
];

/** How a Sentinel logs in at the servers it watches. */
export const sentinelLogin = (name: string): string => `sentinel auth-pass ${name} ${peerPassword}`;

/** Starts one and resolves when it accepts connections. */
export async function startNode({ port, dir, settings, isTls, isSentinel = false }: NodeOptions): Promise<RedisNode> {
  const file = join(dir, 'redis.conf');
  const secret = JSON.stringify(bridgeLogin.password);
  const lines = [
    `dir ${dir}`,
    'bind 127.0.0.1',
    ...(isTls ? tlsLines(dir, port) : [`port ${port}`]),
    `user ${bridgeLogin.username} on ">"${secret} ~* &* +@all`.replace('">""', '">'),
    `user admin on >${adminPassword} ~* &* +@all`,
    `user default on >${peerPassword} ~* &* +@all`,
    ...settings,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  let child: Child | null = null;
  const runner = makeRunner(
    async () =>
      (child = await startProcess('redis-server', [file, ...(isSentinel ? ['--sentinel'] : [])], { cwd: dir })),
    (started) => started.waitForLine(isSentinel ? /Sentinel ID is/ : /eady to accept connections/),
  );
  await runner.start();
  const tls = isTls ? ['--tls', '--cacert', join(dir, 'ca.crt')] : [];
  return {
    port,
    address: `127.0.0.1:${port}`,
    cli: (...command) =>
      run('redis-cli', [
        '-p',
        String(port),
        ...tls,
        '--user',
        'admin',
        '-a',
        adminPassword,
        '--no-auth-warning',
        ...command,
      ]),
    start: runner.start,
    kill9: runner.kill9,
    freeze: () => child?.signal('SIGSTOP'),
    thaw: () => child?.signal('SIGCONT'),
    log: runner.log,
  };
}

/** The others can no longer log in, and their connections end; the program under test stays connected. */
export async function cutOff(node: RedisNode): Promise<void> {
  await node.cli('ACL', 'SETUSER', 'default', 'off');
  await node.cli('CLIENT', 'KILL', 'USER', 'default');
}

function tlsLines(dir: string, port: number): readonly string[] {
  const { ca, cert, key } = testCertificate();
  const files = { 'ca.crt': ca, 'server.crt': cert, 'server.key': key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 });
  return [
    'port 0',
    `tls-port ${port}`,
    `tls-cert-file ${join(dir, 'server.crt')}`,
    `tls-key-file ${join(dir, 'server.key')}`,
    `tls-ca-cert-file ${join(dir, 'ca.crt')}`,
    'tls-auth-clients no',
    'tls-replication yes',
  ];
}
