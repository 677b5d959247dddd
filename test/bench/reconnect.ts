/**
 * How soon links are back after the XIMSS server was away: `tsx test/bench/reconnect.ts [LINKS …] [--away SECONDS]`.
 * The test server takes 100 logins a second. Prints seconds from the server's return to the first and to the last link.
 */
import { accepted, parseXimssServer } from '../../src/config';
import type { Account, BareJid } from '../../src/core/address';
import { systemClock } from '../../src/ops/clock';
import { makeFarPort } from '../../src/ximss/port';
import { countingMeter, silentLog } from '../support/silence';
import { pause, until } from '../support/wait';
import { startXimssServer } from '../support/ximss-server/server';
import { machineMs, table } from './stats';

const domain = 'far.test';
const patience = { deadlineMs: 120_000, everyMs: 5 };

interface Figures {
  readonly firstSeconds: number;
  readonly allSeconds: number;
}

async function measure(count: number, awayMs: number): Promise<Figures> {
  const server = await startXimssServer({ domains: [domain], loginsPerSecond: 100, logCount: 0 });
  const online = new Set<BareJid>();
  const far = makeFarPort({
    settings: {
      server: accepted(parseXimssServer, `ximss://127.0.0.1:${server.tcpPort}`),
      domain,
      ca: null,
      dialect: {},
      starttls: 'never',
      login: 'plain',
      keepAliveMs: 240_000,
      requestTimeoutMs: 30_000,
      maxDocumentBytes: 1_048_576,
    },
    clock: systemClock,
    log: silentLog,
    meter: countingMeter(),
  });
  far.start({
    onEvent: () => Promise.resolve(),
    onStatus: (user, status) => void (status === 'online' ? online.add(user) : online.delete(user)),
    onContact: () => undefined,
    onAlert: () => undefined,
    onLongRefusal: () => undefined,
    urgency: () => 0,
  });
  for (let n = 0; n < count; n += 1) {
    server.addAccount(`u${n}@${domain}`, 'pw');
    // made up here, and sound
    const [user, account] = [`u${n}@jabber.test` as BareJid, `u${n}@${domain}` as Account];
    far.open({ user, account, password: 'pw', origin: 'configured' });
  }
  await until(() => online.size === count, patience);
  await server.stop();
  await until(() => online.size === 0, patience);
  await pause(awayMs);
  await server.start();
  const back = machineMs();
  await until(() => online.size > 0, patience);
  const firstSeconds = (machineMs() - back) / 1_000;
  await until(() => online.size === count, patience);
  const allSeconds = (machineMs() - back) / 1_000;
  await far.stop(AbortSignal.timeout(10_000));
  await server.stop();
  return { firstSeconds, allSeconds };
}

async function main(args: readonly string[]): Promise<void> {
  const at = args.indexOf('--away');
  const awaySeconds = at < 0 ? 5 : Number(args[at + 1]);
  const counts = args.filter((_, i) => at < 0 || i < at).map(Number);
  for (const count of counts.length > 0 ? counts : [1, 20, 500]) {
    const { firstSeconds, allSeconds } = await measure(count, awaySeconds * 1_000);
    table(
      `${count} links, server away for ${awaySeconds} s`,
      ['', 'seconds'],
      [
        ['until the first is back', firstSeconds],
        ['until all are back', allSeconds],
      ],
    );
  }
}

void main(process.argv.slice(2)).then(() => process.exit(0));
