/**
 * `npm run bench [-- SUITE]`: figures for people. Ratios travel from machine to machine, absolutes do not.
 * Suites: bridge (default), recovery, ximss, presence. `--quick` takes a tenth of the messages, `--server prosody|ejabberd`
 * one server only. For the bridge suite also `--soak MINUTES` (a steady load instead of the highest) and `--cpu-prof DIR`
 * (profiles of the bridge), for the presence suite `--size LINKSxCONTACTS`.
 */
import { xmppServers, type XmppServer } from '../support/servers';
import { testCertificate } from '../support/cert';
import type { BurstWithoutBridge } from './without-bridge';
import { measureBridge } from './bridge';
import { measureCodec } from './codec';
import { startFar } from './load/far-process';
import { measurePresence, type Burst } from './presence';
import { measureRecovery } from './recovery';
import { measureSessions } from './sessions';
import { measureSoak } from './soak';
import { table } from './load/stats';

const args = process.argv.slice(2);
const isQuick = args.includes('--quick');
/** the value of `--name value` */
const option = (name: string): string | undefined => args[args.indexOf(`--${name}`) + 1 || args.length];
const valued = ['--server', '--size', '--soak', '--cpu-prof'];
const suite = args.find((arg, i) => !arg.startsWith('--') && !valued.includes(args[i - 1] ?? '')) ?? 'bridge';

async function bridgeSuite(): Promise<void> {
  const minutes = Number(option('soak') ?? 0);
  if (minutes > 0) return onServers((server) => measureSoak(server, minutes));
  const load = {
    messages: isQuick ? 5_000 : 50_000,
    seconds: isQuick ? 2 : 10,
    profileDir: option('cpu-prof') ?? null,
  };
  await onServers((server) => measureBridge(server, load));
}

/** One server after the other, or the one that was asked for. */
async function onServers(measure: (server: XmppServer) => Promise<void>): Promise<void> {
  for (const [kind, start] of xmppServers) {
    if (kind !== (option('server') ?? kind)) continue;
    const server = await start();
    try {
      await measure(server);
    } finally {
      await server.dispose();
    }
  }
}

async function ximssSuite(): Promise<void> {
  table(
    'the XIMSS codec beside the bare sax parser',
    ['document', 'decode MB/s', 'sax MB/s', 'ratio', 'decoded/s', 'encoded/s'],
    measureCodec().map((one) => [
      one.name,
      one.decodeMbs,
      one.saxMbs,
      one.decodeMbs / one.saxMbs,
      one.decodePerSecond,
      one.encodePerSecond,
    ]),
  );
  const count = isQuick ? 100 : 1_000;
  const { key, cert, ca } = testCertificate();
  const rows: (string | number)[][] = [];
  for (const binding of ['tcp', 'tls', 'http'] as const) {
    const domain = 'far.test';
    const far = await startFar(domain, count, 10, { tls: { key, cert } });
    const server = {
      tcp: `ximss://127.0.0.1:${far.port}`,
      tls: `ximss+tls://127.0.0.1:${far.tlsPort}`,
      http: `http://127.0.0.1:${far.httpPort}`,
    }[binding];
    try {
      const one = await measureSessions({
        binding,
        server,
        domain,
        ca,
        count,
        messages: isQuick ? 5_000 : 50_000,
        idleSeconds: isQuick ? 2 : 20,
      });
      rows.push([binding, one.rssKibPerSession, one.loginSeconds, one.messagesPerSecond, one.idleCpuPercent]);
    } finally {
      far.stop();
    }
  }
  table(
    `${count} sessions in one process`,
    ['binding', 'RSS KiB per session', 'all logged in, s', 'messages/s', 'CPU % at rest'],
    rows,
  );
}

async function presenceSuite(): Promise<void> {
  const [links = 0, contacts = 0] = (option('size') ?? (isQuick ? '50x20' : '500x200')).split('x').map(Number);
  await onServers(async (server) => {
    const one = await measurePresence(server, { links, contacts });
    const row = (name: string, burst: Burst) => [
      name,
      burst.seconds,
      burst.bridgeCpuSeconds,
      burst.perContact,
      burst.perUser,
      burst.messages.count,
      burst.messages.p50,
      burst.messages.p99,
    ];
    const bare = (name: string, { seconds, messages }: BurstWithoutBridge) => [
      name,
      seconds,
      '',
      1,
      '',
      messages.count,
      messages.p50,
      messages.p99,
    ];
    const { rest, rssKib: rss } = one;
    table(
      `${server.kind}: presence of ${links} links with ${contacts} contacts each`,
      [
        '',
        'seconds',
        'CPU s of the bridge',
        'presences per contact',
        'presences per user',
        'messages meanwhile',
        'p50 ms',
        'p99 ms',
      ],
      [
        row('first meeting', one.meeting),
        ['at rest', '', '', '', '', '', rest.p50, rest.p99],
        row('login of all far sessions', one.login),
        bare('a bare component tells as much', one.bare.login),
        row('all Jabber users leave and return', one.jabber),
        bare('a bare component answers as much', one.bare.jabber),
      ],
    );
    console.log(
      `\nRSS of the bridge: ${rss.base} KiB without links, ${rss.perLink.toFixed(1)} KiB per link, ` +
        `${Math.round(rss.perContact * 1024)} bytes per contact; after the bursts ${rss.afterBursts} KiB, at most ${rss.peak} KiB in them`,
    );
  });
}

async function recoverySuite(): Promise<void> {
  await onServers((server) => measureRecovery(server, isQuick ? 1_000 : 10_000));
}

const suites: Readonly<Record<string, () => Promise<void>>> = {
  bridge: bridgeSuite,
  recovery: recoverySuite,
  ximss: ximssSuite,
  presence: presenceSuite,
};

const chosen = suites[suite];
if (!chosen) {
  console.error(`no such suite: ${suite}; there are ${Object.keys(suites).join(', ')}`);
  process.exitCode = 2;
} else {
  chosen().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
