/** What is asked of us has one answer; what we ask is matched with its own. */
import { ru } from '../../src/core/i18n/ru';
import type { Profile } from '../../src/core/model';
import type { Registration } from '../../src/bridge/ports';
import { childOf } from '../../src/xmpp/stanza/element';
import { begin, ask, conditionOf, infoQuery, registerQuery, side, connection } from './iq-scene';

describe('every request has one answer', () => {
  test.each<[string, string, string, string, string]>([
    ['a ping of the component', 'get', `<ping xmlns='urn:xmpp:ping'/>`, 'ximss.test', 'result'],
    ['a ping of a ghost', 'get', `<ping xmlns='urn:xmpp:ping'/>`, 'romeo@ximss.test/x', 'result'],
    ['a ping that is set', 'set', `<ping xmlns='urn:xmpp:ping'/>`, 'ximss.test', 'service-unavailable'],
    ['something unknown', 'get', `<query xmlns='urn:none'/>`, 'ximss.test', 'service-unavailable'],
    ['something without a namespace', 'set', '<query/>', 'ximss.test', 'service-unavailable'],
    ['what only the component does, of a ghost', 'get', registerQuery(''), 'romeo@ximss.test', 'service-unavailable'],
    ['nothing', 'get', '', 'ximss.test', 'bad-request'],
    ['two things at once', 'get', '<a/><b/>', 'ximss.test', 'bad-request'],
    ['a type nobody knows', 'ask', '<a/>', 'ximss.test', 'bad-request'],
    ['a ghost that cannot be', 'get', infoQuery, 'a\\20@ximss.test', 'jid-malformed'],
    ['an unknown node', 'get', infoQuery.replace('/>', ` node='x'/>`), 'ximss.test', 'item-not-found'],
    ['items', 'get', `<query xmlns='http://jabber.org/protocol/disco#items'/>`, 'ximss.test', 'result'],
  ])('%s', async (_what, type, payload, to, expected) => {
    await begin();
    expect(conditionOf(await ask(type, payload, to))).toBe(expected);
    await ask('get', `<ping xmlns='urn:xmpp:ping'/>`);
    expect(connection.received().match(/<iq [^>]*id="q\d+"/g)).toHaveLength(2);
  });

  test('an answer that is too large becomes an error', async () => {
    const about = '&'.repeat(1_000);
    const profile = { fullName: about, nick: about, email: about, phone: null, organisation: about, title: about };
    const profileOf = (): Promise<Profile> => Promise.resolve({ ...profile, url: null, about, photo: null });
    await begin({ profileOf, stanzaBytes: 20_000 });
    expect(conditionOf(await ask('get', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test'))).toBe('not-acceptable');
  });

  test('an error speaks the language of the request, and says which', async () => {
    await begin();
    const answer = await ask('get', '', 'ximss.test', 'olga@jabber.test/b', `xml:lang='ru'`);
    expect(answer.toString()).toContain(`xml:lang="ru">${ru.faults['bad-request']}<`);
  });

  test('one user cannot take the places of all: what is over the share is told to wait, others are answered', async () => {
    await begin({ profileOf: () => new Promise<Profile>(() => undefined) });
    const card = `<vCard xmlns='vcard-temp'/>`;
    for (let i = 0; i < 60; i += 1) {
      connection.send(`<iq type='get' id='v${i}' from='mallory@jabber.test/b' to='romeo@ximss.test'>${card}</iq>`);
    }
    expect(conditionOf(await ask('get', `<ping xmlns='urn:xmpp:ping'/>`))).toBe('result');
    expect(connection.received().match(/<iq type="error" id="v\d+"/g)).toHaveLength(10);
    expect(connection.received().match(/<resource-constraint/g)).toHaveLength(10);
  });

  test('over the rate a request is told to wait, and the next user is served', async () => {
    await begin({ requestsPerMinute: () => 1 });
    const ping = `<ping xmlns='urn:xmpp:ping'/>`;
    expect(conditionOf(await ask('get', ping))).toBe('result');
    const refusal = await ask('get', ping);
    expect(conditionOf(refusal)).toBe('resource-constraint');
    expect(childOf(refusal, 'error')?.attrs['type']).toBe('wait');
    expect(conditionOf(await ask('get', ping, 'ximss.test', 'olga@jabber.test/b'))).toBe('result');
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
    const broken: Registration = {
      isAllowed: () => true,
      accountOf: () => {
        throw new Error('SECRET');
      },
      link: () => Promise.reject(new Error('SECRET')),
      unlink: () => Promise.resolve(),
    };
    await begin({ registration: broken });
    expect(conditionOf(await ask('get', registerQuery('')))).toBe('internal-server-error');
    const filled = '<username>a</username><password>b</password>';
    expect(conditionOf(await ask('set', registerQuery(filled)))).toBe('internal-server-error');
    expect(connection.received()).not.toContain('SECRET');
  });
});
