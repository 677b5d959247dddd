/** The gateway as a contact: what a user says to it, and the end of the link. */
import { gatewayPeer } from '../../../src/core/model';
import { jid } from '../../support/middle-scene';
import { silentLog } from '../../support/silence';
import { juliet, kinds, makeScenes, romeo, stores } from './contacts-scene';

describe.each(kinds)('on %s', (kind) => {
  const { scene, friends } = makeScenes(kind);

  describe('the gateway as a contact', () => {
    test('it accepts, is there, and asks once to see the user', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', gatewayPeer);
      await s.settle();
      expect(s.user().seen.get(gatewayPeer)).toMatchObject({ show: 'online' });
      expect([...s.user().requests]).toEqual([gatewayPeer]);
      s.user().say('subscribed', gatewayPeer);
      await s.settle();
      s.user().setShow('xa');
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('away');
    });

    test('a user who does not want to be seen by it is not asked again, and stays linked', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', gatewayPeer);
      await s.settle();
      s.user().say('unsubscribed', gatewayPeer);
      await s.settle();
      s.jabber.quiet();
      s.user().say('subscribe', gatewayPeer);
      await s.settle();
      expect(s.jabber.quiet()).not.toContain('subscribe gateway');
      expect(s.isLinked('juliet')).toBe(true);
    });

    test('its deletion ends the link: unavailable, no subscriptions, no session', async () => {
      const s = await friends();
      s.user().say('subscribe', gatewayPeer);
      await s.settle();
      s.user().say('subscribed', gatewayPeer);
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.user().remove(gatewayPeer);
      await s.settle();
      expect(s.isLinked('juliet')).toBe(false);
      expect(s.user().seen.size).toBe(0);
      expect(stores(s).server).toBe('none');
      for (const table of ['pairs', 'shown', 'synced', 'notes'])
        expect([table, (await s.store.state.read(table, jid('juliet'))).size]).toEqual([table, 0]);
    });

    test('an unlink that Redis broke off in the middle is done when it is back', async () => {
      const away = { at: (): void => undefined };
      const log = { ...silentLog, info: (_: object, what: string) => /deleted the gateway/.test(what) && away.at() };
      const s = await scene({ log: { ...log, child: () => log } });
      s.user().login();
      s.user().say('subscribe', gatewayPeer);
      await s.settle();
      away.at = () => s.store.setAway(true);
      s.user().remove(gatewayPeer);
      await s.settle(3_000);
      expect(s.isLinked('juliet')).toBe(true);
      s.store.setAway(false);
      await s.settle(60_000);
      expect(s.isLinked('juliet')).toBe(false);
      expect(await s.store.links.load()).toEqual([]);
    });

    test('a link of the operator survives the deletion, the user is told, and not asked again by itself', async () => {
      const s = await scene({ origin: 'configured' });
      s.user().login();
      s.user().say('subscribe', gatewayPeer);
      await s.settle();
      s.user().say('subscribed', gatewayPeer);
      await s.settle(40_000);
      s.user().remove(gatewayPeer);
      await s.settle();
      expect(s.isLinked('juliet')).toBe(true);
      expect(s.user().messages).toHaveLength(1);
      s.jabber.quiet();
      s.kill();
      await s.start();
      await s.settle(700_000);
      expect(s.jabber.quiet()).not.toContain('subscribe gateway');
      s.user().say('subscribe', gatewayPeer); // but whoever adds it again is asked again
      await s.settle();
      expect(s.jabber.quiet()).toContain('subscribe gateway');
    });

    test('where contacts cannot be written it asks by itself, once, and then the far side knows how the user is', async () => {
      const s = await scene({ origin: 'configured' });
      s.user().login('dnd');
      await s.settle(2_000);
      expect(s.jabber.quiet().filter((one) => one === 'subscribe gateway')).toHaveLength(1);
      expect(s.far.presenceOf(juliet).value).toBe('offline');
      s.kill();
      await s.start();
      await s.settle(700_000);
      expect(s.jabber.quiet()).not.toContain('subscribe gateway');
      s.user().say('subscribed', gatewayPeer);
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('busy');
    });

    test('where contacts can be written it does not: they tell how the user is', async () => {
      const s = await scene({ origin: 'configured', access: 'both' });
      s.user().login();
      await s.settle(700_000);
      expect(s.jabber.quiet()).not.toContain('subscribe gateway');
    });

    test.each(['before', 'after'] as const)('a denial %s it was seen is remembered', async (when) => {
      const s = await scene({ origin: 'configured' });
      s.user().login();
      await s.settle(2_000);
      if (when === 'after') s.user().say('subscribed', gatewayPeer);
      await s.settle(40_000);
      s.user().say('unsubscribed', gatewayPeer);
      await s.settle();
      s.jabber.quiet();
      s.kill();
      await s.start();
      await s.settle(700_000);
      expect(s.jabber.quiet()).not.toContain('subscribe gateway');
    });

    test('a server that has lost the subscription and says so when asked does not end the link', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', gatewayPeer);
      await s.settle();
      s.user().say('subscribed', gatewayPeer);
      await s.settle();
      s.kill();
      s.user().roster.delete(gatewayPeer);
      await s.start();
      expect(s.jabber.quiet()).toContain('probe gateway');
      expect(s.isLinked('juliet')).toBe(true);
    });
  });
});
