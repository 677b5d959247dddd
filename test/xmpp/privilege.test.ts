/** XEP-0356: rights over rosters, and what is done with them. */
import { makeAddressBook, type BareJid } from '../../src/core/address';
import { Fault } from '../../src/core/fault';
import { makePrivilege } from '../../src/xmpp/privilege';
import type { Element } from '../../src/xmpp/stanza/element';
import { manualClock } from '../support/clock';
import { silentLog } from '../support/silence';
import { until } from '../support/wait';
import { stanzaOf } from './stanzas';
import { juliet, romeo, never, begin, ask, side, connection } from './iq-scene';

describe('privileges, XEP-0356', () => {
  const advert = (perm: string, from = 'jabber.test', version = 2): string =>
    `<message from='${from}' to='ximss.test'><privilege xmlns='urn:xmpp:privilege:${version}'>${perm}</privilege></message>`;
  const roster = (type: string): string =>
    `<perm access='message' type='outgoing'/><perm access='roster' type='${type}'/>`;
  const clock = manualClock();
  /** The part alone, its stream just up; `hear` gives it the advert of a host. */
  const alone = (domain: string, serverDomain: string | null, answer: Element | null = null) => {
    const granted: string[] = [];
    const privilege = makePrivilege({
      book: makeAddressBook({ componentDomain: domain, homeDomain: 'far.test' }),
      iq: { request: () => Promise.resolve(answer) },
      onAccess: (access) => granted.push(access),
      serverDomain,
      advertMs: 2_000,
      clock,
      log: silentLog,
    });
    const hear = (type: string, host: string): boolean =>
      privilege.onMessage(stanzaOf(advert(roster(type), host)), host as BareJid); // a host is a bare address
    privilege.onUp();
    return { privilege, granted, hear };
  };
  const lastId = (): string =>
    [...connection.received().matchAll(/<iq type="[gs]et" id="([^"]+)" from="ximss.test" to="juliet/g)].at(-1)?.[1] ??
    '';

  test.each<[string, string, string]>([
    ['both, version 2', advert(roster('both')), 'both'],
    ['both, version 1', advert(roster('both'), 'jabber.test', 1), 'both'],
    ['get', advert(roster('get')), 'get'],
    ['set alone is of no use', advert(roster('set')), 'none'],
    ['other rights', advert(`<perm access='message' type='outgoing'/>`), 'none'],
    ['from a user, not a server', advert(roster('both'), 'mallory@jabber.test'), 'none'],
  ])('%s', async (_what, text, expected) => {
    await begin();
    connection.send(text);
    await ask('get', `<ping xmlns='urn:xmpp:ping'/>`);
    expect(side.jabber.rosterAccess()).toBe(expected);
    expect(side.access).toEqual(expected === 'none' ? [] : [expected]);
  });

  test.each<[string, string, string, string]>([
    ['the configured server', 'ximss.test', 'jabber.test', 'both'],
    ['the domain above ours', 'ximss.jabber.test', 'jabber.test', 'both'],
    ['a server elsewhere', 'ximss.jabber.test', 'elsewhere.test', 'none'],
    ['a domain that only ends like ours', 'ximss.jabber.test', 'abber.test', 'none'],
    ['a top-level domain', 'ximss.test', 'test', 'none'],
  ])('rights that come unasked are believed of own servers only: %s', (_what, domain, host, expected) => {
    const { privilege, granted, hear } = alone(domain, domain === 'ximss.test' ? 'jabber.test' : null);
    clock.advance(2_001);
    hear('both', host);
    expect(privilege.rosterAccess()).toBe(expected);
    expect(granted).toEqual(expected === 'none' ? [] : ['both']);
    expect(privilege.hosts()).toEqual(expected === 'none' ? [] : [host]);
    privilege.reset();
    privilege.onUp();
    hear('both', host);
    expect(privilege.rosterAccess()).toBe(expected); // who has said it unasked is not believed after a handshake either
  });

  test('right after a handshake a server is believed whatever its name, and a bounded number of them', () => {
    const { privilege, hear } = alone('ximss.test', null);
    clock.advance(1_000);
    for (let i = 0; i < 1_000; i += 1) hear('get', `h${i}.test`);
    expect(privilege.hosts()).toHaveLength(256);
  });

  test('a right can be taken back, and ends with the stream', async () => {
    await begin();
    connection.send(advert(roster('both')) + advert(roster('both')) + advert(''));
    await until(() => side.access.length === 2);
    expect(side.access).toEqual(['both', 'none']);
    connection.send(advert(roster('get')));
    await until(() => side.jabber.rosterAccess() === 'get');
    connection.destroy();
    await until(() => side.stream.length === 3);
    expect(side.jabber.rosterAccess()).toBe('none');
  });

  test('the rights of one server say nothing about the users of another', async () => {
    await begin();
    connection.send(advert(roster('both'), 'elsewhere.test'));
    await until(() => side.jabber.rosterAccess() === 'both');
    await expect(side.jabber.readRoster(juliet, never)).rejects.toMatchObject({ code: 'not-allowed' });
  });

  test('a roster is read: our ghosts, not the rest', async () => {
    await begin();
    connection.send(advert(roster('both')));
    await until(() => side.access.length === 1);
    const reading = side.jabber.readRoster(juliet, never);
    await connection.expect('jabber:iq:roster');
    connection.send(
      `<iq type='result' id='${lastId()}' from='juliet@jabber.test' to='ximss.test'><query xmlns='jabber:iq:roster'>` +
        `<item jid='romeo@ximss.test' name='R' subscription='to' ask='subscribe'><group>A</group><group>B</group><group/></item>` +
        `<item jid='a\\40b.test@ximss.test'/><item jid='ximss.test' subscription='both'/><item jid='nurse@jabber.test' subscription='both'/>` +
        `<item jid='a\\20@ximss.test'/><item/></query></iq>`,
    );
    expect(await reading).toEqual([
      { account: romeo, name: 'R', groups: ['A', 'B'], subscription: 'to', ask: true },
      { account: 'a@b.test', name: null, groups: [], subscription: 'none', ask: false },
    ]);
  });

  test('one ghost in two spellings: only the one that speaks counts', async () => {
    await begin();
    connection.send(advert(roster('both')));
    await until(() => side.access.length === 1);
    const reading = side.jabber.readRoster(juliet, never);
    await connection.expect('jabber:iq:roster');
    connection.send(
      `<iq type='result' id='${lastId()}' from='juliet@jabber.test' to='ximss.test'><query xmlns='jabber:iq:roster'>` +
        `<item jid='Romeo@ximss.test' subscription='both'/><item jid='romeo\\40far.test@ximss.test' subscription='none'/>` +
        `</query></iq>`,
    );
    expect(await reading).toMatchObject([{ account: romeo, subscription: 'both' }]);
  });

  test('a roster larger than any stanza is read; one beyond all measure is refused at once, and the stream lives', async () => {
    await begin({ stanzaBytes: 4_000, timing: { iqMs: 60_000, closeMs: 100, advertMs: 60_000 } });
    connection.send(advert(roster('both')));
    await until(() => side.access.length === 1);
    const items = (count: number): string =>
      Array.from({ length: count }, (_, i) => `<item jid='c${i}@ximss.test' name='${'n'.repeat(20)}'/>`).join('');
    const read = async (count: number): Promise<number> => {
      const before = lastId();
      const reading = side.jabber.readRoster(juliet, never);
      await until(() => lastId() !== before, { what: 'the question' });
      const query = `<query xmlns='jabber:iq:roster'>${items(count)}</query>`;
      connection.send(`<iq type='result' id='${lastId()}' from='juliet@jabber.test' to='ximss.test'>${query}</iq>`);
      return (await reading).length;
    };
    expect(await read(4_000)).toBe(4_000);
    await expect(read(8_000)).rejects.toMatchObject({ code: 'xml-limit' });
    expect(await read(1)).toBe(1);
    expect(side.stream).toEqual(['up']);
  });

  test('an item larger than any stanza is refused at once', async () => {
    await begin({ stanzaBytes: 4_000 });
    connection.send(advert(roster('both')));
    await until(() => side.access.length === 1);
    const entry = { account: romeo, name: 'n'.repeat(5_000), groups: [], subscription: 'both', ask: false } as const;
    await expect(side.jabber.writeRoster(juliet, entry, never)).rejects.toMatchObject({ code: 'too-large' });
  });

  test('an answer counts only from the user who was asked', async () => {
    await begin();
    connection.send(advert(roster('both')));
    await until(() => side.access.length === 1);
    const reading = side.jabber.readRoster(juliet, never);
    await connection.expect('jabber:iq:roster');
    const query = `<query xmlns='jabber:iq:roster'><item jid='evil@ximss.test'/></query>`;
    connection.send(`<iq type='result' id='${lastId()}' from='mallory@jabber.test' to='ximss.test'>${query}</iq>`);
    connection.send(`<iq type='result' id='${lastId()}' from='juliet@jabber.test' to='romeo@ximss.test'>${query}</iq>`);
    connection.send(`<message id='${lastId()}' from='juliet@jabber.test' to='ximss.test'>${query}</message>`);
    connection.send(`<iq type='result' id='${lastId()}' from='juliet@jabber.test' to='ximss.test'/>`);
    expect(await reading).toEqual([]);
  });

  test('what is written, and what each end of a request becomes', async () => {
    await begin();
    connection.send(advert(roster('both')));
    await until(() => side.access.length === 1);
    const entry = { account: romeo, name: 'R <', groups: ['A'], subscription: 'both', ask: false } as const;
    const answer = (inside: string): void =>
      connection.send(`<iq from='juliet@jabber.test' to='ximss.test' id='${lastId()}' ${inside}`);

    const written = side.jabber.writeRoster(juliet, entry, never);
    await connection.expect(`<item jid="romeo@ximss.test" name="R &lt;" subscription="both"><group>A</group></item>`);
    answer(`type='result'/>`);
    await connection.expect(`<query xmlns="jabber:iq:roster"/>`); // once: does the server store what we write?
    const item = (subscription: string): string => `<item jid='romeo@ximss.test' subscription='${subscription}'/>`;
    answer(`type='result'><query xmlns='jabber:iq:roster'>${item('both')}</query></iq>`);
    await written;

    const removed = side.jabber.writeRoster(juliet, { remove: romeo }, never);
    await connection.expect(`<item jid="romeo@ximss.test" subscription="remove"/>`);
    answer(
      `type='error'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    await expect(removed).rejects.toMatchObject({ code: 'not-found' });

    await expect(side.jabber.writeRoster(juliet, entry, never)).rejects.toMatchObject({ code: 'timeout' });
    await expect(side.jabber.readRoster(juliet, AbortSignal.abort(new Fault('stopping')))).rejects.toMatchObject({
      code: 'stopping',
    });
    const lost = side.jabber.readRoster(juliet, never);
    connection.destroy();
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('ejabberd stores an item without its subscription: from then on it is reading only', async () => {
    const { privilege, granted, hear } = alone('ximss.test', null, stanzaOf(
      `<query xmlns='jabber:iq:roster'><item jid='romeo@ximss.test' subscription='none'/></query>`,
    )); // prettier-ignore
    hear('both', 'jabber.test');
    const entry = { account: romeo, name: 'R', groups: [], subscription: 'both', ask: false } as const;
    await privilege.writeRoster(juliet, { ...entry, subscription: 'none' }, never);
    expect(granted).toEqual(['both']);
    await expect(privilege.writeRoster(juliet, entry, never)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(granted).toEqual(['both', 'get']);
  });

  test('ejabberd 23.01 grants writing and fails it: from then on it is reading only, said once', async () => {
    await begin();
    connection.send(advert(roster('both'), 'jabber.test', 1));
    await until(() => side.access.length === 1);
    const removing = side.jabber.writeRoster(juliet, { remove: romeo }, never);
    await connection.expect('subscription="remove"');
    connection.send(
      `<iq type='error' id='${lastId()}' from='juliet@jabber.test' to='ximss.test'><error type='wait'>` +
        `<internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    await expect(removing).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(side.jabber.writeRoster(juliet, { remove: romeo }, never)).rejects.toMatchObject({
      code: 'not-allowed',
    });
    expect(side.access).toEqual(['both', 'get']);
    expect(side.logged().match(/grants roster changes and does not make them/g)).toHaveLength(1);
  });
});
