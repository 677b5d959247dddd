/** The gateway as a contact: in the roster of every linked user, it hears them come and go and shows how the link is. */
import { Fault } from '../../../src/core/fault';
import { GATEWAY } from '../../../src/core/model';
import { account, jid, makeScene, type Scene } from '../../support/fakes-people';

const juliet = account('juliet');
const romeo = account('romeo');

describe('where rosters can be written', () => {
  test('it is in the roster both ways, so the user is seen without any contact, also after a restart', async () => {
    const s = await makeScene({ origin: 'configured', access: 'both' });
    s.user().login('dnd');
    await s.settle();
    expect(s.user().item(GATEWAY).halves.state).toBe('both');
    expect(s.far.presenceOf(juliet).value).toBe('busy');
    s.kill();
    await s.start();
    await s.settle();
    expect(s.far.presenceOf(juliet).value).toBe('busy');
    s.user().logout();
    await s.settle();
    expect(s.far.presenceOf(juliet).value).toBe('offline');
    await s.stop();
  });

  test('it is written once, and not again for who has denied it', async () => {
    const s = await makeScene({ origin: 'configured', access: 'both' });
    s.user().login();
    await s.settle(40_000); // later than the answer of a server to a probe would come
    s.user().say('unsubscribed', GATEWAY);
    await s.settle(40_000);
    s.jabber.quiet();
    s.people().onRosterAccess('both');
    await s.settle(40_000);
    expect(s.jabber.quiet()).not.toContain('write ');
    expect(s.user().item(GATEWAY).halves.from).toBe('no');
    await s.stop();
  });

  test('a server that grants writing and refuses it: the gateway asks', async () => {
    const s = await makeScene({ kind: 'ejabberd', origin: 'configured', access: 'both', failsWriting: true });
    s.user().login();
    await s.settle();
    expect([...s.user().requests]).toContain(GATEWAY);
    await s.stop();
  });

  test('it leaves the roster with the link', async () => {
    const s = await makeScene({ access: 'both' });
    s.user().login();
    await s.settle();
    expect(s.user().roster.has(GATEWAY)).toBe(true);
    s.user().say('unsubscribe', GATEWAY);
    await s.settle();
    expect([s.isLinked('juliet'), s.user().roster.has(GATEWAY)]).toEqual([false, false]);
    await s.stop();
  });
});

describe('its presence', () => {
  async function seen(): Promise<Scene> {
    const s = await makeScene({ origin: 'configured', access: 'both' });
    s.user().login();
    await s.settle();
    expect(s.user().seen.get(GATEWAY)).toMatchObject({ show: 'online', status: null });
    return s;
  }

  test('away with words while the XIMSS side is being reached, available when it is there again', async () => {
    const s = await seen();
    s.people().onSession(jid('juliet'), 'waiting', new Fault('unavailable'));
    await s.settle(4_000);
    expect(s.user().seen.get(GATEWAY)).toMatchObject({ show: 'away', status: 'The other network is being reached.' });
    s.people().onSession(jid('juliet'), 'online', null);
    await s.settle();
    expect(s.user().seen.get(GATEWAY)).toMatchObject({ show: 'online', status: null });
    await s.stop();
  });

  test('unavailable with the reason when the login was refused', async () => {
    const s = await seen();
    s.jabber.quiet();
    s.people().onSession(jid('juliet'), 'refused', new Fault('not-authorized', { text: 'wrong password' }));
    await s.settle();
    expect(s.user().seen.has(GATEWAY)).toBe(false);
    expect(s.jabber.quiet()).toContain('offline gateway');
    await s.stop();
  });
});

