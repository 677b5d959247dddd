/** The live harness itself: real servers start, carry messages, break and come back. */
import { connect, type JabberClient } from '../support/xmpp/jabber-client';
import { connectComponent } from '../support/xmpp/raw-component';
import { startProsody, startRedis, xmppServers, type XmppServer } from '../support/servers';
import { until } from '../support/wait';
import { xml, type Element } from '../support/xmpp/xml';

const hardBody = 'Привет, Ромео 🎭 <b>&amp;</b> "\'\nשלום';
const isMessage = (stanza: Element): boolean => stanza.name === 'message' && stanza.child('body') !== undefined;
const privileges = (stanza: Element): Element | undefined =>
  stanza.elements('privilege').find(({ ns }) => ns.startsWith('urn:xmpp:privilege:'));

describe.each(xmppServers)('a private %s', (_kind, start) => {
  let server: XmppServer;
  let juliet: JabberClient;
  let romeo: JabberClient;

  beforeAll(async () => {
    server = await start();
    await server.register('juliet', 'o "Romeo" \\');
    await server.register('romeo', 'first');
    await server.register('romeo', 'second');
    juliet = await connect({ server, user: 'juliet', password: 'o "Romeo" \\', resource: 'balcony' });
    romeo = await connect({ server, user: 'romeo', password: 'second', resource: 'garden' });
  });
  afterAll(async () => {
    await juliet?.close();
    await romeo?.close();
    await server?.dispose();
  });

  test('clients log in under the resource they ask for', () => {
    expect([juliet.jid, romeo.jid]).toEqual(['juliet@jabber.test/balcony', 'romeo@jabber.test/garden']);
    expect([juliet.bare, romeo.bare]).toEqual(['juliet@jabber.test', 'romeo@jabber.test']);
  });

  test.each([
    ['an old password', 'romeo', 'first'],
    ['an unknown user', 'mercutio', 'x'],
  ])('%s is refused', async (_why, user, password) => {
    await expect(connect({ server, user, password })).rejects.toThrow(/not-authorized/);
  });

  test('two clients exchange a message, every character of it', async () => {
    const id = juliet.message(romeo.bare, hardBody);
    const received = await romeo.take(({ attrs }) => attrs['id'] === id);
    expect(received.text('body')).toBe(hardBody);
    expect(received.attrs['from']).toBe(juliet.jid);
  });

  test('a message larger than one read arrives whole', async () => {
    const body = 'Ж🎭'.repeat(20_000);
    const id = juliet.message(romeo.bare, body);
    expect((await romeo.take(({ attrs }) => attrs['id'] === id)).text('body')).toBe(body);
  });

  test('a subscription shows in the roster of the client and in the store of the server', async () => {
    juliet.presence({ to: romeo.bare, type: 'subscribe' });
    await romeo.take(({ name, attrs }) => name === 'presence' && attrs['type'] === 'subscribe');
    romeo.presence({ to: juliet.bare, type: 'subscribed' });
    await juliet.take(({ name, attrs }) => name === 'presence' && attrs['type'] === 'subscribed');
    const item = xml(
      'item',
      { jid: romeo.bare, name: 'Ромео' },
      xml('group', {}, 'Montague'),
      xml('group', {}, 'Best'),
    );
    await juliet.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
    const entry = { jid: romeo.bare, name: 'Ромео', subscription: 'to', isAsking: false, groups: ['Best', 'Montague'] };
    expect(await juliet.roster()).toEqual([entry]);
    expect(await server.roster('juliet')).toEqual([entry]);
    expect(await server.roster('nobody')).toEqual([]);
  });

  test('an unanswered subscription request shows as asking', async () => {
    romeo.presence({ to: 'tybalt@load.test', type: 'subscribe' });
    await romeo.barrier();
    expect(await server.roster('romeo')).toContainEqual(
      expect.objectContaining({ jid: 'tybalt@load.test', isAsking: true }),
    );
  });

  test('a second component echoes what a client sends', async () => {
    const load = await connectComponent({
      server,
      domain: server.secondComponentDomain,
      onStanza: ({ attrs: { from, to, id }, ...stanza }) => {
        const body = stanza.children.filter((child): child is Element => typeof child !== 'string');
        if (stanza.name === 'message') load.send(xml('message', { from: to, to: from, id, type: 'chat' }, ...body));
      },
    });
    try {
      const id = juliet.message('echo@load.test', hardBody);
      const answer = await juliet.take(({ attrs }) => attrs['id'] === id);
      expect(answer.text('body')).toBe(hardBody);
      expect(answer.attrs['from']).toBe('echo@load.test');
    } finally {
      await load.close();
    }
  });

  test('two bare components carry a burst on the fast path, in order', async () => {
    const texts: string[] = [];
    const sink = await connectComponent({
      server,
      domain: server.componentDomain,
      onText: (text) => text.includes('<body>') && texts.push(text),
    });
    const source = await connectComponent({ server, domain: server.secondComponentDomain });
    try {
      for (let n = 0; n < 500; n += 1) {
        source.send(
          xml('message', { from: 'u@load.test', to: 'x@ximss.test', id: `m${n}` }, xml('body', {}, hardBody)),
        );
      }
      await source.drained();
      await source.iq('u@load.test', `${server.domain}/ping`, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }));
      source.send(xml('message', { from: 'u@load.test', to: 'x@ximss.test', id: 'last' }, xml('body', {}, 'end')));
      await until(() => texts.length === 501, { what: () => `501 messages, there are ${texts.length}` });
      const ids = texts.map((text) => /\bid=["'](\w+)["']/.exec(text)?.[1]);
      expect(ids).toEqual([...Array.from({ length: 500 }, (_, n) => `m${n}`), 'last']);
    } finally {
      await source.close();
      await sink.close();
    }
  });

  test('the component is told its privileges; a wrong secret is refused', async () => {
    // ejabberd still routes to a connection that closed a moment ago, and the advert with it: then try again.
    const advertised = async (): Promise<Element> => {
      const component = await connectComponent({ server, domain: server.componentDomain });
      try {
        return await component.waitFor((stanza) => privileges(stanza) !== undefined, 1000);
      } finally {
        await component.close();
      }
    };
    const advert = await until(advertised, { deadlineMs: 10_000, what: 'the privileges' });
    const rights = privileges(advert)
      ?.elements('perm')
      .map(({ attrs }) => [attrs['access'], attrs['type']]);
    expect(rights).toEqual(
      expect.arrayContaining([
        ['roster', 'both'],
        ['presence', 'managed_entity'],
      ]),
    );
    expect(rights).not.toContainEqual(['message', 'outgoing']); // nothing uses it
    const refused = connectComponent({ server, domain: server.componentDomain, secret: 'wrong' });
    await expect(refused).rejects.toThrow(/not-authorized/);
  });

  test('accounts and ports survive kill -9, and the clients notice', async () => {
    await server.register('nurse', 'just now');
    await server.kill9();
    await expect(juliet.waitFor(() => false)).rejects.toThrow(/in vain/);
    expect(juliet.isOpen()).toBe(false);
    await server.start();
    juliet = await connect({ server, user: 'juliet', password: 'o "Romeo" \\', resource: 'balcony' });
    romeo = await connect({ server, user: 'romeo', password: 'second', resource: 'garden' });
    const id = romeo.message(juliet.bare, 'again');
    expect((await juliet.take(({ attrs }) => attrs['id'] === id)).text('body')).toBe('again');
    await (await connect({ server, user: 'nurse', password: 'just now' })).close();
  });

  test('a graceful stop and start keeps the roster', async () => {
    const item = xml('item', { jid: romeo.bare, name: 'after the kill' });
    await juliet.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
    const before = await server.roster('juliet');
    await server.stop();
    await server.stop();
    await server.start();
    await server.start();
    expect(await server.roster('juliet')).toEqual(before);
    expect(before).not.toEqual([]);
  });

  test('the log is readable and covers the runs before', () => {
    const starts = server.log().match(/Hello and welcome to Prosody|is started in the node/g);
    expect(starts).toHaveLength(3);
  });

  test('privileges can be switched off', async () => {
    const plain = await start({ privileges: false });
    try {
      await plain.register('juliet', 'x');
      const component = await connectComponent({ server: plain, domain: plain.componentDomain });
      const client = await connect({ server: plain, user: 'juliet', password: 'x' });
      client.message('anybody@ximss.test', 'after any advert');
      await component.waitFor(isMessage);
      expect(component.stanzas.flatMap((stanza) => privileges(stanza)?.elements('perm') ?? [])).toEqual([]);
      await client.close();
      await component.close();
    } finally {
      await plain.dispose();
    }
  });
});

