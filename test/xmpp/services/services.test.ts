/** What the component answers, and what it asks: iq services, registration, privileges, against a scripted server. */
import { createHash } from 'node:crypto';
import { parseAccount, parseJid, type Account, type BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Enrolment } from '../../../src/bridge/ports';
import type { Profile } from '../../../src/core/model';
import type { ProfileOf } from '../../../src/xmpp/services/profile';
import type { SearchFor } from '../../../src/xmpp/services/search';
import type { Element } from '../../../src/xmpp/stanza/element';
import { attr, childOf, childrenOf, childText, elements } from '../../../src/xmpp/stanza/element';
import { makeJabberSide, RIGHT_PASSWORD, type JabberSide } from '../../support/jabber-side';
import { until } from '../../support/wait';
import { bounce, startScripted, welcome, type ScriptedConnection, type ScriptedServer } from '../scripted-server';
import { stanzaOf } from '../stanzas';

const juliet = parseJid('juliet@jabber.test')?.bare as BareJid; // a good JID
const romeo = parseAccount('romeo@far.test') as Account; // a good account
const never = new AbortController().signal;

let server: ScriptedServer;
let side: JabberSide;
let connection: ScriptedConnection;

async function begin(options: Parameters<typeof makeJabberSide>[0] | object = {}): Promise<void> {
  server = await startScripted(async (one) => {
    await welcome(one);
    await bounce(one);
  });
  side = makeJabberSide({ service: server.service, timing: { iqMs: 200, closeMs: 100 }, ...options });
  await side.jabber.start();
  connection = await server.connection(0);
}
afterEach(async () => {
  await side.jabber.stop();
  await server.close();
});

let count = 0;
/** Sends an iq and reads its one answer. */
async function ask(
  type: string,
  payload: string,
  to = 'ximss.test',
  from = 'juliet@jabber.test/b',
  more = '',
): Promise<Element> {
  const id = `q${(count += 1)}`;
  connection.send(`<iq type='${type}' id='${id}' from='${from}' to='${to}' ${more}>${payload}</iq>`);
  const pattern = new RegExp(`<iq [^>]*?id="${id}"[^>]*?(?:/>|>.*?</iq>)`, 's');
  const text = await until(() => pattern.exec(connection.received())?.[0], {
    what: () => `an answer in ${connection.received()}`,
  });
  const answer = stanzaOf(text);
  expect(answer.attrs).toMatchObject({ from: to, to: from });
  return answer;
}

const conditionOf = (answer: Element): string | undefined => {
  const error = childOf(answer, 'error');
  return error ? elements(error)[0]?.name : (attr(answer, 'type') ?? undefined);
};
const INFO = `<query xmlns='http://jabber.org/protocol/disco#info'/>`;
const REGISTER = (inside: string): string => `<query xmlns='jabber:iq:register'>${inside}</query>`;

