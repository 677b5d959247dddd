/** The eight paths of a subscription, and what repeats, crosses or is denied, through the whole middle on two fake networks. */
import { account, jid, type Scene } from '../../support/middle-scene';
import { juliet, kinds, makeScenes, romeo, stores } from './contacts-scene';

describe.each(kinds)('on %s', (kind) => {
  const { scene, friends } = makeScenes(kind);

  describe('subscription', () => {
    test('the Jabber user asks and is accepted: all stores say so and the contact appears', async () => {
      const s = await scene();
      s.user().login();
      s.far.actor(romeo).setPresence('away', 'in exile');
      s.user().say('subscribe', romeo);
      await s.settle();
      expect(stores(s)).toEqual({ server: 'none ask', far: 'none ask', contact: 'none ask' });
      s.far.actor(romeo).subscribed(juliet);
      await s.settle();
      expect(stores(s)).toEqual({ server: 'to', far: 'to', contact: 'to' });
      expect(s.user().seen.get(romeo)).toMatchObject({ show: 'away', status: 'in exile' });
    });

    test('the Jabber user asks and is denied', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', romeo);
      await s.settle();
      s.far.actor(romeo).unsubscribed(juliet);
      await s.settle();
      expect(stores(s).server).toBe('none');
      expect(stores(s).far).toBe('none');
    });

    test('the far user asks and is accepted', async () => {
      const s = await scene();
      s.user().login('dnd');
      s.far.actor(romeo).subscribe(juliet);
      await s.settle();
      expect([...s.user().requests]).toContain(romeo);
      s.user().say('subscribed', romeo);
      await s.settle();
      expect(stores(s)).toEqual({ server: 'from', far: 'from', contact: 'from' });
      expect(s.far.presenceOf(juliet).value).toBe('busy');
    });

    test('the far user asks and is denied: remembered across restarts and not asked again by itself', async () => {
      const s = await scene();
      s.user().login();
      s.far.actor(romeo).subscribe(juliet);
      await s.settle();
      s.user().say('unsubscribed', romeo);
      await s.settle();
      expect(s.far.item(romeo, juliet)?.isAsking ?? false).toBe(false);
      s.kill();
      await s.start();
      s.jabber.quiet();
      s.far.actor(romeo).subscribe(juliet);
      await s.settle();
      expect(s.jabber.quiet()).not.toContain(`subscribe ${romeo}`);
      expect([...s.user().requests]).not.toContain(romeo);
      expect(s.far.item(romeo, juliet)?.isAsking ?? false).toBe(false);
    });

    test.each([
      ['the Jabber user cancels', (s: Scene) => s.user().say('unsubscribe', romeo), 'from'],
      ['the Jabber user withdraws the approval', (s: Scene) => s.user().say('unsubscribed', romeo), 'to'],
      ['the far user cancels', (s: Scene) => s.far.actor(romeo).unsubscribe(juliet), 'to'],
      ['the far user withdraws the approval', (s: Scene) => s.far.actor(romeo).unsubscribed(juliet), 'from'],
    ])('%s', async (_, act, left) => {
      const s = await friends();
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      expect(s.user().seen.has(romeo)).toBe(true);
      act(s);
      await s.settle();
      expect(stores(s)).toEqual({ server: left, far: left, contact: left });
      expect(s.user().seen.has(romeo)).toBe(left === 'to');
    });

    test('both ask at once', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', romeo);
      s.far.actor(romeo).subscribe(juliet);
      await s.settle();
      s.user().say('subscribed', romeo);
      s.far.actor(romeo).subscribed(juliet);
      await s.settle();
      expect(stores(s)).toEqual({ server: 'both', far: 'both', contact: 'both' });
    });

    test('a request repeated at every login goes to the far side once', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', romeo);
      await s.settle();
      const asked = s.far.requests.get('presenceSet') ?? 0;
      for (let i = 0; i < 3; i += 1) s.user().login();
      await s.settle();
      expect((s.far.requests.get('presenceSet') ?? 0) - asked).toBe(0);
      expect(s.far.actor(romeo).of('verb')).toHaveLength(1);
    });

    test('a request lost while the component was down is found in the roster', async () => {
      const s = await scene({ access: 'get' });
      s.user().login();
      s.jabber.setUp(false);
      await s.settle();
      s.user().say('subscribe', romeo);
      expect(stores(s).far).toBe('-');
      s.jabber.setUp(true);
      await s.settle(2_000);
      expect(stores(s)).toEqual({ server: 'none ask', far: 'none ask', contact: 'none ask' });
    });

    test('approval in advance: never an unsolicited subscribed, and the request is answered at once', async () => {
      const s = await scene();
      s.user().login();
      await s.settle();
      s.jabber.quiet();
      await s.contacts().onFarVerb(jid('juliet'), romeo, { kind: 'verb', verb: 'subscribed', status: null });
      await s.settle();
      expect(s.jabber.quiet()).toEqual([]);
    });

    test('the contact removed from the roster in one step goes from the far roster too', async () => {
      const s = await friends({ access: 'both' });
      await s.settle(2_000);
      s.user().remove(romeo);
      await s.settle(2_000);
      expect(stores(s)).toEqual({ server: '-', far: '-', contact: 'none' });
    });

    test('somebody who does not exist: an error, and the request does not stay open', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', account('nobody'));
      await s.settle();
      expect(s.user().errors).toEqual([{ peer: account('nobody'), code: 'refused' }]);
      expect(s.user().entries()).toMatchObject([{ account: account('nobody'), subscription: 'none', ask: false }]);
    });
  });
});
