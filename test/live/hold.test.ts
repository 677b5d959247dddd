/**
 * A server that is killed right after it has confirmed messages for somebody who is offline: all of them are there at
 * the next login, each under one id. A connection that is only cut repeats nothing.
 */
import { startProxy, type Proxy } from '../support/proxy';
import { startRig, type Rig } from '../support/rig';
import { xmppServers } from '../support/servers';
import { pause, until } from '../support/wait';
import type { JabberClient } from '../support/jabber-client';

const count = 200;
/** Accounts and the server's start are older than what the servers write late and than seconds are rounded. */
const settleMs = 5_000;
const texts = (tag: string) => Array.from({ length: count }, (_, i) => `${tag} ${i}`);

const metric = async (rig: Rig, name: string, label = ''): Promise<number> => {
  const page = await fetch(`http://127.0.0.1:${rig.bridge.httpPort}/metrics`).then((answer) => answer.text());
  const line = page.split('\n').find((one) => one.startsWith(`bridge_${name}`) && one.includes(label));
  return Number(line?.split(' ').at(-1) ?? 0);
};
const delivered = (rig: Rig, wanted: number) =>
  until(async () => (await metric(rig, 'envelopes_delivered_total', 'toJabber')) >= wanted, {
    deadlineMs: 20_000,
    what: `${wanted} delivered envelopes`,
  });
const restored = (rig: Rig) => metric(rig, 'envelopes_restored_total');

interface Got {
  readonly text: string;
  readonly id: string;
}
const messages = (juliet: JabberClient, tag: string): Got[] =>
  juliet.stanzas.flatMap((one) => {
    const text = one.text('body');
    return text.startsWith(tag) ? [{ text, id: one.attrs['id'] ?? '' }] : [];
  });
const isFarOnline = (rig: Rig) =>
  until(() => rig.ximss.sessions().some((one) => one.account === 'juliet@far.test' && one.isBound), {
    deadlineMs: 30_000,
    what: 'the far session',
  });

describe.each(xmppServers.flatMap(([kind, start]) => (['auto', 5] as const).map((hold) => ({ kind, hold, start }))))(
  '$kind, hold $hold',
  ({ kind, hold, start }) => {
    const isHolding = kind === 'ejabberd' || hold !== 'auto';
    let rig: Rig;
    let wire: Proxy;
    beforeAll(async () => {
      rig = await startRig({
        start,
        config: { delivery: { holdSeconds: hold } },
        ports: async ({ component, ximss }) => {
          wire = await startProxy({ port: component });
          return { component: wire.port, ximss };
        },
      });
      await isFarOnline(rig);
      await pause(settleMs);
    }, 60_000);
    afterAll(async () => {
      await rig.dispose();
      await wire.close();
    });

    test('the connection is cut: nothing is repeated', async () => {
      const juliet = await rig.juliet.login();
      for (const text of texts('cut')) rig.romeo.sendIM('juliet@far.test', text);
      await delivered(rig, count);
      rig.bridge.clearLogs();
      wire.cut();
      await rig.bridge.waitForLog((line) => line['msg'] === 'component stream up', 20_000, 'the stream');
      rig.romeo.sendIM('juliet@far.test', 'cut and mended');
      await juliet.waitFor((one) => one.text('body') === 'cut and mended', 20_000);
      await juliet.barrier();
      expect(messages(juliet, 'cut').map(({ text }) => text)).toEqual([...texts('cut'), 'cut and mended']);
      expect(await restored(rig)).toBe(0);
      await juliet.close();
    }, 60_000);

    test('kill -9 half a second after the last confirmation: all are there, in order, each under one id', async () => {
      const before = await metric(rig, 'envelopes_delivered_total', 'toJabber');
      for (const text of texts('kill')) rig.romeo.sendIM('juliet@far.test', text);
      await delivered(rig, before + count);
      await pause(500);
      rig.bridge.clearLogs();
      await rig.xmpp.kill9();
      await rig.xmpp.start();
      await rig.bridge.waitForLog((line) => line['msg'] === 'component stream up', 30_000, 'the stream');
      const juliet = await rig.juliet.login();
      await until(() => new Set(messages(juliet, 'kill').map(({ text }) => text)).size >= count, {
        deadlineMs: 30_000,
        what: () => `all messages, ${messages(juliet, 'kill').length} came`,
      });
      rig.romeo.sendIM('juliet@far.test', 'kill survived');
      await juliet.waitFor((one) => one.text('body') === 'kill survived', 20_000);
      const got = messages(juliet, 'kill');
      const ids = new Map(got.map(({ id, text }) => [id, text]));
      expect([...ids.values()]).toEqual([...texts('kill'), 'kill survived']);
      expect(await restored(rig)).toBeGreaterThanOrEqual(isHolding ? count : 0);
      if (!isHolding) expect(got).toHaveLength(count + 1);
    }, 90_000);
  },
);
