/** XEP-0030, XEP-0115 and the small services: what the component and its ghosts say they are. */
import { createHash } from 'node:crypto';
import { childOf, childrenOf, childText, elements, type Element } from '../../../src/xmpp/stanza/element';
import { stanzaOf } from '../stanzas';
import { juliet, romeo, begin, ask, infoQuery, side, connection } from '../iq-scene';

describe('what we are', () => {
  test.each<[string, string, string, string[], string[]]>([
    [
      'the gateway',
      'ximss.test',
      'gateway/ximss',
      ['jabber:iq:register', 'jabber:iq:gateway', 'jabber:iq:version'],
      ['urn:xmpp:receipts'],
    ],
    [
      'a ghost',
      'romeo@ximss.test',
      'account/registered',
      ['urn:xmpp:receipts', 'urn:xmpp:ping'],
      ['jabber:iq:register'],
    ],
  ])('%s', async (_what, to, identity, features, missing) => {
    await begin();
    const query = childOf(await ask('get', infoQuery, to), 'query', 'http://jabber.org/protocol/disco#info') as Element; // asserted below
    const found = childrenOf(query, 'identity').map((one) => `${one.attrs['category']}/${one.attrs['type']}`);
    const named = childrenOf(query, 'feature').map((one) => one.attrs['var'] ?? '');
    expect(found).toEqual([identity]);
    expect(named).toEqual(expect.arrayContaining(features));
    for (const feature of missing) expect(named).not.toContain(feature);
    expect(new Set(named).size).toBe(named.length);
  });

  test('where nobody may register, the gateway does not offer it', async () => {
    await begin({ mayRegister: false });
    expect((await ask('get', infoQuery)).toString()).not.toContain('jabber:iq:register');
  });

  test('the hash in presence is that of the answer, as XEP-0115 computes it, and its node is answered', async () => {
    await begin();
    side.jabber.sendNow(juliet, romeo, { kind: 'presence', show: 'online', status: null, avatarHash: null });
    await connection.expect('<c ');
    const presence = stanzaOf(/<presence .*?<\/presence>/.exec(connection.received())?.[0] ?? '');
    const caps = childOf(presence, 'c', 'http://jabber.org/protocol/caps');
    const node = `${caps?.attrs['node']}#${caps?.attrs['ver']}`;
    const answer = await ask('get', infoQuery.replace('/>', ` node='${node}'/>`), 'romeo@ximss.test');
    const query = childOf(answer, 'query', 'http://jabber.org/protocol/disco#info') as Element; // asserted next
    expect(query.attrs['node']).toBe(node);
    const features = childrenOf(query, 'feature')
      .map((one) => one.attrs['var'] ?? '')
      .sort();
    const text = `account/registered//<${features.join('<')}<`;
    expect(createHash('sha1').update(text).digest('base64')).toBe(caps?.attrs['ver']);
  });

  test('version, time, last activity', async () => {
    await begin();
    const version = elements(await ask('get', `<query xmlns='jabber:iq:version'/>`))[0] as Element; // asserted next
    expect(childText(version, 'version')).toBe('1.2.3');
    const time = elements(await ask('get', `<time xmlns='urn:xmpp:time'/>`))[0] as Element; // asserted next
    expect(childText(time, 'utc')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    expect(childText(time, 'tzo')).toMatch(/^(Z|[+-]\d\d:\d\d)$/);
    const last = elements(await ask('get', `<query xmlns='jabber:iq:last'/>`))[0];
    expect(last?.attrs['seconds']).toMatch(/^\d+$/);
  });
});