describe('every request has one answer', () => {
  test.each<[string, string, string, string, string]>([
    ['a ping of the component', 'get', `<ping xmlns='urn:xmpp:ping'/>`, 'ximss.test', 'result'],
    ['a ping of a ghost', 'get', `<ping xmlns='urn:xmpp:ping'/>`, 'romeo@ximss.test/x', 'result'],
    ['a ping that is set', 'set', `<ping xmlns='urn:xmpp:ping'/>`, 'ximss.test', 'service-unavailable'],
    ['something unknown', 'get', `<query xmlns='urn:none'/>`, 'ximss.test', 'service-unavailable'],
    ['something without a namespace', 'set', '<query/>', 'ximss.test', 'service-unavailable'],
    ['what only the component does, of a ghost', 'get', REGISTER(''), 'romeo@ximss.test', 'service-unavailable'],
    ['nothing', 'get', '', 'ximss.test', 'bad-request'],
    ['two things at once', 'get', '<a/><b/>', 'ximss.test', 'bad-request'],
    ['a type nobody knows', 'ask', '<a/>', 'ximss.test', 'bad-request'],
    ['a ghost that cannot be', 'get', INFO, 'a\\20@ximss.test', 'jid-malformed'],
    ['an unknown node', 'get', INFO.replace('/>', ` node='x'/>`), 'ximss.test', 'item-not-found'],
    ['items', 'get', `<query xmlns='http://jabber.org/protocol/disco#items'/>`, 'ximss.test', 'result'],
  ])('%s', async (_what, type, payload, to, expected) => {
    await begin();
    expect(conditionOf(await ask(type, payload, to))).toBe(expected);
    await ask('get', `<ping xmlns='urn:xmpp:ping'/>`);
    expect(connection.received().match(/<iq [^>]*id="q\d+"/g)).toHaveLength(2);
  });

  test('results and errors are not answered, and counted', async () => {
    await begin();
    for (const type of ['result', 'error']) {
      connection.send(`<iq type='${type}' id='r1' from='juliet@jabber.test' to='ximss.test'/>`);
    }
    await ask('get', `<ping xmlns='urn:xmpp:ping'/>`);
    expect(connection.received()).not.toContain('"r1"');
    expect(side.counts.get('responses_unasked_total')).toBe(2);
  });

  test('a handler that breaks is answered internal-server-error, and the text stays inside', async () => {
    const broken: Enrolment = {
      isAllowed: () => true,
      accountOf: () => {
        throw new Error('SECRET');
      },
      link: () => Promise.reject(new Error('SECRET')),
      unlink: () => Promise.resolve(),
    };
    await begin({ enrolment: broken });
    expect(conditionOf(await ask('get', REGISTER('')))).toBe('internal-server-error');
    const filled = '<username>a</username><password>b</password>';
    expect(conditionOf(await ask('set', REGISTER(filled)))).toBe('internal-server-error');
    expect(connection.received()).not.toContain('SECRET');
  });
});

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
    const query = childOf(await ask('get', INFO, to), 'query', 'http://jabber.org/protocol/disco#info') as Element; // asserted below
    const found = childrenOf(query, 'identity').map((one) => `${one.attrs['category']}/${one.attrs['type']}`);
    const named = childrenOf(query, 'feature').map((one) => one.attrs['var'] ?? '');
    expect(found).toEqual([identity]);
    expect(named).toEqual(expect.arrayContaining(features));
    for (const feature of missing) expect(named).not.toContain(feature);
    expect(new Set(named).size).toBe(named.length);
  });

  test('the hash in presence is that of the answer, as XEP-0115 computes it, and its node is answered', async () => {
    await begin();
    side.jabber.sendNow(juliet, romeo, { kind: 'presence', show: 'online', status: null, avatarHash: null });
    await connection.expect('<c ');
    const presence = stanzaOf(/<presence .*?<\/presence>/.exec(connection.received())?.[0] ?? '');
    const caps = childOf(presence, 'c', 'http://jabber.org/protocol/caps');
    const node = `${caps?.attrs['node']}#${caps?.attrs['ver']}`;
    const answer = await ask('get', INFO.replace('/>', ` node='${node}'/>`), 'romeo@ximss.test');
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

describe('the address prompt, XEP-0100', () => {
  const prompt = (text: string): string => `<query xmlns='jabber:iq:gateway'><prompt>${text}</prompt></query>`;
  const get = `<query xmlns='jabber:iq:gateway'/>`;

  test.each<[string, string, string]>([
    ['an address elsewhere', 'romeo@example.net', 'romeo\\40example.net@ximss.test'],
    ['an address at home', ' Romeo@far.test ', 'romeo@ximss.test'],
    ['a name', 'romeo', 'romeo@ximss.test'],
  ])('%s', async (_what, typed, ghost) => {
    await begin();
    const query = elements(await ask('set', prompt(typed)))[0] as Element; // asserted next
    expect(childText(query, 'jid')).toBe(ghost);
  });

  test('what is no address is said to be none', async () => {
    await begin();
    for (const typed of ['', ' ', 'a b@c', '@', 'a@@b'])
      expect(conditionOf(await ask('set', prompt(typed)))).toBe('jid-malformed');
  });

  test('in two languages', async () => {
    await begin();
    const english = elements(await ask('get', get))[0] as Element; // asserted next
    const russian = elements(await ask('get', get, 'ximss.test', 'j@jabber.test/b', `xml:lang='ru'`))[0] as Element; // as above
    expect(childText(english, 'desc')).toMatch(/^Enter/);
    expect(childText(russian, 'desc')).toMatch(/^Введите/);
  });
});

describe('registration, XEP-0077', () => {
  const plain = (username: string, password: string): string =>
    REGISTER(`<username>${username}</username><password>${password}</password>`);
  const form = (username: string, password: string, type = 'submit'): string =>
    REGISTER(
      `<x xmlns='jabber:x:data' type='${type}'><field var='username'><value>${username}</value></field>` +
        `<field var='password'><value>${password}</value></field></x>`,
    );

  test('the form has the old fields and the new, in the language asked for', async () => {
    await begin();
    const query = elements(
      await ask('get', REGISTER(''), 'ximss.test', 'juliet@jabber.test/b', `xml:lang='ru'`),
    )[0] as Element; // asserted next
    expect(childOf(query, 'registered')).toBeNull();
    expect(childText(query, 'username')).toBe('');
    expect(childText(query, 'password')).toBe('');
    const data = childOf(query, 'x', 'jabber:x:data') as Element; // asserted next
    const fields = childrenOf(data, 'field').map((field) => `${field.attrs['var']} ${field.attrs['type']}`);
    expect(fields).toEqual(['FORM_TYPE hidden', 'username text-single', 'password text-private']);
    expect(childText(data, 'title')).toBe('Привязка учётной записи');
  });

  test.each<[string, string, string, string | undefined]>([
    ['plain fields', plain('juliet@else.test', RIGHT_PASSWORD), 'result', 'juliet@else.test'],
    ['the form', form('juliet@else.test', RIGHT_PASSWORD), 'result', 'juliet@else.test'],
    ['a name at home', plain(' Juliet ', RIGHT_PASSWORD), 'result', 'juliet@far.test'],
    ['a wrong password', plain('juliet', 'wrong'), 'not-authorized', undefined],
    ['no password', plain('juliet', ''), 'not-acceptable', undefined],
    ['no account', plain('', RIGHT_PASSWORD), 'not-acceptable', undefined],
    ['an impossible account', plain('a b', RIGHT_PASSWORD), 'not-acceptable', undefined],
    ['a form given up', form('juliet', RIGHT_PASSWORD, 'cancel'), 'result', undefined],
    ['nothing', REGISTER(''), 'not-acceptable', undefined],
    ['removal of nothing', REGISTER('<remove/>'), 'registration-required', undefined],
  ])('%s', async (_what, payload, outcome, account) => {
    await begin();
    expect(conditionOf(await ask('set', payload))).toBe(outcome);
    expect(side.links.get(juliet)).toBe(account);
  });

  test('a linked user sees the account, changes the password without repeating it, and unlinks', async () => {
    await begin();
    side.links.set(juliet, romeo);
    const query = elements(await ask('get', REGISTER('')))[0] as Element; // asserted next
    expect(childOf(query, 'registered')).not.toBeNull();
    expect(childText(query, 'username')).toBe('romeo@far.test');
    expect(conditionOf(await ask('set', REGISTER(`<password>${RIGHT_PASSWORD}</password>`)))).toBe('result');
    expect(conditionOf(await ask('set', REGISTER('<remove/>')))).toBe('result');
    expect(side.links.size).toBe(0);
  });

  test('who may not use the gateway may not register', async () => {
    await begin();
    const tybalt = 'tybalt@jabber.test/b';
    expect(conditionOf(await ask('get', REGISTER(''), 'ximss.test', tybalt))).toBe('forbidden');
    expect(conditionOf(await ask('set', plain('a', RIGHT_PASSWORD), 'ximss.test', tybalt))).toBe('forbidden');
    expect(side.tried).toEqual([]);
  });

  test('switched off, it can only be left', async () => {
    await begin({ registration: false });
    expect(conditionOf(await ask('get', REGISTER('')))).toBe('not-allowed');
    expect(conditionOf(await ask('set', plain('a', RIGHT_PASSWORD)))).toBe('not-allowed');
    side.links.set(juliet, romeo);
    expect(conditionOf(await ask('set', REGISTER('<remove/>')))).toBe('result');
  });

  test('an unreachable far server is a reason to wait', async () => {
    const away = { isAllowed: () => true, accountOf: () => null, unlink: () => Promise.resolve() };
    await begin({ enrolment: { ...away, link: () => Promise.reject(new Fault('unavailable')) } });
    const answer = await ask('set', plain('a', 'b'));
    expect(conditionOf(answer)).toBe('remote-server-timeout');
    expect(childOf(answer, 'error')?.attrs['type']).toBe('wait');
  });
});

describe('people: cards, avatars, directory', () => {
  const pixel = Buffer.from('not really a picture');
  const hash = createHash('sha1').update(pixel).digest('hex');
  const profile: Profile = {
    fullName: 'Romeo <M>',
    nick: 'R',
    email: 'romeo@far.test',
    phone: '+1 (2) 3',
    organisation: 'Montague',
    title: null,
    url: 'https://r.test',
    about: null,
    photo: { type: 'image/png', base64: pixel.toString('base64') },
  };
  const profileOf: ProfileOf = (_user, peer) => Promise.resolve(peer === romeo ? profile : null);
  const items = (node: string): string =>
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`;

  test.each<[string, string, string, string]>([
    ['the old card', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test', '<FN>Romeo &lt;M&gt;</FN>'],
    [
      'the photo in the old card',
      `<vCard xmlns='vcard-temp'/>`,
      'romeo@ximss.test',
      `<PHOTO><TYPE>image/png</TYPE><BINVAL>${pixel.toString('base64')}</BINVAL></PHOTO>`,
    ],
    [
      'the new card',
      `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>`,
      'romeo@ximss.test',
      '<tel><uri>tel:+123</uri></tel>',
    ],
    ['the new card as an item', items('urn:xmpp:vcard4'), 'romeo@ximss.test', '<fn><text>Romeo &lt;M&gt;</text></fn>'],
    [
      'about the avatar',
      items('urn:xmpp:avatar:metadata'),
      'romeo@ximss.test',
      `<info id="${hash}" type="image/png" bytes="20"/>`,
    ],
    [
      'the avatar',
      items('urn:xmpp:avatar:data'),
      'romeo@ximss.test',
      `<item id="${hash}"><data xmlns="urn:xmpp:avatar:data">${pixel.toString('base64')}</data></item>`,
    ],
    ['another item', items('urn:none'), 'romeo@ximss.test', '<item-not-found'],
    ['nobody', `<vCard xmlns='vcard-temp'/>`, 'nobody@ximss.test', '<item-not-found'],
    ['the gateway', `<vCard xmlns='vcard-temp'/>`, 'ximss.test', '<FN>XIMSS gateway</FN>'],
  ])('%s', async (_what, payload, to, expected) => {
    await begin({ profileOf });
    expect((await ask('get', payload, to)).toString()).toContain(expected);
  });

  test('setting is refused, and a photo that no stanza holds is left out', async () => {
    await begin({
      profileOf: () => Promise.resolve({ ...profile, photo: { type: 'x', base64: 'A'.repeat(300_000) } }),
    });
    expect(conditionOf(await ask('set', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test'))).toBe('not-allowed');
    const card = await ask('get', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test');
    expect(card.toString()).toContain('<NICKNAME>R</NICKNAME>');
    expect(card.toString()).not.toContain('PHOTO');
  });

  const SEARCH = (inside: string): string => `<query xmlns='jabber:iq:search'>${inside}</query>`;
  const searchFor: SearchFor = (_user, text) =>
    Promise.resolve(text === 'rom' ? [{ account: romeo, name: 'Romeo', email: null }] : []);

  test('the directory: form, plain answer, form answer, nothing, not linked', async () => {
    await begin({ searchFor });
    expect(conditionOf(await ask('get', SEARCH('')))).toBe('registration-required');
    expect(conditionOf(await ask('set', SEARCH('<nick>rom</nick>')))).toBe('registration-required');
    side.links.set(juliet, romeo);
    expect((await ask('get', SEARCH(''))).toString()).toContain('<nick/>');
    const plain = await ask('set', SEARCH('<nick> rom </nick>'));
    expect(plain.toString()).toContain('<item jid="romeo@ximss.test"><nick>Romeo</nick><email');
    const form = await ask(
      'set',
      SEARCH(`<x xmlns='jabber:x:data' type='submit'><field var='nick'><value>rom</value></field></x>`),
    );
    expect(form.toString()).toContain('<field var="jid"><value>romeo@ximss.test</value></field>');
    expect(form.toString()).toContain('<field var="FORM_TYPE" type="hidden"><value>jabber:iq:search</value></field>');
    expect((await ask('set', SEARCH('<nick>x</nick>'))).toString()).not.toContain('<item');
    expect(conditionOf(await ask('set', SEARCH('<nick> </nick>')))).toBe('not-acceptable');
  });

  test('what is not given is not offered', async () => {
    await begin();
    expect(conditionOf(await ask('get', SEARCH('')))).toBe('service-unavailable');
    expect(conditionOf(await ask('get', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test'))).toBe(
      'service-unavailable',
    );
    expect((await ask('get', INFO, 'romeo@ximss.test')).toString()).not.toContain('vcard');
  });
});

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
