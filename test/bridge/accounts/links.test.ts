/** Links: made only with credentials that were tried, ended without a trace. */
import { makeAccess } from '../../../src/core/access';
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Link } from '../../../src/core/model';
import { makeLinks } from '../../../src/bridge/accounts/links';
import { entry, lane } from '../../support/envelopes';
import { makeMemoryStore } from '../../support/memory-store';
import { silentLog } from '../../support/silence';

const juliet = 'juliet@jabber.test' as BareJid;
const account = 'juliet@far.test' as Account;
const other = 'capulet@far.test' as Account;
const signal = new AbortController().signal;

function scene(
  options: { configured?: Omit<Link, 'origin'>[]; stored?: Link[]; mayRegister?: boolean; deny?: string[] } = {},
) {
  const store = makeMemoryStore();
  const calls: string[] = [];
  const links = makeLinks({
    store: store.links,
    lanes: store.lanes,
    far: {
      open: (link) => void calls.push(`open ${link.account}`),
      close: (user) => Promise.resolve(void calls.push(`close ${user}`)),
      verify: (_account, password) => {
        calls.push('verify');
        return password === 'right' ? Promise.resolve() : Promise.reject(new Fault('not-authorized'));
      },
    },
    access: makeAccess({ allow: ['*'], deny: options.deny ?? [], admins: [] }),
    mayRegister: options.mayRegister ?? true,
    configured: options.configured ?? [],
    sendToUser: (user, text) => void calls.push(`say ${user}: ${text}`),
    log: silentLog,
  });
  links.beforeEnd((user) => Promise.resolve(void calls.push(`withdraw ${user}`)));
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
  expect(calls).toEqual([`withdraw ${juliet}`, `close ${juliet}`]);
  expect(await store.links.load()).toEqual([]);
});

test.each<[string, number, RegExp]>([
  ['nothing', 0, /^$/],
  ['one message', 1, / One message .* not delivered\.$/],
  ['three messages in two lanes', 3, /3 messages that were still waiting were not delivered/],
])('unlink while there waits %s: the user is told once how much that was', async (_name, count, told) => {
  const { links, store, calls } = scene();
  await links.link(juliet, account, 'right', signal);
  const waiting = Array.from({ length: count }, (_, i) => entry(lane(juliet, `peer${i % 2}@far.test`), `m${i}`));
  await store.lanes.append(waiting);
  await links.unlink(juliet);
  await links.unlink(juliet);
  const said = calls.filter((call) => call.startsWith('say')).map((call) => call.slice(`say ${juliet}: `.length));
  expect(said).toHaveLength(count === 0 ? 0 : 1);
  expect(said.join()).toMatch(told);
  expect(await store.lanes.counts()).toMatchObject({ envelopes: 0, lanes: 0 });
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
