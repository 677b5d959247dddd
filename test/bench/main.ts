/**
 * `npm run bench [-- SUITE]`: figures for people. Ratios travel from machine to machine, absolutes do not.
 * Suites: bridge (default), ximss, presence. `--quick` takes a tenth of the messages. For the presence suite also
 * `--size LINKSxCONTACTS` and `--server prosody|ejabberd`.
 */
import { startEjabberd, startProsody } from '../support/servers';
import { testCertificate } from '../support/cert';
import { measureBridge, type Load } from './bridge';
import { measureCodec } from './codec';
import { startFar } from './far-process';
import { measureMorning, type Storm } from './presence';
import { measureSessions } from './sessions';
import { table } from './stats';

const args = process.argv.slice(2);
const isQuick = args.includes('--quick');
/** the value of `--name value` */
const option = (name: string): string | undefined => args[args.indexOf(`--${name}`) + 1 || args.length];
const suite = args.find((arg) => !arg.startsWith('--')) ?? 'bridge';

async function bridgeSuite(): Promise<void> {
  const load: Load = { links: 100, peers: 10, messages: isQuick ? 5_000 : 50_000, seconds: isQuick ? 2 : 10 };
  for (const start of [startProsody, startEjabberd]) {
    const server = await start();
    try {
      const { ceiling, toFar, toJabber, rssKib } = await measureBridge(server, load);
      const row = (name: string, pick: (one: typeof toFar) => number, raw: number) => [
        name,
        raw,
        pick(toFar),
        pick(toFar) / raw,
        pick(toJabber),
        pick(toJabber) / raw,
      ];
      table(
        `${server.kind}: ${load.links} links, as many lanes in each direction, ${load.messages} messages of 80 bytes`,
        ['', 'two bare components', 'Jabber to XIMSS', 'ratio', 'XIMSS to Jabber', 'ratio'],
        [
          row('messages/s at saturation', (one) => one.perSecond, ceiling.perSecond),
          row('p50 ms at 1,000/s', (one) => one.fast.p50, ceiling.latency.p50),
          row('p99 ms at 1,000/s', (one) => one.fast.p99, ceiling.latency.p99),
          ['p50 ms at 100/s', '', toFar.slow.p50, '', toJabber.slow.p50, ''],
          ['p99 ms at 100/s', '', toFar.slow.p99, '', toJabber.slow.p99, ''],
          ['bridge CPU µs per message', '', toFar.cpuMicros, '', toJabber.cpuMicros, ''],
        ],
      );
      console.log(
        `\nRSS of the bridge: ${rssKib.idle} KiB without links, ${rssKib.perLink.toFixed(1)} KiB per link, ${rssKib.after} KiB after the load`,
      );
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
    const far = await startFar(domain, count, 10, { key, cert });
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
  for (const start of [startProsody, startEjabberd]) {
    const server = await start();
    try {
      if (server.kind !== (option('server') ?? server.kind)) continue;
      const one = await measureMorning(server, { links, contacts });
      const row = (name: string, storm: Storm) => [
        name,
        ...[storm.seconds, storm.bridgeCpuSeconds, storm.perContact, storm.perUser],
        ...[storm.messages.count, storm.messages.p50, storm.messages.p99],
      ];
      const { rest, rssKib: rss } = one;
      table(
        `${server.kind}: the morning of ${links} links with ${contacts} contacts each`,
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
          ['as many presences between bare components', one.bareSeconds, '', 1, '', '', '', ''],
          row('first meeting', one.meeting),
          ['at rest', '', '', '', '', '', rest.p50, rest.p99],
          row('login of all far sessions', one.login),
          row('all Jabber users leave and return', one.jabber),
        ],
      );
      console.log(
        `\nRSS of the bridge: ${rss.base} KiB without links, ${rss.perLink.toFixed(1)} KiB per link, ` +
          `${Math.round(rss.perContact * 1024)} bytes per contact; after the storms ${rss.afterStorms} KiB`,
      );
    } finally {
      await server.dispose();
    }
  }
}

const suites: Readonly<Record<string, () => Promise<void>>> = {
  bridge: bridgeSuite,
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
