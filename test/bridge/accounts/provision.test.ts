/** Accounts made for users who have none. */
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Link } from '../../../src/core/model';
import { accountFor, makeProvision } from '../../../src/bridge/accounts/provision';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const nurse = 'nurse@jabber.test' as BareJid;
const plan = { domain: 'jabber.far.test', template: '{local}.{domain}' };

function scene(answers: (Fault | null)[] = [], user = nurse) {
  const clock = manualClock();
  const kept = new Map<BareJid, Link>();
  const names: string[] = [];
  let calls = 0;
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
    made: {
      load: () => Promise.resolve([...kept.values()]),
      save: (link) => Promise.resolve(void kept.set(link.user, link)),
      remove: (one) => Promise.resolve(void kept.delete(one)),
    },
    signup: (account, _password, realName) => {
      calls += 1;
      names.push(realName);
      const answer = answers.shift() ?? null;
      if (answer) return Promise.reject(answer);
      made.push(account);
      return Promise.resolve();
    },
    links: { adopt: (link) => void adopted.push(link), holderOf: () => null },
    clock,
    timeoutMs: 1_000,
    log: silentLog,
  });
  const ask = (who = user): void =>
    provision.afterwards(who, (fault) => void ends.push(fault?.reason ?? fault?.code ?? null));
  const asked = async (who = user): Promise<string | null> => {
    const before = ends.length;
    ask(who);
    await until(() => ends.length > before, { what: 'the answer' });
    return ends.at(-1) ?? null;
  };
  return { provision, stored, kept, made, adopted, ends, ask, asked, clock, names, calls: () => calls };
}

test.each<[string, BareJid, string, string | null]>([
  ['by local part and domain', nurse, '{local}.{domain}', 'nurse.jabber.test@jabber.far.test'],
  ['by local part', nurse, '{local}', 'nurse@jabber.far.test'],
  ['a domain has no account', 'jabber.test' as BareJid, '{local}', null],
])('the name of an account: %s', (_name, user, template, expected) => {
  expect(accountFor(user, { ...plan, template })).toBe(expected);
});

test('one account for many events at once, and they go on in order', async () => {
  const { ask, ends, made, adopted, stored } = scene();
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
  const { ask, ends, adopted, stored } = scene([new Fault('refused')]);
  ask();
  ask();
  await until(() => ends.length === 2, { what: 'both' });
  expect(ends).toEqual(['accountNameTaken', 'accountNameTaken']);
  expect(adopted).toEqual([]);
  expect(stored.size).toBe(0);
});

test('an answer that was lost keeps the link: a refused login makes the account after all', async () => {
  const { ask, ends, adopted, provision, made } = scene([new Fault('timeout')]);
  ask();
  await until(() => ends.length === 1, { what: 'the end' });
  expect(ends).toEqual([null]);
  const [link] = adopted;
  if (!link) throw new Error('no link');
  expect(await provision.repair(link)).toBe(true);
  expect(made).toHaveLength(1);
});

test('repair says no when the account belongs to somebody else', async () => {
  const { ask, ends, adopted, provision } = scene([null, new Fault('refused')]);
  ask();
  await until(() => ends.length === 1, { what: 'the end' });
  const [link] = adopted;
  if (!link) throw new Error('no link');
  expect(await provision.repair(link)).toBe(false);
});

test('more than may wait is refused at once', () => {
  const { ask, ends } = scene();
  for (let i = 0; i < 51; i += 1) ask();
  expect(ends).toEqual(['rate-limited']);
});

test('a user who unlinks and comes back has the same account and password, without another signup', async () => {
  const { asked, adopted, made, stored, kept, names } = scene();
  expect(await asked()).toBeNull();
  stored.clear(); // unlinked
  expect(await asked()).toBeNull();
  expect(made).toHaveLength(1);
  expect(adopted[1]).toEqual(adopted[0]);
  expect(stored.get(nurse)).toEqual(kept.get(nurse));
  expect(names).toEqual(['nurse']);
});

test('also after a restart in between', async () => {
  const first = scene();
  await first.asked();
  const next = scene();
  for (const link of first.kept.values()) next.kept.set(link.user, link);
  await next.provision.start();
  expect(await next.asked()).toBeNull();
  expect(next.calls()).toBe(0);
  expect(next.adopted).toEqual(first.adopted);
});

test('two users whose names meet in one account: the second is told so, and does not get into it', async () => {
  const { asked, made, adopted } = scene();
  const [one, other] = ['a.b@c.d', 'a@b.c.d'] as BareJid[];
  expect(await asked(one)).toBeNull();
  expect(await asked(other)).toBe('accountNameTaken');
  expect(made).toEqual(['a.b.c.d@jabber.far.test']);
  expect(adopted.map(({ user }) => user)).toEqual([one]);
});

test('a refusal stands for ten minutes: further messages make no further signup', async () => {
  const { asked, calls, clock } = scene([new Fault('refused'), new Fault('refused')]);
  for (let i = 0; i < 3; i += 1) expect(await asked()).toBe('accountNameTaken');
  expect(calls()).toBe(1);
  clock.advance(600_000);
  await asked();
  expect(calls()).toBe(2);
});
