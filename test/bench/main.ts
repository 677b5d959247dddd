/**
 * `npm run bench [-- SUITE]`: figures for people. Ratios travel from machine to machine, absolutes do not.
 * Suites: bridge (default). `--quick` takes a tenth of the messages.
 */
import { startEjabberd, startProsody } from '../support/servers';
import { measureBridge, type Load } from './bridge';
import { table } from './stats';

const args = process.argv.slice(2);
const isQuick = args.includes('--quick');
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

const suites: Readonly<Record<string, () => Promise<void>>> = { bridge: bridgeSuite };

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
