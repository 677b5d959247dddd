/** Contacts of links that end or rest: an entry of the configuration removed or changed, a user who may not use the bridge. */
import { gatewayPeer } from '../../../src/core/model';
import { account, jid, makeScene, type Scene } from '../../support/middle-scene';

const romeo = account('romeo');
const juliet = account('juliet');

/** juliet, linked by the configuration to `name`, sees romeo. */
async function configured(rights: 'none' | 'both') {
  const entry = { name: 'juliet' as string | null };
  const lists = { allow: ['*'], deny: [] as string[], admins: [] };
  const s = await makeScene({
    names: ['juliet', 'rosaline'],
    others: ['romeo', 'mercutio'],
    origin: 'configured',
    access: rights,
    lists,
    configured: () =>
      entry.name === null ? [] : [{ user: jid('juliet'), account: account(entry.name), password: 'x' }],
  });
  s.user().login();
  s.user().say('subscribe', romeo);
  await s.settle();
  s.far.actor(romeo).subscribed(juliet);
  s.far.actor(romeo).setPresence('online');
  await s.settle(10_000);
  expect(s.user().seen.has(romeo)).toBe(true);
  s.kill();
  return { s, entry, access: lists };
}

const leftOf = (s: Scene) => ({
  seen: s.user().seen.has(romeo),
  to: s.user().roster.get(romeo)?.halves.to ?? 'no',
});

describe.each(['none', 'both'] as const)('with the right %s over rosters', (access) => {
  test('contacts of an entry that was removed are withdrawn', async () => {
    const { s, entry } = await configured(access);
    entry.name = null;
    await s.start();
    await s.settle(10_000);
    expect(leftOf(s)).toEqual({ seen: false, to: 'no' });
    for (const table of ['pairs', 'shown', 'synced', 'notes'])
      expect([table, (await s.store.state.read(table, jid('juliet'))).size]).toEqual([table, 0]);
    await s.stop();
  });

  test('contacts of the old account of an entry are withdrawn, those of the new one come', async () => {
    const { s, entry } = await configured(access);
    s.far.actor(account('rosaline')).rosterSet(account('mercutio'), { name: 'Mercutio', groups: [] });
    entry.name = 'rosaline';
    await s.start();
    await s.settle(20_000);
    expect(leftOf(s)).toEqual({ seen: false, to: 'no' });
    expect(s.meter.total('contacts_skipped_total')).toBe(0);
    if (access === 'both') expect(s.user().roster.has(account('mercutio'))).toBe(true);
    expect(s.far.presenceOf(account('rosaline')).value).toBe(access === 'both' ? 'online' : 'offline');
    await s.stop();
  });
});

test('a link that is as it was keeps its contacts over restarts', async () => {
  const { s } = await configured('none');
  await s.start();
  await s.settle(20_000);
  expect(leftOf(s)).toEqual({ seen: true, to: 'yes' });
  await s.stop();
});

test('a user who may not use the bridge any more after a restart sees nobody, and keeps the subscriptions', async () => {
  const { s, access } = await configured('both');
  access.deny = [jid('juliet')];
  await s.start();
  await s.settle(10_000);
  expect(leftOf(s)).toEqual({ seen: false, to: 'yes' });
  s.kill();
  access.deny = [];
  await s.start();
  await s.settle(10_000);
  expect(leftOf(s)).toEqual({ seen: true, to: 'yes' });
  await s.stop();
});

test('a suspended user sees nobody, keeps the subscriptions, and sees all again when allowed', async () => {
  const { s } = await configured('both');
  await s.start();
  await s.settle();
  await s.contacts().suspend(jid('juliet'));
  await s.settle();
  expect(leftOf(s)).toEqual({ seen: false, to: 'yes' });
  expect(s.user().seen.has(gatewayPeer)).toBe(false);
  s.far.actor(romeo).setPresence('away');
  await s.settle(10_000);
  expect(s.user().seen.has(romeo)).toBe(false);
  s.contacts().resume(jid('juliet'));
  await s.settle(40_000);
  expect(leftOf(s)).toEqual({ seen: true, to: 'yes' });
  await s.stop();
});
