/** A Jabber user and a XIMSS user chat through the real bridge: plain traffic, both directions, both servers. */
import { createHash } from 'node:crypto';
import { startProxy } from '../support/proxy';
import { startRig, type Rig } from '../support/rig';
import { xmppServers } from '../support/servers';
import { until } from '../support/wait';
import { xml, type Element } from '../support/xmpp/xml';
import type { JabberClient } from '../support/xmpp/jabber-client';
import { el } from '../support/ximss-server/xml';

const hard = 'Привет 👩‍👩‍👧 <&>"\' שלום\nsecond line\t.';
const isBody = (body: string) => (stanza: Element) => stanza.name === 'message' && stanza.text('body') === body;

const scenes = xmppServers.flatMap(([name, start]) =>
  (['tcp', 'http'] as const).map((binding) => [name, binding, start] as const),
);

describe.each(scenes)('messages through %s and XIMSS over %s', (_name, binding, start) => {
  let rig: Rig;
  let juliet: JabberClient;
  beforeAll(async () => {
    rig = await startRig({ start, binding });
    juliet = await rig.juliet.login();
  }, 60_000);
  afterAll(async () => {
    const { violations } = rig.ximss.strict;
    await rig.dispose();
    expect(violations).toEqual([]); // nothing was sent that the protocol document does not know
  });

  const isOnline = () =>
    until(() => rig.ximss.sessions().some((one) => one.account === 'juliet@far.test' && one.isBound), {
      deadlineMs: 10_000,
      what: 'the far session',
    });

  test('a chat message reaches the far user, with the receipt only after it was accepted', async () => {
    await isOnline();
    juliet.message(rig.ghost, hard, 'm1', { children: [xml('request', { xmlns: 'urn:xmpp:receipts' })] });
    const im = await rig.romeo.waitFor((item) => item.kind === 'im' && item.text === hard);
    expect(im).toMatchObject({ peer: 'juliet@far.test', type: 'chat' });
    const receipt = await juliet.waitFor(
      (stanza) => stanza.child('received', 'urn:xmpp:receipts')?.attrs['id'] === 'm1',
    );
    expect(receipt.attrs['from']).toBe(`${rig.ghost}/ximss`);
  });

  test('a far message reaches the Jabber user from the ghost, byte for byte, with stable ids', async () => {
    await isOnline();
    rig.romeo.sendIM('juliet@far.test', hard);
    const stanza = await juliet.waitFor(isBody(hard));
    expect(stanza.attrs).toMatchObject({ from: `${rig.ghost}/ximss`, type: 'chat' });
    expect(stanza.child('origin-id', 'urn:xmpp:sid:0')?.attrs['id']).toBe(stanza.attrs['id']);
    expect(stanza.child('active', 'http://jabber.org/protocol/chatstates')).toBeDefined();
    expect(stanza.child('delay', 'urn:xmpp:delay')).toBeUndefined();
  });

  test("a contact's card and avatar", async () => {
    const picture = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const photo = el('PHOTO', {}, el('BINVAL', {}, picture.toString('base64')));
    rig.romeo.request(
      'fileWrite',
      { type: 'vcard', fileName: 'profile.vcf' },
      el('vCard', {}, el('FN', {}, 'Romeo'), photo),
    );
    await isOnline();
    const card = (await juliet.iq('get', xml('vCard', { xmlns: 'vcard-temp' }), rig.ghost)).child(
      'vCard',
      'vcard-temp',
    );
    expect(card?.text('FN')).toBe('Romeo');
    expect(card?.child('PHOTO')?.text('BINVAL')).toBe(picture.toString('base64'));
    const items = xml('items', { node: 'urn:xmpp:avatar:data' });
    const pubsub = xml('pubsub', { xmlns: 'http://jabber.org/protocol/pubsub' }, items);
    const avatar = await juliet.iq('get', pubsub, rig.ghost);
    expect(avatar.toString()).toContain(createHash('sha1').update(picture).digest('hex'));
  });

  test('a subject goes first, on its own line', async () => {
    juliet.send(
      xml(
        'message',
        { to: rig.ghost, type: 'normal', id: 's1' },
        xml('subject', {}, 'Balcony'),
        xml('body', {}, 'tonight'),
      ),
    );
    await rig.romeo.waitFor((item) => item.text === 'Balcony\ntonight');
  });

  test.each(['composing', 'paused', 'gone'] as const)('chat state %s, both ways', async (state) => {
    juliet.send(
      xml('message', { to: rig.ghost, type: 'chat' }, xml(state, { xmlns: 'http://jabber.org/protocol/chatstates' })),
    );
    await rig.romeo.waitFor((item) => item.kind === 'im' && item.state === state);
    rig.romeo.sendIM('juliet@far.test', '', { state });
    const stanza = await juliet.waitFor(
      (one) => one.child(state, 'http://jabber.org/protocol/chatstates') !== undefined,
    );
    expect(stanza.child('body')).toBeUndefined();
  });

  test('no such far user: one error with the original id', async () => {
    juliet.message('nobody@ximss.test', 'anyone?', 'lost-1');
    const error = await juliet.waitFor((stanza) => stanza.attrs['type'] === 'error' && stanza.attrs['id'] === 'lost-1');
    expect(error.attrs['from']).toBe('nobody@ximss.test');
    expect(error.child('error')?.attrs['type']).toBe('cancel');
    await juliet.barrier();
    expect(juliet.stanzas.filter((stanza) => stanza.attrs['id'] === 'lost-1')).toHaveLength(1);
  });

  test('an unlinked user is told to register', async () => {
    await rig.xmpp.register('stranger', 'secret');
    const stranger = await rig.juliet.login({ user: 'stranger', password: 'secret' });
    stranger.message(rig.ghost, 'hello?', 'who-1');
    const error = await stranger.waitFor((stanza) => stanza.attrs['id'] === 'who-1');
    expect(error.child('error')?.child('registration-required')).toBeDefined();
  });

  test('an encrypted message without a useful body is refused, and nothing is relayed', async () => {
    const before = rig.romeo.of('im').length;
    juliet.send(
      xml(
        'message',
        { to: rig.ghost, type: 'chat', id: 'e1' },
        xml('encrypted', { xmlns: 'eu.siacs.conversations.axolotl' }, xml('payload', {}, 'bm90aGluZw==')),
        xml('encryption', { xmlns: 'urn:xmpp:eme:0', namespace: 'eu.siacs.conversations.axolotl' }),
        xml('body', {}, 'I sent you an OMEMO encrypted message'),
      ),
    );
    const error = await juliet.waitFor((stanza) => stanza.attrs['id'] === 'e1');
    expect(error.child('error')?.child('not-acceptable')).toBeDefined();
    expect(rig.romeo.of('im')).toHaveLength(before);
  });

  test('200 messages each way arrive once and in order', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);
    for (const name of names) juliet.message(rig.ghost, `${name} out`, name);
    for (const name of names) rig.romeo.sendIM('juliet@far.test', `${name} in`);
    const out = () =>
      rig.romeo
        .of('im')
        .map((item) => item.text)
        .filter((text) => text.endsWith(' out'));
    const inward = () => juliet.stanzas.map((stanza) => stanza.text('body')).filter((text) => text.endsWith(' in'));
    await until(() => out().length >= 200 && inward().length >= 200, { deadlineMs: 15_000, what: 'all messages' });
    expect(out()).toEqual(names.map((name) => `${name} out`));
    expect(inward()).toEqual(names.map((name) => `${name} in`));
  });

  test('a stored message carries its true time', async () => {
    await rig.bridge.stop();
    rig.romeo.sendIM('juliet@far.test', 'while you were away');
    await rig.bridge.start();
    const stanza = await juliet.waitFor(isBody('while you were away'), 15_000);
    expect(stanza.child('delay', 'urn:xmpp:delay')?.attrs['stamp']).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
    );
  });
});

describe.each(xmppServers)('with every write split into single bytes, %s', (_name, start) => {
  test('the same text arrives byte for byte both ways', async () => {
    const closers: (() => Promise<void>)[] = [];
    const rig = await startRig({
      start,
      ports: async ({ component, ximss }) => {
        const [first, second] = [await startProxy({ port: component }), await startProxy({ port: ximss })];
        for (const proxy of [first, second]) {
          proxy.splitBytes(true);
          closers.push(() => proxy.close());
        }
        return { component: first.port, ximss: second.port };
      },
    });
    try {
      const juliet = await rig.juliet.login();
      juliet.message(rig.ghost, hard, 'b1');
      await rig.romeo.waitFor((item) => item.kind === 'im' && item.text === hard, 15_000);
      rig.romeo.sendIM('juliet@far.test', hard);
      await juliet.waitFor(isBody(hard), 15_000);
    } finally {
      await rig.dispose();
      for (const close of closers) await close();
    }
  }, 60_000);
});
