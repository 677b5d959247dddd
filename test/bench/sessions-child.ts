/** The measured process of sessions.ts. */
import { accepted, parseXimssServer } from '../../src/config';
import type { Account, BareJid } from '../../src/core/address';
import { chatMessage, type Link } from '../../src/core/model';
import { systemClock } from '../../src/ops/clock';
import { makeFarPort } from '../../src/ximss/port';
import { countingMeter, silentLog } from '../support/silence';
import { pause, until } from '../support/wait';
import { machineMs } from './load/stats';

export interface SessionsOrder {
  readonly binding: 'tcp' | 'tls' | 'http';
  readonly server: string;
  readonly domain: string;
  readonly ca: string | null;
  readonly count: number;
  readonly messages: number;
  readonly idleSeconds: number;
}
export interface SessionsReport {
  readonly rssBeforeKib: number;
  readonly rssAfterKib: number;
  readonly loginMs: number;
  readonly messagesPerSecond: number;
  readonly idleCpuPercent: number;
}

const rss = async (): Promise<number> => {
  for (let i = 0; i < 3; i += 1) {
    global.gc?.();
    await pause(50);
  }
  return process.memoryUsage.rss() / 1024;
};

async function measure({ server, domain, ca, count, messages, idleSeconds }: SessionsOrder): Promise<SessionsReport> {
  let online = 0;
  const far = makeFarPort({
    settings: {
      server: accepted(parseXimssServer, server),
      domain,
      starttls: 'never',
      login: 'auto',
      ca,
      keepAliveMs: 240_000,
      requestTimeoutMs: 30_000,
      maxDocumentBytes: 1_048_576,
      dialect: {},
    },
    clock: systemClock,
    log: silentLog,
    meter: countingMeter(),
  });
  far.start({
    onEvent: () => Promise.resolve(),
    onStatus: (_user, status) => void (online += status === 'online' ? 1 : 0),
    onContact: () => undefined,
    onAlert: () => undefined,
    onLongRefusal: () => undefined,
    urgency: () => 0,
  });
  const user = (i: number): BareJid => `u${i}@jabber.test` as BareJid;
  const rssBeforeKib = await rss();
  const began = machineMs();
  for (let i = 0; i < count; i += 1) {
    const link: Link = {
      user: user(i),
      account: `u${i}@${domain}` as Account,
      password: 'secret',
      origin: 'registered',
    };
    far.open(link);
  }
  await until(() => online >= count, {
    deadlineMs: 120_000,
    everyMs: 5,
    what: () => `${count} sessions, there are ${online}`,
  });
  const loginMs = machineMs() - began;
  await pause(1_000);
  const rssAfterKib = await rss();

  const cpu = process.cpuUsage();
  await pause(idleSeconds * 1_000);
  const used = process.cpuUsage(cpu);
  const idleCpuPercent = (used.user + used.system) / 1e4 / idleSeconds;

  const started = machineMs();
  const event = chatMessage('x'.repeat(80));
  const perUser = Math.ceil(messages / count);
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      Promise.all(
        far.deliver(
          user(i),
          `p${i % 10}@${domain}` as Account,
          Array.from({ length: perUser }, (_, n) => ({
            id: `${i}-${n}`,
            event,
            acceptedAt: 0,
            attempts: 0,
            lastFault: null,
          })),
        ),
      ),
    ),
  );
  const messagesPerSecond = (perUser * count * 1_000) / (machineMs() - started);
  await far.stop(AbortSignal.timeout(5_000));
  return { rssBeforeKib, rssAfterKib, loginMs, messagesPerSecond, idleCpuPercent };
}

process.once('message', (order: SessionsOrder) => {
  measure(order)
    .then((report) => process.send?.(report))
    .catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
});
process.on('disconnect', () => process.exit(0));
