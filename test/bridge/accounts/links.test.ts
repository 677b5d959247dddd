/** Links: made only with credentials that were tried, ended without a trace. */
import { makeAccess } from '../../../src/core/access';
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Link } from '../../../src/core/model';
import { makeGuard } from '../../../src/bridge/accounts/guard';
import { makeLinks } from '../../../src/bridge/accounts/links';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { countingMeter, silentLog } from '../../support/silence';

const juliet = 'juliet@jabber.test' as BareJid;
const account = 'juliet@far.test' as Account;
const other = 'capulet@far.test' as Account;
const signal = new AbortController().signal;

interface Options {
  readonly configured?: Omit<Link, 'origin'>[];
  readonly stored?: Link[];
  readonly mayRegister?: boolean;
  readonly deny?: string[];
  readonly linksPerDomain?: number;
}

function scene(options: Options = {}) {
  const store = makeMemoryStore();
  const calls: string[] = [];
  const links = makeLinks({
    store: store.links,
    far: {
      open: (link) => void calls.push(`open ${link.account}`),
      close: (user) => Promise.resolve(void calls.push(`close ${user}`)),
      verify: (_account, password) => {
        calls.push('verify');
        return password === 'right' ? Promise.resolve() : Promise.reject(new Fault('not-authorized'));
      },
    },
    access: makeAccess({ allow: ['*'], deny: options.deny ?? [], admins: [] }),
    mayRegister: () => options.mayRegister ?? true,
    configured: options.configured ?? [],
    guard: makeGuard({
      attempts: store.attempts,
      limits: () => ({ triesPerHour: 10, linksPerDomain: options.linksPerDomain ?? 1_000 }),
      isOwnDomain: (domain) => domain === 'own.test',
      log: silentLog,
      meter: countingMeter(),
    }),
    log: silentLog,
  });
  links.beforeEnd((user) => Promise.resolve(void calls.push(`withdraw ${user}`)));
  links.afterEnd((user) => Promise.resolve(void calls.push(`return ${user}`)));
  const start = async () => {
    for (const link of options.stored ?? []) await store.links.save(link);
    await links.start();
  };
  return { links, store, calls, start };
}

test('a right password is saved and opens a session', async () => {
  const { links, store, calls } = scene();
  await links.link(juliet, account, 'right', signal);
  expect(calls).toEqual(['verify', `open ${account}`]);
  expect(links.accountOf(juliet)).toBe(account);
  expect(await store.links.load()).toHaveLength(1);
});

test('a wrong password leaves nothing', async () => {
  const { links, store, calls } = scene();
  await expect(links.link(juliet, account, 'wrong', signal)).rejects.toMatchObject({ code: 'not-authorized' });
  expect(calls).toEqual(['verify']);
  expect(links.isLinked(juliet)).toBe(false);
  expect(await store.links.load()).toEqual([]);
});

test('a wrong new password leaves the old link as it was', async () => {
  const { links, store } = scene();
  await links.link(juliet, account, 'right', signal);
  await expect(links.link(juliet, account, 'wrong', signal)).rejects.toMatchObject({ code: 'not-authorized' });
  expect((await store.links.load())[0]?.password).toBe('right');
});

test('another account ends the old link first', async () => {
  const { links, calls } = scene();
  await links.link(juliet, account, 'right', signal);
  await links.link(juliet, other, 'right', signal);
  expect(calls).toEqual([
    'verify',
    `open ${account}`,
    'verify',
    `withdraw ${juliet}`,
    `return ${juliet}`,
    `close ${juliet}`,
    `open ${other}`,
  ]);
});

test.each<[string, Parameters<typeof scene>[0], string]>([
  ['a denied user', { deny: ['jabber.test'] }, 'forbidden'],
  ['registration switched off', { mayRegister: false }, 'not-allowed'],
])('%s cannot link', async (_name, options, code) => {
  const { links, calls } = scene(options);
  await expect(links.link(juliet, account, 'right', signal)).rejects.toMatchObject({ code });
  expect(calls).toEqual([]);
});

