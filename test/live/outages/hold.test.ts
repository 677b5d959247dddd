/**
 * A server that is killed right after it has confirmed messages for somebody who is offline: all of them are there at
 * the next login, each under one id. A connection that is only cut repeats nothing.
 */
import { startProxy, type Proxy } from '../../support/proxy';
import { startRig, type Rig } from '../../support/rig';
import { startEjabberd, startProsody } from '../../support/servers';
import { pause, until } from '../../support/wait';
import type { JabberClient } from '../../support/xmpp/jabber-client';

const count = 200;
/** Prosody stores before it confirms: there `auto` holds nothing. */
const scenes = [
  { kind: 'ejabberd', hold: 'auto', start: startEjabberd },
  { kind: 'prosody', hold: 'auto', start: startProsody },
  { kind: 'prosody', hold: 5, start: startProsody },
] as const;
/** A server that counts its seconds whole is known to have run for longer than what was held a moment ago. */
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

describe.each(scenes)('$kind, hold $hold', ({ kind, hold, start }) => {
  const isHolding = kind === 'ejabberd' || hold !== 'auto';
  let rig: Rig;
  let wire: Proxy;
  beforeAll(async () => {
    let startedAt = 0;
    rig = await startRig({
      start,
      // without rights: ejabberd 24.12 answers a component that has some nothing about itself
      xmpp: { privileges: false },
      config: { xmpp: { serverDomain: 'jabber.test' }, delivery: { holdSeconds: hold } },
      ports: async ({ component, ximss }) => {
        startedAt = performance.now(); // or a little before
        wire = await startProxy({ port: component });
        return { component: wire.port, ximss };
      },
    });
    await isFarOnline(rig);
    if (isHolding) await pause(startedAt + settleMs - performance.now());
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
    // of a repeat, each time would be there
    expect(messages(juliet, 'cut').map(({ text }) => text)).toEqual([...texts('cut'), 'cut and mended']);
    await juliet.close();
  }, 60_000);

  const blows: [string, string, (rig: Rig) => Promise<void>][] = [
    ['the server', 'one', (it) => it.xmpp.kill9().then(() => it.xmpp.start())],
    [
      'the server and the bridge, as when their machine loses power',
      'both',
      async (it) => {
        await it.xmpp.kill9();
        await it.bridge.kill9();
        await it.xmpp.start();
        await it.bridge.start();
      },
    ],
  ];
  test.each(blows)(
    'kill -9 half a second after the last confirmation, of %s: all are there, in order, each under one id',
    async (_what, tag, strike) => {
      await isFarOnline(rig);
      const before = await metric(rig, 'envelopes_delivered_total', 'toJabber');
      for (const text of texts(tag)) rig.romeo.sendIM('juliet@far.test', text);
      await delivered(rig, before + count);
      await pause(500);
      rig.bridge.clearLogs();
      await strike(rig);
      await rig.bridge.waitForLog((line) => line['msg'] === 'component stream up', 30_000, 'the stream');
      const juliet = await rig.juliet.login();
      await until(() => new Set(messages(juliet, tag).map(({ text }) => text)).size >= count, {
        deadlineMs: 30_000,
        what: () => `all messages, ${messages(juliet, tag).length} came`,
      });
      await isFarOnline(rig);
      rig.romeo.sendIM('juliet@far.test', `${tag} survived`);
      await juliet.waitFor((one) => one.text('body') === `${tag} survived`, 20_000);
      const got = messages(juliet, tag);
      const ids = new Map(got.map(({ id, text }) => [id, text]));
      expect([...ids.values()]).toEqual([...texts(tag), `${tag} survived`]);
      expect(await restored(rig)).toBeGreaterThanOrEqual(isHolding ? count : 0);
      if (!isHolding) expect(got).toHaveLength(count + 1);
      await juliet.close();
    },
    90_000,
  );
});
