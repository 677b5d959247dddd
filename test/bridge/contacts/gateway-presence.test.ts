/** The gateway as a contact: in the roster of every linked user, it hears them come and go and shows how the link is. */
import { Fault } from '../../../src/core/fault';
import { gatewayPeer } from '../../../src/core/model';
import { account, jid, makeScene, type Scene } from '../../support/middle-scene';

const juliet = account('juliet');

describe('where rosters can be written', () => {
  test('it is in the roster both ways, so the user is seen without any contact, also after a restart', async () => {
    const s = await makeScene({ origin: 'configured', access: 'both' });
    s.user().login('dnd');
    await s.settle();
    expect(s.user().item(gatewayPeer).halves.state).toBe('both');
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
    s.user().say('unsubscribed', gatewayPeer);
    await s.settle(40_000);
    s.jabber.quiet();
    s.contacts().onRosterAccess('both');
    await s.settle(40_000);
    expect(s.jabber.quiet()).not.toContain('write ');
    expect(s.user().item(gatewayPeer).halves.from).toBe('no');
    await s.stop();
  });

  test('a server that grants writing and refuses it: the gateway asks', async () => {
    const s = await makeScene({ kind: 'ejabberd', origin: 'configured', access: 'both', failsWriting: true });
    s.user().login();
    await s.settle();
    expect([...s.user().requests]).toContain(gatewayPeer);
    await s.stop();
  });

  test('it leaves the roster with the link', async () => {
    const s = await makeScene({ access: 'both' });
    s.user().login();
    await s.settle();
    expect(s.user().roster.has(gatewayPeer)).toBe(true);
    s.user().say('unsubscribe', gatewayPeer);
    await s.settle();
    expect([s.isLinked('juliet'), s.user().roster.has(gatewayPeer)]).toEqual([false, false]);
    await s.stop();
  });
});

describe('its presence', () => {
  async function seen(): Promise<Scene> {
    const s = await makeScene({ origin: 'configured', access: 'both' });
    s.user().login();
    await s.settle();
    expect(s.user().seen.get(gatewayPeer)).toMatchObject({ show: 'online', status: null });
    return s;
  }

  test('away with words while the XIMSS side is being reached, available when it is there again', async () => {
    const s = await seen();
    s.contacts().onSession(jid('juliet'), 'waiting', new Fault('unavailable'));
    await s.settle(4_000);
    expect(s.user().seen.get(gatewayPeer)).toMatchObject({
      show: 'away',
      status: 'The other network is being reached.',
    });
    s.contacts().onSession(jid('juliet'), 'online', null);
    await s.settle();
    expect(s.user().seen.get(gatewayPeer)).toMatchObject({ show: 'online', status: null });
    await s.stop();
  });

  test('unavailable with the reason when the login was refused', async () => {
    const s = await seen();
    s.jabber.quiet();
    s.contacts().onSession(jid('juliet'), 'refused', new Fault('not-authorized', { text: 'wrong password' }));
    await s.settle();
    expect(s.user().seen.has(gatewayPeer)).toBe(false);
    expect(s.jabber.quiet()).toContain('offline gateway');
    await s.stop();
  });
});
