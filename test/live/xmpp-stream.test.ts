/** The Jabber layer against real servers: stream, order, barrier, rosters, services, outages. */
import { parseAccount, parseJid, type Account, type BareJid } from '../../src/core/address';
import { gatewayPeer } from '../../src/core/model';
import { connect, type JabberClient } from '../support/xmpp/jabber-client';
import { envelopeOf, makeJabberSide, rightPassword, type JabberSide, type SeenEvent } from '../support/jabber-side';
import { startEjabberd } from '../support/servers/ejabberd';
import { startProsody } from '../support/servers/prosody';
import type { XmppServer } from '../support/servers/xmpp-server';
import { until } from '../support/wait';
import { xml } from '../support/xmpp/xml';

const romeo = parseAccount('romeo@far.test') as Account; // a good account
const jid = (text: string): BareJid => parseJid(text)?.bare ?? (text as BareJid); // good JIDs only
const never = new AbortController().signal;
const pingNs = 'urn:xmpp:ping';
const registerNs = 'jabber:iq:register';
const discoInfoNs = 'http://jabber.org/protocol/disco#info';

describe.each([
  ['Prosody', startProsody],
  ['ejabberd', startEjabberd],
] as const)('%s', (kind, start) => {
  let server: XmppServer;
  let side: JabberSide;
  let juliet: JabberClient;
  const user = jid('juliet@jabber.test');

  const makeSide = (secret = server.secret): JabberSide =>
    makeJabberSide({ service: `xmpp://127.0.0.1:${server.componentPort}`, secret, domain: server.componentDomain });

  beforeAll(async () => {
    server = await start();
    await server.register('juliet', 'pw');
    await server.register('nurse', 'pw');
    side = makeSide();
    await side.jabber.start();
    juliet = await connect({ server, user: 'juliet', password: 'pw', resource: 'balcony', pong: true });
  });
  afterAll(async () => {
    await juliet?.close();
    await side?.jabber.stop();
    await server?.dispose();
  });
  beforeEach(() => {
    side.events.length = 0;
    juliet.clear();
  });

  test('messages come in with everything they say', async () => {
    const request = xml('request', { xmlns: 'urn:xmpp:receipts' });
    juliet.message('romeo@ximss.test', 'Привет 😀\n<&>', 'm1', { children: [request] });
    juliet.message('other\\40elsewhere.test@ximss.test', 'hello', 'm2');
    const messages = (): SeenEvent[] => side.events.filter(({ event }) => event.kind === 'message');
    await until(() => messages().length === 2);
    expect(messages()[0]).toMatchObject({
      user,
      peer: 'romeo@far.test',
      event: { kind: 'message', id: 'm1', resource: 'balcony', body: 'Привет 😀\n<&>', wantsReceipt: true },
    });
    expect(messages()[1]).toMatchObject({ peer: 'other@elsewhere.test', event: { wantsReceipt: false } });
  });

  test('messages go out in order and are proved', async () => {
    const bodies = Array.from({ length: 500 }, (_, i) => `line ${i} \u0001тест`);
    const envelopes = bodies.map((body, i) => envelopeOf(`e${i}`, body));
    await side.jabber.deliver(user, romeo, envelopes);
    await juliet.waitFor((stanza) => stanza.attrs['id'] === 'e499');
    const seen = juliet.stanzas.filter((stanza) => stanza.name === 'message');
    expect(seen.map((stanza) => stanza.text('body'))).toEqual(bodies.map((body) => body.replace('\u0001', '')));
    expect(seen[0]?.attrs).toMatchObject({ from: 'romeo@ximss.test/ximss', type: 'chat', id: 'e0' });
    expect(seen[0]?.child('origin-id', 'urn:xmpp:sid:0')?.attrs['id']).toBe('e0');
  });

  test('a text that no stanza holds arrives in parts, and a 200 kB one whole', async () => {
    const long = 'я&<'.repeat(100_000);
    await side.jabber.deliver(user, romeo, [envelopeOf('long', long), envelopeOf('big', 'x'.repeat(200_000))]);
    await juliet.waitFor((stanza) => stanza.attrs['id'] === 'big');
    const parts = juliet.stanzas.filter((stanza) => stanza.attrs['id']?.startsWith('long'));
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.map((stanza) => stanza.text('body')).join('')).toBe(long);
    expect(side.jabber.isUp()).toBe(true);
  });

  test('what the server refuses comes back before the proof', async () => {
    await side.jabber.deliver(jid('nobody@jabber.test'), romeo, [envelopeOf('lost', 'hello')]);
    expect(side.events).toEqual([
      expect.objectContaining({
        user: 'nobody@jabber.test',
        peer: romeo,
        event: expect.objectContaining({ kind: 'bounce', of: 'lost', what: 'message' }) as object,
      }),
    ]);
  });

  test('verbs, presence and probes', async () => {
    juliet.presence({ to: 'romeo@ximss.test', type: 'subscribe' });
    await until(() => side.events.some(({ event }) => event.kind === 'verb'));
    expect(side.jabber.sendNow(user, romeo, { kind: 'verb', verb: 'subscribed', status: null })).toBe(true);
    expect(side.jabber.sendNow(user, romeo, { kind: 'presence', show: 'dnd', status: 'ж', avatarHash: '' })).toBe(true);
    const shown = await juliet.waitFor((stanza) => stanza.name === 'presence' && stanza.text('show') === 'dnd');
    expect(shown.attrs['from']).toBe('romeo@ximss.test/ximss');
    expect(shown.child('c', 'http://jabber.org/protocol/caps')?.attrs['hash']).toBe('sha-1');

    side.jabber.sendNow(user, romeo, { kind: 'verb', verb: 'subscribe', status: null });
    await juliet.waitFor((stanza) => stanza.attrs['type'] === 'subscribe');
    juliet.presence({ to: 'romeo@ximss.test', type: 'subscribed' });
    await until(() => side.events.some(({ event }) => event.kind === 'verb' && event.verb === 'subscribed'));
    side.events.length = 0;
    side.jabber.probe(user, romeo);
    const answer = (): unknown =>
      side.events.find(({ event }) => event.kind === 'resource' && event.resource === 'balcony');
    await until(answer);
  });

  test('chat states go both ways', async () => {
    const composing = xml('composing', { xmlns: 'http://jabber.org/protocol/chatstates' });
    juliet.message('romeo@ximss.test', null, 'c1', { children: [composing] });
    await until(() => side.events.some(({ event }) => event.kind === 'chatState' && event.state === 'composing'));
    side.jabber.sendNow(user, romeo, { kind: 'chatState', state: 'paused' });
    await juliet.waitFor((s) => s.child('paused', 'http://jabber.org/protocol/chatstates') !== undefined);
  });

  test('encrypted messages and rooms are refused with the original id', async () => {
    const omemo = xml('encrypted', { xmlns: 'eu.siacs.conversations.axolotl' }, xml('payload', {}, 'AAAA'));
    juliet.message('romeo@ximss.test', 'I sent you an OMEMO encrypted message', 'o1', { children: [omemo] });
    const refusal = await juliet.waitFor((stanza) => stanza.attrs['type'] === 'error');
    expect(refusal.attrs['id']).toBe('o1');
    expect(refusal.child('error')?.child('not-acceptable')).toBeDefined();
    juliet.message('romeo@ximss.test', 'hi all', 'g1', { type: 'groupchat' });
    const second = await juliet.waitFor((stanza) => stanza.attrs['id'] === 'g1');
    expect(second.child('error')?.child('feature-not-implemented')).toBeDefined();
    expect(side.events).toEqual([]);
  });

  test('services answer: ping, disco, version, unknown', async () => {
    const ping = await juliet.iq('get', xml('ping', { xmlns: pingNs }), 'romeo@ximss.test');
    expect(ping.attrs['type']).toBe('result');
    const info = await juliet.iq('get', xml('query', { xmlns: discoInfoNs }), 'ximss.test');
    expect(info.child('query')?.child('identity')?.attrs).toMatchObject({ category: 'gateway', type: 'ximss' });
    const unknown = await juliet.iq('get', xml('query', { xmlns: 'urn:none' }), 'romeo@ximss.test');
    expect(unknown.child('error')?.child('service-unavailable')).toBeDefined();
    const prompt = xml('query', { xmlns: 'jabber:iq:gateway' }, xml('prompt', {}, 'nurse@elsewhere.test'));
    const ghost = await juliet.iq('set', prompt, 'ximss.test');
    expect(ghost.child('query')?.text('jid')).toBe('nurse\\40elsewhere.test@ximss.test');
  });

  test('registration: form, wrong password, right password, removal', async () => {
    const form = await juliet.iq('get', xml('query', { xmlns: registerNs }), 'ximss.test');
    expect(form.child('query')?.child('x', 'jabber:x:data')).toBeDefined();
    const fill = (password: string): ReturnType<typeof xml> =>
      xml('query', { xmlns: registerNs }, xml('username', {}, 'juliet'), xml('password', {}, password));
    const wrong = await juliet.iq('set', fill('wrong'), 'ximss.test');
    expect(wrong.child('error')?.child('not-authorized')).toBeDefined();
    const right = await juliet.iq('set', fill(rightPassword), 'ximss.test');
    expect(right.attrs['type']).toBe('result');
    expect(side.links.get(user)).toBe('juliet@far.test');
    const gone = await juliet.iq('set', xml('query', { xmlns: registerNs }, xml('remove')), 'ximss.test');
    expect(gone.attrs['type']).toBe('result');
    expect(side.links.size).toBe(0);
  });

  test('rosters are read, and written where the server can', async () => {
    await until(() => side.jabber.rosterAccess() === 'both');
    // nobody's contact yet: what a server keeps of the subscription is seen
    const nurse = parseAccount('nurse@far.test') as Account; // a good account
    const entry = { account: nurse, name: 'Nurse <&>', groups: ['Друзья'], subscription: 'both', ask: false } as const;
    if (kind === 'Prosody') {
      await side.jabber.writeRoster(user, entry, never);
      expect(await side.jabber.readRoster(user, never)).toContainEqual(entry);
      await side.jabber.writeRoster(user, { remove: nurse }, never);
      expect((await side.jabber.readRoster(user, never)).map(({ account }) => account)).not.toContain(nurse);
    } else {
      await side.jabber.readRoster(user, never);
      await expect(side.jabber.writeRoster(user, entry, never)).rejects.toMatchObject({ code: 'not-allowed' });
      expect(side.jabber.rosterAccess()).toBe('get');
      expect(side.access).toEqual(['both', 'get']);
      await side.jabber.readRoster(user, never);
    }
    await expect(side.jabber.readRoster(jid('a@elsewhere.test'), never)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(side.jabber.isUp()).toBe(true);
  });

  test('a wrong secret and an unknown domain are refused for good', async () => {
    await expect(makeSide('nope').jabber.start()).rejects.toMatchObject({ code: 'stream-refused' });
    const { jabber } = makeJabberSide({
      service: `xmpp://127.0.0.1:${server.componentPort}`,
      secret: server.secret,
      domain: 'unknown.test',
    });
    await expect(jabber.start()).rejects.toMatchObject({ code: 'stream-refused' });
  });

  test('the server dies and comes back: the stream too, and what was not proved is rejected', async () => {
    side.stream.length = 0;
    await juliet.close();
    await server.kill9();
    await until(() => !side.jabber.isUp());
    await expect(side.jabber.deliver(user, romeo, [envelopeOf('x', 'x')])).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(side.jabber.sendNow(user, gatewayPeer, { kind: 'chatState', state: 'active' })).toBe(false);
    await server.start();
    await until(() => side.jabber.isUp(), { deadlineMs: 20_000 });
    juliet = await connect({ server, user: 'juliet', password: 'pw', resource: 'balcony', pong: true });
    await juliet.barrier(); // ejabberd stores what comes between login and presence until the next login
    await side.jabber.deliver(user, romeo, [envelopeOf('again', 'we are back')]);
    await juliet.waitFor((stanza) => stanza.attrs['id'] === 'again');
    expect(side.stream).toEqual(['down unavailable', 'up']);
  });
});