describe('a second connection for one domain of Prosody', () => {
  test('the shipped settings let it in and end the first', async () => {
    const server = await startProsody();
    try {
      const first = await connectComponent({ server, domain: server.componentDomain });
      const second = await connectComponent({ server, domain: server.componentDomain });
      await until(() => !first.isOpen(), { what: 'the end of the first' });
      expect(first.ended()).toMatch(/conflict/);
      expect(second.isOpen()).toBe(true);
      await second.close();
    } finally {
      await server.dispose();
    }
  });

  test('Prosody’s default refuses it', async () => {
    const server = await startProsody({ conflict: 'kick_new' });
    try {
      const first = await connectComponent({ server, domain: server.componentDomain });
      await expect(connectComponent({ server, domain: server.componentDomain })).rejects.toThrow(/conflict/);
      expect(first.isOpen()).toBe(true);
      await first.close();
    } finally {
      await server.dispose();
    }
  });
});

describe('a private redis-server', () => {
  test.each([
    ['on a port', {}],
    ['on a unix socket', { unixsocket: true }],
  ])('%s keeps what was written through kill -9 and a graceful stop', async (_how, options) => {
    const redis = await startRedis(options);
    try {
      await redis.cli('set', 'a', '1');
      await redis.kill9();
      await redis.start();
      await redis.cli('set', 'b', '2');
      await redis.stop();
      await redis.start();
      expect(await redis.cli('mget', 'a', 'b')).toBe('1\n2');
    } finally {
      await redis.dispose();
    }
  });

  test.each([
    ['AOF and noeviction unless told otherwise', {}, 'yes', 'noeviction', 'everysec'],
    ['every write synced', { appendfsync: 'always' }, 'yes', 'noeviction', 'always'],
    ['no AOF', { appendonly: false }, 'no', 'noeviction', 'everysec'],
    ['evicting', { maxmemoryPolicy: 'allkeys-lru', maxmemory: '50mb' }, 'yes', 'allkeys-lru', 'everysec'],
  ] as const)('%s', async (_what, options, appendonly, policy, appendfsync) => {
    const redis = await startRedis(options);
    try {
      const setting = async (name: string): Promise<string | undefined> =>
        (await redis.cli('config', 'get', name)).split('\n')[1];
      expect(await setting('appendonly')).toBe(appendonly);
      expect(await setting('maxmemory-policy')).toBe(policy);
      expect(await setting('appendfsync')).toBe(appendfsync);
    } finally {
      await redis.dispose();
    }
  });
});
