/** The presence of ghosts through the whole middle on two fake networks: current, once, over outages and endings. */
import { faultOfStanza } from '../../../src/core/fault';
import { gatewayPeer } from '../../../src/core/model';
import { account, jid } from '../../support/middle-scene';
import { juliet, kinds, makeScenes, romeo } from '../contacts/contacts-scene';

describe.each(kinds)('on %s', (kind) => {
  const { scene, friends } = makeScenes(kind);

  describe('presence', () => {
    test('away, busy, offline, with their texts; nothing twice', async () => {
      const s = await friends();
      s.jabber.quiet();
      const said: unknown[] = [];
      for (const [word, text] of [
        ['online', ''],
        ['away', 'lunch'],
        ['away', 'lunch'],
        ['busy', ''],
        ['offline', ''],
      ] as const) {
        s.far.actor(romeo).setPresence(word, text);
        await s.settle();
        said.push(s.user().seen.get(romeo)?.show ?? 'offline');
      }
      expect(said).toEqual(['online', 'away', 'away', 'dnd', 'offline']);
      expect(s.jabber.quiet()).toEqual(['online', 'away', 'dnd', 'offline'].map((show) => `${show} ${romeo}`));
    });

    test("the user's presence reaches the far side, folded, changes only", async () => {
      const s = await friends();
      s.user().setShow('away', 'at the balcony');
      await s.settle();
      expect(s.far.presenceOf(juliet)).toEqual({ value: 'away', status: 'at the balcony' });
      const before = s.far.requests.get('presenceSet');
      s.user().setShow('away', 'at the balcony');
      await s.settle();
      expect(s.far.requests.get('presenceSet')).toBe(before);
      s.user().logout();
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('offline');
    });

    test('a resource that the server says is gone does not count any more', async () => {
      const s = await friends();
      const fault = (condition: string) => faultOfStanza({ type: 'cancel', condition, text: '' }).toData();
      s.contacts().onUndelivered(jid('juliet'), romeo, 'home', fault('service-unavailable'));
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('online');
      s.contacts().onUndelivered(jid('juliet'), romeo, 'home', fault('recipient-unavailable'));
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('offline');
    });

    test('an account that nobody can reach any more has no resource, until one speaks', async () => {
      const s = await friends();
      const fault = faultOfStanza({ type: 'cancel', condition: 'remote-server-not-found', text: '' }).toData();
      s.contacts().onUndelivered(jid('juliet'), romeo, null, fault);
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('offline');
      s.user().setShow('away');
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('away');
    });

    test('a probe is answered with the truth, unavailable too; a stranger gets unsubscribed', async () => {
      const s = await friends();
      const probe = (name: string) =>
        s.contacts().onProbe(jid('juliet'), account(name), { kind: 'probe', resource: null });
      probe('romeo');
      await s.settle();
      expect(s.jabber.quiet()).toEqual([`offline ${romeo}`]);
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      probe('romeo');
      probe('mercutio');
      await s.settle();
      expect(s.jabber.quiet().sort()).toEqual(
        [`online ${romeo}`, `online ${romeo}`, `unsubscribed ${account('mercutio')}`].sort(),
      );
    });

    test('a probe does not end a request that waits for its answer', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', romeo);
      await s.settle();
      s.jabber.quiet();
      s.contacts().onProbe(jid('juliet'), romeo, { kind: 'probe', resource: null });
      await s.settle();
      expect(s.jabber.quiet()).toEqual([]);
    });

    test('a lost far session: the contact stays for the lease, then goes, and comes back with the session', async () => {
      const s = await friends();
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.jabber.quiet();
      s.far.setDown(true);
      await s.settle(80_000);
      expect(s.jabber.quiet()).toEqual([]);
      await s.settle(15_000);
      expect(s.jabber.quiet()).toEqual([`offline ${romeo}`]);
      s.far.setDown(false);
      await s.settle();
      expect(s.jabber.quiet()).toEqual([`online ${romeo}`]);
    });

    test('a session back within the lease: nothing is said, and who left meanwhile goes', async () => {
      const s = await friends();
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.jabber.quiet();
      s.far.setDown(true);
      await s.settle();
      s.far.setDown(false);
      await s.settle();
      expect(s.jabber.quiet()).toEqual([]);
      s.far.setDown(true);
      s.far.actor(romeo).setPresence('offline');
      s.far.setDown(false);
      await s.settle(40_000);
      expect(s.jabber.quiet()).toEqual([`offline ${romeo}`]);
    });

    test('an outage of the stream: only differences are sent when it is back', async () => {
      const s = await friends();
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.jabber.quiet();
      s.jabber.setUp(false);
      await s.settle();
      s.jabber.setUp(true);
      await s.settle();
      expect(s.jabber.quiet().filter((stanza) => !stanza.startsWith('probe'))).toEqual([]);
      s.jabber.setUp(false);
      s.far.actor(romeo).setPresence('away');
      await s.settle();
      s.jabber.setUp(true);
      await s.settle();
      expect(s.jabber.quiet().filter((stanza) => !stanza.startsWith('probe'))).toEqual([`away ${romeo}`]);
    });

    test('users who left while the stream was down are asked about and not there any more', async () => {
      const s = await friends();
      expect(s.far.presenceOf(juliet).value).toBe('online');
      s.jabber.setUp(false);
      await s.settle();
      s.user().logout();
      s.jabber.setUp(true);
      await s.settle(40_000);
      expect(s.far.presenceOf(juliet).value).toBe('offline');
    });

    test('after a crash the next start corrects what is wrong', async () => {
      const s = await friends();
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.kill();
      s.far.actor(romeo).setPresence('offline');
      s.jabber.quiet();
      expect(s.user().seen.has(romeo)).toBe(true);
      await s.start();
      await s.settle(40_000);
      expect(s.user().seen.has(romeo)).toBe(false);
      expect(s.jabber.quiet()).toEqual([`probe ${romeo}`, `offline ${romeo}`]);
    });

    test('after a crash with the far server away the lease ends everything that was shown', async () => {
      const s = await friends();
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.kill();
      s.far.setDown(true);
      await s.start();
      await s.settle(100_000);
      expect(s.user().seen.has(romeo)).toBe(false);
    });

    test('a process whose leases another has taken tells nobody unavailable', async () => {
      const s = await friends();
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.jabber.quiet();
      await s.loseLeases();
      expect(s.jabber.quiet()).toEqual([]);
      expect(s.user().seen.get(romeo)?.show).toBe('online');
    });

    test('a stop says unavailable for everything announced, the gateway too, and the next start is clean', async () => {
      const s = await friends();
      s.user().say('subscribe', gatewayPeer);
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      expect([...s.user().seen.keys()].sort()).toEqual([gatewayPeer, romeo]);
      s.jabber.quiet();
      await s.stop();
      expect(s.jabber.quiet().sort()).toEqual(['offline gateway', `offline ${romeo}`].sort());
      expect(s.user().seen.size).toBe(0);
      await s.start();
      expect([...s.user().seen.keys()].sort()).toEqual([gatewayPeer, romeo]);
    });
  });
});
