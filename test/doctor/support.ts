/** What the doctor's tests share: a configuration from a few lines, a run on a test server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, type Config } from '../../src/config';
import { runDialectTests } from '../../src/doctor/dialect/run';
import { readTestAccounts, type TestAccounts } from '../../src/doctor/dialect/test-accounts';
import type { Timing } from '../../src/doctor/dialect/context';
import { systemClock } from '../../src/ops/clock';
import { dialectOptions } from '../../src/ximss/protocol/dialect';
import { testCertificate } from '../support/cert';

/** The configuration with these variables, over one that names nothing that exists. */
export function configOf(env: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({
    path: null,
    dialect: dialectOptions,
    env: {
      BRIDGE_XMPP_SERVICE: 'xmpp://127.0.0.1:1',
      BRIDGE_XMPP_DOMAIN: 'ximss.test',
      BRIDGE_XMPP_SECRET: 'component-secret',
      BRIDGE_XIMSS_SERVER: 'ximss://127.0.0.1:1',
      BRIDGE_XIMSS_DOMAIN: 'example.net',
      BRIDGE_XIMSS_STARTTLS: 'never',
      ...env,
    },
  });
}

export const accounts = [
  { account: 'juliet@example.net', password: 'capulet-pw', realName: 'Juliet' },
  { account: 'romeo@example.net', password: 'montague-pw', realName: 'Romeo' },
];

const testAccounts = readTestAccounts(
  ['juliet@example.net:capulet-pw', 'romeo@example.net:montague-pw'],
  {},
) as TestAccounts; // good ones

/** A file with the test authority's certificate. */
export function caFile(dir: string): string {
  const path = join(dir, 'ca.pem');
  writeFileSync(path, testCertificate().ca);
  return path;
}

export interface DialectTestResult {
  readonly isRight: boolean;
  readonly text: string;
  /** the options of the printed block */
  readonly dialect: Readonly<Record<string, string>>;
  /** the row of an assumption's option */
  row(name: string): string;
}

export interface DialectTestSetup {
  readonly config: Config;
  readonly testAccounts?: TestAccounts;
  readonly httpUrl?: string;
  readonly signal?: AbortSignal;
  readonly timing?: Partial<Timing>;
  readonly onLine?: (line: string) => void;
}

/** Runs a run with short waits. */
export async function playDialectTests(play: DialectTestSetup): Promise<DialectTestResult> {
  const lines: string[] = [];
  const isRight = await runDialectTests({
    config: play.config,
    accounts: play.testAccounts ?? testAccounts,
    httpUrl: play.httpUrl ?? null,
    print: (line) => {
      lines.push(line);
      play.onLine?.(line);
    },
    clock: systemClock,
    signal: play.signal ?? new AbortController().signal,
    timing: { waitMs: 1_000, storedMs: 0, ...play.timing },
  });
  const text = lines.join('\n');
  const row = (name: string): string => lines.find((line) => new RegExp(`^(A\\d+|) +${name} `).test(line)) ?? '';
  const dialect = Object.fromEntries(
    lines.flatMap((line) =>
      [...line.matchAll(/^ {4}(\w+): "?([^"]*)"?$/g)].map(([, key = '', value = '']) => [key, value]),
    ),
  );
  return { isRight, text, dialect, row };
}
