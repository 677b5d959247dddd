/** XEP-0356: rights over rosters, and what is done with them. */
import { Fault } from '../../src/core/fault';
import { until } from '../support/wait';
import { juliet, romeo, never, begin, ask, side, connection } from './iq-scene';

describe('privileges, XEP-0356', () => {
  const advert = (perm: string, from = 'jabber.test', version = 2): string =>
    `<message from='${from}' to='ximss.test'><privilege xmlns='urn:xmpp:privilege:${version}'>${perm}</privilege></message>`;
  const roster = (type: string): string =>
    `<perm access='message' type='outgoing'/><perm access='roster' type='${type}'/>`;
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
    await begin({ stanzaBytes: 4_000, timing: { iqMs: 60_000, closeMs: 100 } });
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
    expect(side.logged().match(/grants roster changes and fails them/g)).toHaveLength(1);
  });
});
