/** When rosters are compared: at a user's coming and going, regularly where something may have changed unheard. */
import { gatewayPeer } from '../../../src/core/model';
import { account, makeScene } from '../../support/middle-scene';

const juliet = account('juliet');
const romeo = account('romeo');

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
  expect(s.user().nicks.get(gatewayPeer)).toBe('XIMSS gateway');
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
  const atRestCount = await readsIn(300_000);
  expect(atRestCount).toBeGreaterThan(0); // in case something was not heard
  expect(atRestCount).toBeLessThan(4);
  s.far.actor(juliet).rosterSet(romeo, { name: 'Romeo', groups: [] });
  expect(await readsIn(20_000)).toBeGreaterThan(0);
  await s.stop();
});
