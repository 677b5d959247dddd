/** XEP-0077: linking, changing the password, unlinking. */
import { Fault } from '../../../src/core/fault';
import { childOf, childrenOf, childText, elements, type Element } from '../../../src/xmpp/stanza/element';
import { rightPassword } from '../../support/jabber-side';
import { juliet, romeo, begin, ask, conditionOf, registerQuery, side } from '../iq-scene';

describe('registration, XEP-0077', () => {
  const plain = (username: string, password: string): string =>
    registerQuery(`<username>${username}</username><password>${password}</password>`);
  const form = (username: string, password: string, type = 'submit'): string =>
    registerQuery(
      `<x xmlns='jabber:x:data' type='${type}'><field var='username'><value>${username}</value></field>` +
        `<field var='password'><value>${password}</value></field></x>`,
    );

  test('the form has the old fields and the new, in the language asked for', async () => {
    await begin();
    const query = elements(
      await ask('get', registerQuery(''), 'ximss.test', 'juliet@jabber.test/b', `xml:lang='ru'`),
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
    ['plain fields', plain('juliet@else.test', rightPassword), 'result', 'juliet@else.test'],
    ['the form', form('juliet@else.test', rightPassword), 'result', 'juliet@else.test'],
    ['a name at home', plain(' Juliet ', rightPassword), 'result', 'juliet@far.test'],
    ['a wrong password', plain('juliet', 'wrong'), 'not-authorized', undefined],
    ['no password', plain('juliet', ''), 'not-acceptable', undefined],
    ['no account', plain('', rightPassword), 'not-acceptable', undefined],
    ['an impossible account', plain('a b', rightPassword), 'not-acceptable', undefined],
    ['a form given up', form('juliet', rightPassword, 'cancel'), 'result', undefined],
    ['nothing', registerQuery(''), 'not-acceptable', undefined],
    ['removal of nothing', registerQuery('<remove/>'), 'registration-required', undefined],
  ])('%s', async (_what, payload, outcome, account) => {
    await begin();
    expect(conditionOf(await ask('set', payload))).toBe(outcome);
    expect(side.links.get(juliet)).toBe(account);
  });

  test('a linked user sees the account, changes the password without repeating it, and unlinks', async () => {
    await begin();
    side.links.set(juliet, romeo);
    const query = elements(await ask('get', registerQuery('')))[0] as Element; // asserted next
    expect(childOf(query, 'registered')).not.toBeNull();
    expect(childText(query, 'username')).toBe('romeo@far.test');
    expect(conditionOf(await ask('set', registerQuery(`<password>${rightPassword}</password>`)))).toBe('result');
    expect(conditionOf(await ask('set', registerQuery('<remove/>')))).toBe('result');
    expect(side.links.size).toBe(0);
  });

  test('who may not use the gateway may not register', async () => {
    await begin();
    const tybalt = 'tybalt@jabber.test/b';
    expect(conditionOf(await ask('get', registerQuery(''), 'ximss.test', tybalt))).toBe('forbidden');
    expect(conditionOf(await ask('set', plain('a', rightPassword), 'ximss.test', tybalt))).toBe('forbidden');
    expect(side.tried).toEqual([]);
  });

  test('switched off, it can only be left', async () => {
    await begin({ mayRegister: false });
    expect(conditionOf(await ask('get', registerQuery('')))).toBe('not-allowed');
    expect(conditionOf(await ask('set', plain('a', rightPassword)))).toBe('not-allowed');
    side.links.set(juliet, romeo);
    expect(conditionOf(await ask('set', registerQuery('<remove/>')))).toBe('result');
  });

  test('an unreachable far server is a reason to wait', async () => {
    const away = { isAllowed: () => true, accountOf: () => null, unlink: () => Promise.resolve() };
    await begin({ registration: { ...away, link: () => Promise.reject(new Fault('unavailable')) } });
    const answer = await ask('set', plain('a', 'b'));
    expect(conditionOf(answer)).toBe('remote-server-timeout');
    expect(childOf(answer, 'error')?.attrs['type']).toBe('wait');
  });
});