test('two changes of one link at once: the second is told to wait', async () => {
  const { links } = scene();
  const first = links.link(juliet, account, 'right', signal);
  await expect(links.link(juliet, other, 'right', signal)).rejects.toMatchObject({ code: 'rate-limited' });
  await first;
  expect(links.accountOf(juliet)).toBe(account);
});

test('unlink tells the contacts, forgets and closes; again it does nothing', async () => {
  const { links, store, calls } = scene();
  await links.link(juliet, account, 'right', signal);
  calls.length = 0;
  await links.unlink(juliet);
  await links.unlink(juliet);
  expect(calls).toEqual([`withdraw ${juliet}`, `return ${juliet}`, `close ${juliet}`]);
  expect(await store.links.load()).toEqual([]);
});

const nurse = 'nurse@jabber.test' as BareJid;
const tybalt = 'tybalt@jabber.test' as BareJid;

test('a second user who proves the password of a linked account is refused, and learns no name', async () => {
  const { links } = scene();
  await links.link(juliet, account, 'right', signal);
  await expect(links.link(nurse, account, 'wrong', signal)).rejects.toMatchObject({ code: 'not-authorized' });
  const refused = links.link(nurse, account, 'right', signal);
  await expect(refused).rejects.toMatchObject({ code: 'not-allowed', reason: 'accountTaken' });
  await expect(refused).rejects.not.toThrow(/juliet/);
  expect([links.accountOf(juliet), links.accountOf(nurse)]).toEqual([account, null]);
});

test('of two users who link one account at once, one has it', async () => {
  const { links } = scene();
  const both = await Promise.allSettled([juliet, nurse].map((user) => links.link(user, account, 'right', signal)));
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('a foreign domain has so many links of its own, the domain of the server itself is not counted', async () => {
  const { links } = scene({ linksPerDomain: 1 });
  await links.link(juliet, account, 'right', signal);
  const refused = links.link(nurse, other, 'right', signal);
  await expect(refused).rejects.toMatchObject({ code: 'not-allowed', reason: 'domainFull' });
  for (const name of ['a', 'b']) {
    await links.link(`${name}@own.test` as BareJid, `${name}@far.test` as Account, 'right', signal);
  }
  await links.link(juliet, account, 'right', signal); // a new password is no new link
  expect([...links.users()]).toHaveLength(3);
});

test('the link of a denied user is kept without a session', async () => {
  const stored: Link[] = [
    { user: juliet, account, password: 'right', origin: 'registered' },
    { user: tybalt, account: other, password: 'right', origin: 'registered' },
  ];
  const denied = scene({ stored, deny: [tybalt] });
  await denied.start();
  expect(denied.calls).toEqual([`open ${account}`]);
  expect(denied.links.isLinked(tybalt)).toBe(true);
  const allowed = scene({ stored });
  await allowed.start();
  expect(allowed.calls).toEqual([`open ${account}`, `open ${other}`]);
});

test('configured links are made at start, opened, and belong to the operator', async () => {
  const { links, start, calls } = scene({ configured: [{ user: juliet, account, password: 'right' }] });
  await start();
  expect(calls).toEqual([`open ${account}`]);
  await expect(links.link(juliet, other, 'right', signal)).rejects.toMatchObject({ code: 'not-allowed' });
  await expect(links.unlink(juliet)).rejects.toMatchObject({ code: 'not-allowed' });
});

test('a link that the configuration made ends when it is no longer there; a registered one stays', async () => {
  const { links, start, store } = scene({
    stored: [
      { user: juliet, account, password: 'right', origin: 'configured' },
      { user: 'nurse@jabber.test' as BareJid, account: other, password: 'right', origin: 'registered' },
    ],
  });
  await start();
  expect(links.isLinked(juliet)).toBe(false);
  expect([...links.users()]).toEqual(['nurse@jabber.test']);
  expect(await store.links.load()).toHaveLength(1);
});
