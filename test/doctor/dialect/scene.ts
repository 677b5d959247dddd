/** A XIMSS test server for each test, and the dialect tests run against it. */
import { makeTempDir, removeTempDir } from '../../support/temp';
import { startXimssServer, type XimssServer, type XimssServerOptions } from '../../support/ximss-server/server';
import { accounts, configOf, playDialectTests, type DialectTestResult } from '../support';
import { startTranslator, type Rules, type Translator } from '../translator';

let running: XimssServer;
let translator: Translator | null = null;
let dir = '';
beforeEach(() => {
  dir = makeTempDir('doctor');
});
afterEach(async () => {
  await translator?.close();
  translator = null;
  await running.stop();
  removeTempDir(dir);
});

/** Starts the test server; it ends with the test. */
export const start = async (options: XimssServerOptions = {}): Promise<void> => {
  running = await startXimssServer({ accounts, ...options });
};

/** Runs the dialect tests against it, through a translator when there are rules. */
export async function play(
  rules: Rules | null = null,
  env: Record<string, string> = {},
  timing: { waitMs?: number } = {},
): Promise<DialectTestResult> {
  if (rules !== null) translator = await startTranslator(running.tcpPort, rules);
  const port = translator?.port ?? running.tcpPort;
  const config = configOf({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${port}`, ...env });
  const result = await playDialectTests({ config, timing });
  for (const { password } of accounts) expect(result.text).not.toContain(password);
  return result;
}

/** Everything that must be as it was. */
export const rosters = (): unknown =>
  accounts.map(({ account }) => [...running.account(account).roster.values()].map((item) => ({ ...item })));

export const never = { BRIDGE_XIMSS_STARTTLS: 'never' };

export const server = (): XimssServer => running;
export const here = (): string => dir;