test('two bridges on one domain: one is left with the stream, the other ends', async () => {
  const server = await startProsody({ conflict: 'kick_old' });
  const make = (): JabberSide =>
    makeJabberSide({
      service: `xmpp://127.0.0.1:${server.componentPort}`,
      secret: server.secret,
      domain: server.componentDomain,
    });
  const both = [make(), make()] as const;
  try {
    for (const { jabber } of both) await jabber.start();
    const ended = await Promise.race(both.map(({ jabber }, i) => jabber.failed.then((fault) => ({ i, fault }))));
    expect(ended.fault.code).toBe('stream-conflict');
    const [loser, winner] = ended.i === 0 ? both : [both[1], both[0]];
    expect(loser.jabber.isUp()).toBe(false);
    await until(() => winner.jabber.isUp());
    await winner.jabber.barrier();
    expect(loser.logged()).toContain('a second bridge');
  } finally {
    for (const { jabber } of both) await jabber.stop();
    await server.dispose();
  }
});

test('Prosody refuses a second connection when it is told to: final at the first start', async () => {
  const server = await startProsody({ conflict: 'kick_new' });
  try {
    const make = (): JabberSide =>
      makeJabberSide({
        service: `xmpp://127.0.0.1:${server.componentPort}`,
        secret: server.secret,
        domain: server.componentDomain,
      });
    const first = make();
    await first.jabber.start();
    await expect(make().jabber.start()).rejects.toMatchObject({ code: 'stream-conflict' });
    expect(first.jabber.isUp()).toBe(true);
    await first.jabber.stop();
  } finally {
    await server.dispose();
  }
});
