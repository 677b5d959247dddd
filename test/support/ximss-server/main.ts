/**
 * The test server on its own: `npm run ximss-server -- --domain x.dom --account alice@x.dom:secret:Alice`.
 * Prints one JSON line with the ports when ready; SIGTERM or SIGINT stops it. Not for the open network.
 */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { testCertificate } from '../cert';
import { playEcho } from './echo';
import type { AccountOption, XimssServerOptions } from './options';
import { persistAccounts } from './accounts/persistence';
import { startXimssServer } from './server';

const account = z.strictObject({ account: z.string(), password: z.string(), realName: z.string().optional() });
const port = z.int().min(0).max(65_535);
const fileSchema = z
  .strictObject({
    host: z.string(),
    domains: z.array(z.string()),
    accounts: z.array(account),
    tls: z.strictObject({ key: z.string(), cert: z.string() }),
    starttls: z.boolean(),
    sasl: z.array(z.string()),
    plainWithoutTls: z.boolean(),
    loginWithoutTls: z.boolean(),
    tcpPort: port,
    tlsPort: port,
    httpPort: port,
    httpsPort: port,
    maxSessions: z.int().min(0),
    version: z.string(),
    signup: z.boolean(),
    slowAnswerMs: z.int().min(0),
    remoteDomains: z.enum(['refuse', 'accept']),
    idleTimeoutMs: z.int().min(1),
    imHistory: z.boolean(),
    maxOfflineCount: z.int().min(0),
    logCount: z.int().min(0),
    dialect: z.record(z.string(), z.unknown()),
    echo: z.array(z.string()),
  })
  .partial();

/** `user@domain:password[:Real Name]`; the password may not contain a colon. */
function parseAccount(text: string, before: AccountOption[]): AccountOption[] {
  const [address = '', password = '', ...name] = text.split(':');
  if (!address.includes('@') || password === '')
    throw new InvalidArgumentError('want user@domain:password[:Real Name]');
  const realName = name.join(':');
  return [...before, realName === '' ? { account: address, password } : { account: address, password, realName }];
}

function parsePort(text: string): number {
  const result = port.safeParse(Number(text));
  if (!result.success) throw new InvalidArgumentError('want a port number');
  return result.data;
}

const append = (text: string, before: string[]): string[] => [...before, text];

interface Flags {
  host?: string;
  port?: number;
  tlsPort?: number;
  httpPort?: number;
  httpsPort?: number;
  tls?: boolean;
  tlsName: string[];
  domain: string[];
  account: AccountOption[];
  echo: string[];
  config?: string;
  data?: string;
}

async function main(): Promise<void> {
  const flags = new Command('ximss-server')
    .description('XIMSS server for tests, standing in for CommuniGate Pro')
    .option('--host <ADDRESS>', 'address to listen on (127.0.0.1)')
    .option('--port <N>', 'TCP port (0: any)', parsePort)
    .option('--tls-port <N>', 'port with TLS from the first byte; turns TLS on', parsePort)
    .option('--http-port <N>', 'HTTP port (0: any)', parsePort)
    .option('--https-port <N>', 'HTTPS port; turns TLS on', parsePort)
    .option('--tls', 'turn TLS on, with a throw-away certificate unless the file gives one')
    .option('--tls-name <NAME>', 'another name in that certificate (repeatable)', append, [])
    .option('--domain <NAME>', 'domain served (repeatable)', append, [])
    .option('--account <user@domain:password:name>', 'account (repeatable)', parseAccount, [])
    .option('--echo <USER@DOMAIN>', 'play this account: approve requests, answer messages (repeatable)', append, [])
    .option('--data <DIR>', 'keep accounts, contacts and stored messages in this folder (else: in memory)')
    .option('--config <FILE>', 'JSON file with any option of XimssServerOptions; flags win')
    .parse()
    .opts<Flags>();
  const { echo: fileEcho = [], ...file } =
    flags.config === undefined ? {} : fileSchema.parse(JSON.parse(readFileSync(flags.config, 'utf8')));
  const wantsTls = flags.tls === true || flags.tlsPort !== undefined || flags.httpsPort !== undefined;
  const certificate = file.tls === undefined && wantsTls ? testCertificate(flags.tlsName) : undefined;
  const given = {
    host: flags.host,
    tcpPort: flags.port,
    tlsPort: flags.tlsPort,
    httpPort: flags.httpPort,
    httpsPort: flags.httpsPort,
    tls: certificate,
    domains: flags.domain.length > 0 ? flags.domain : undefined,
  };
  const known = Object.fromEntries(Object.entries({ ...file, ...dropUndefined(given) }));
  // The schema has checked the file; only the names inside `dialect` are taken on trust.
  const options = { ...known, accounts: [...(file.accounts ?? []), ...flags.account] } as XimssServerOptions;
  const server = await startXimssServer(options);
  const endPersistence =
    flags.data === undefined ? () => undefined : persistAccounts(server.world.accounts, flags.data);
  for (const address of [...fileEcho, ...flags.echo]) playEcho(server.client(address));
  const { tcpPort, tlsPort, httpPort, httpsPort } = server;
  const ca = certificate === undefined ? {} : { ca: certificate.ca };
  process.stdout.write(JSON.stringify({ msg: 'ready', tcpPort, tlsPort, httpPort, httpsPort, ...ca }) + '\n');
  const end = (): void => {
    void server.stop().then(() => {
      endPersistence();
      process.exit(0);
    });
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}

function dropUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
});
