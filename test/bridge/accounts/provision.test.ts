/** Accounts made for users who have none. */
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Link } from '../../../src/core/model';
import { accountFor, makeProvision } from '../../../src/bridge/accounts/provision';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const nurse = 'nurse@jabber.test' as BareJid;
const plan = { domain: 'jabber.far.test', template: '{local}.{domain}' };

function office(answers: (Fault | null)[] = []) {
  const stored = new Map<BareJid, Link>();
  const made: Account[] = [];
  const adopted: Link[] = [];
  const ends: (string | null)[] = [];
  const provision = makeProvision({
    plan,
    store: {
      save: (link) => Promise.resolve(void stored.set(link.user, link)),
      remove: (user) => Promise.resolve(void stored.delete(user)),
    },
    signup: (account) => {
      const answer = answers.shift() ?? null;
      if (answer) return Promise.reject(answer);
      made.push(account);
      return Promise.resolve();
    },
    adopt: (link) => void adopted.push(link),
    timeoutMs: 1_000,
    log: silentLog,
  });
  const ask = (): void => provision.afterwards(nurse, (fault) => void ends.push(fault?.code ?? null));
  return { provision, stored, made, adopted, ends, ask };
}

test.each<[string, BareJid, string, string | null]>([
  ['by local part and domain', nurse, '{local}.{domain}', 'nurse.jabber.test@jabber.far.test'],
  ['by local part', nurse, '{local}', 'nurse@jabber.far.test'],
  ['a domain has no account', 'jabber.test' as BareJid, '{local}', null],
])('the name of an account: %s', (_name, user, template, expected) => {
  expect(accountFor(user, { ...plan, template })).toBe(expected);
});

test('one account for many events at once, and they go on in order', async () => {
  const { ask, ends, made, adopted, stored } = office();
  ask();
  ask();
  ask();
  await until(() => ends.length === 3, { what: 'all three' });
  expect(ends).toEqual([null, null, null]);
  expect(made).toEqual(['nurse.jabber.test@jabber.far.test']);
  expect(adopted).toHaveLength(1);
  expect(stored.get(nurse)).toMatchObject({ origin: 'provisioned', password: adopted[0]?.password });
});

test('refused: no link is left, and everybody who waited is told', async () => {
  const { ask, ends, adopted, stored } = office([new Fault('refused')]);
  ask();
  ask();
  await until(() => ends.length === 2, { what: 'both' });
  expect(ends).toEqual(['not-linked', 'not-linked']);
  expect(adopted).toEqual([]);
  expect(stored.size).toBe(0);
});

test('an answer that was lost keeps the link: a refused login makes the account after all', async () => {
  const { ask, ends, adopted, provision, made } = office([new Fault('timeout')]);
  ask();
  await until(() => ends.length === 1, { what: 'the end' });
  expect(ends).toEqual([null]);
  const [link] = adopted;
  if (!link) throw new Error('no link');
  expect(await provision.repair(link)).toBe(true);
  expect(made).toHaveLength(1);
});

test('repair says no when the account belongs to somebody else', async () => {
  const { ask, ends, adopted, provision } = office([null, new Fault('refused')]);
  ask();
  await until(() => ends.length === 1, { what: 'the end' });
  const [link] = adopted;
  if (!link) throw new Error('no link');
  expect(await provision.repair(link)).toBe(false);
});

test('more than may wait is refused at once', () => {
  const { ask, ends } = office();
  for (let i = 0; i < 51; i += 1) ask();
  expect(ends).toEqual(['rate-limited']);
});
