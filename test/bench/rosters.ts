/**
 * What regular comparisons of rosters cost while nothing changes: `npx tsx test/bench/rosters.ts [--links N] [--contacts N]
 * [--seconds N] [--server prosody|ejabberd]`. A few links are compared far more often than `roster.compareSeconds` says by default; from the CPU time of
 * one comparison, without what the bridge does anyway, follows that of 10,000 links.
 */
import { parseArgs } from 'node:util';
import { startBridge } from '../support/bridge-process';
import { startEjabberd, startProsody } from '../support/servers';
import { pause, until } from '../support/wait';
import { startXimssServer } from '../support/ximss-server/server';
import { cpuSeconds, table } from './load/stats';

const domain = 'far.test';
/** of the configuration, when nothing is said */
const compareSeconds = 600;
/** users at rest are left out of nineteen comparisons in twenty */
const restCount = 20;
const extrapolatedLinks = 10_000;

const { values } = parseArgs({
  options: {
    links: { type: 'string', default: '50' },
    contacts: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    server: { type: 'string', default: 'prosody' },
  },
});
const linkCount = Number(values.links);
const contactCount = Number(values.contacts);

async function main(): Promise<void> {
  const xmpp = await (values.server === 'ejabberd' ? startEjabberd : startProsody)();
  const links = Array.from({ length: linkCount }, (_, i) => `u${i}@${domain}`);
  const peers = Array.from({ length: contactCount }, (_, i) => `p${i}@${domain}`);
  const ximss = await startXimssServer({
    domains: [domain],
    accounts: [...links, ...peers].map((account) => ({ account, password: 'secret' })),
    logCount: 0,
  });
  const befriend = (account: string, peer: string): void => {
    const flags = { isAsking: false, isAsked: false, isListed: true };
    ximss.account(account).roster.set(peer, { peer, name: peer, groups: ['All'], subscription: 'both', ...flags });
  };
  for (const link of links) {
    for (const peer of peers) {
      befriend(link, peer);
      befriend(peer, link);
    }
  }
  for (const link of links) await xmpp.register(link.split('@')[0] ?? '', 'jabber-secret');
  const bridge = await startBridge({
    xmpp,
    ximss: { server: `ximss://127.0.0.1:${ximss.tcpPort}`, domain },
    config: {
      accounts: links.map((account) => ({
        jid: `${account.split('@')[0]}@${xmpp.domain}`,
        account,
        password: 'secret',
      })),
      roster: { compareSeconds: 2 },
      log: { level: 'info' },
    },
    deadlineMs: 60_000,
  });
  const counts = async (): Promise<Record<'equal' | 'changed', number>> => {
    const page = await fetch(`http://127.0.0.1:${bridge.httpPort}/metrics`).then((answer) => answer.text());
    const read = (result: string): number =>
      Number(new RegExp(`^bridge_reconciles_total\\{.*"${result}".*\\} (\\d+)`, 'm').exec(page)?.[1] ?? 0);
    return { equal: read('equal'), changed: read('changed') };
  };
  // until all are equal, and stay so
  await until(
    async () => {
      const before = await counts();
      await pause(5_000);
      const now = await counts();
      return now.changed === before.changed && now.equal - before.equal > 5;
    },
    { deadlineMs: 300_000, what: 'rosters that are equal' },
  );
  const measure = async (): Promise<{ readonly equal: number; readonly changed: number; readonly cpuMs: number }> => {
    const [from, cpuFrom] = [await counts(), cpuSeconds(bridge.pid)];
    await pause(Number(values.seconds) * 1_000);
    const [to, cpuTo] = [await counts(), cpuSeconds(bridge.pid)];
    return { equal: to.equal - from.equal, changed: to.changed - from.changed, cpuMs: (cpuTo - cpuFrom) * 1_000 };
  };
  const often = await measure();
  // what the bridge does anyway: the same without regular comparisons
  await bridge.stop();
  await bridge.start({ roster: { compareSeconds: 86_400 } });
  await until(async () => (await counts()).equal >= linkCount, { deadlineMs: 120_000, what: 'the first comparisons' });
  const never = await measure();
  const comparedCount = often.equal - never.equal;
  const msEach = (often.cpuMs - never.cpuMs) / comparedCount;
  const share = (perSecond: number): string => `${((perSecond * msEach) / 10).toFixed(2)} %`;
  table(
    `${values.server}, ${linkCount} links with ${contactCount} contacts, nothing changes`,
    ['', ''],
    [
      ['comparisons', comparedCount],
      ['that found a difference', often.changed],
      ["the bridge's CPU time for each, ms", msEach],
      ['of a core, the bridge without any', `${(never.cpuMs / Number(values.seconds) / 10).toFixed(2)} %`],
      [`of a core, ${extrapolatedLinks} links at rest`, share(extrapolatedLinks / compareSeconds / restCount)],
      [`of a core, ${extrapolatedLinks} links whose users are all online`, share(extrapolatedLinks / compareSeconds)],
    ],
  );
  await bridge.dispose();
  await ximss.stop();
  await xmpp.dispose();
}

void main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    console.error(thrown);
    process.exit(1);
  },
);