describe('a store that has lost everything', () => {
  async function lost(): Promise<Scene> {
    const s = await makeScene({ origin: 'configured' });
    s.user().login();
    s.user().say('subscribe', romeo);
    await s.settle();
    s.far.actor(romeo).subscribed(juliet);
    s.far.actor(romeo).setPresence('online');
    await s.settle();
    expect(s.user().seen.has(romeo)).toBe(true);
    s.user().logout();
    await s.settle();
    s.kill();
    for (const table of ['pairs', 'shown', 'synced', 'notes']) {
      const fields = await s.store.state.read(table, jid('juliet'));
      await s.store.state.write(table, jid('juliet'), new Map([...fields.keys()].map((field) => [field, null])));
    }
    return s;
  }

  test('before the first comparison of rosters nothing is answered unsubscribed', async () => {
    const s = await lost();
    s.far.setDown(true);
    await s.start();
    s.jabber.quiet();
    s.user().login();
    await s.settle(20_000);
    expect(s.jabber.quiet()).not.toContain(`unsubscribed ${romeo}`);
    expect(s.user().item(romeo).halves.to).toBe('yes');
    s.far.setDown(false);
    await s.settle(40_000);
    expect(s.user().item(romeo).halves.to).toBe('yes');
    expect(s.user().seen.has(romeo)).toBe(true); // what was asked meanwhile is answered
    await s.stop();
  });

  test('a stranger is answered unsubscribed after it', async () => {
    const s = await lost();
    await s.start();
    await s.settle(20_000);
    s.jabber.quiet();
    s.people().onProbe(jid('juliet'), account('tybalt'), { kind: 'probe', resource: null });
    await s.settle();
    expect(s.jabber.quiet()).toContain(`unsubscribed ${account('tybalt')}`);
    await s.stop();
  });
});

test('a contact renamed in a client is renamed on the far side at the end of the session, or with the next login', async () => {
  const s = await makeScene({ origin: 'configured', access: 'both' });
  s.user().login();
  s.user().say('subscribe', romeo);
  await s.settle();
  s.far.actor(romeo).subscribed(juliet);
  await s.settle(10_000);
  s.user().rename(romeo, 'My Romeo', []);
  s.user().logout();
  await s.settle(5_000);
  expect(s.far.item(juliet, romeo)?.name).toBe('My Romeo');
  s.user().rename(romeo, 'Another', []); // from a client that nobody hears
  s.user().login();
  await s.settle(5_000);
  expect(s.far.item(juliet, romeo)?.name).toBe('Another');
  await s.stop();
});

test('where rosters cannot be written the requests carry the names of the contacts', async () => {
  const s = await makeScene({ origin: 'configured' });
  s.far.actor(juliet).rosterSet(romeo, { name: 'Romeo Montague', groups: [] });
  s.far.actor(juliet).subscribe(romeo);
  s.far.actor(romeo).subscribed(juliet);
  s.user().login();
  await s.settle(10_000);
  expect(s.user().nicks.get(romeo)).toBe('Romeo Montague');
  expect(s.user().nicks.get(GATEWAY)).toBe('XIMSS gateway');
  await s.stop();
});

test('the regular comparison reads the rosters of who may have changed one, and seldom of who is away and was equal', async () => {
  const s = await makeScene({ origin: 'configured', access: 'both', timing: { sweepMs: 10_000 } });
  const readsIn = async (ms: number): Promise<number> => {
    const before = s.far.requests.get('rosterList') ?? 0;
    await s.settle(ms);
    return (s.far.requests.get('rosterList') ?? 0) - before;
  };
  s.user().login();
  await s.settle(20_000);
  expect(await readsIn(60_000)).toBeGreaterThan(3); // who is there may rename a contact, and nobody tells
  s.user().logout();
  await s.settle(20_000);
  const atRestCount = await readsIn(100_000);
  expect(atRestCount).toBeGreaterThan(0); // in case something was not heard
  expect(atRestCount).toBeLessThan(4);
  s.far.actor(juliet).rosterSet(romeo, { name: 'Romeo', groups: [] });
  expect(await readsIn(20_000)).toBeGreaterThan(0);
  await s.stop();
});
