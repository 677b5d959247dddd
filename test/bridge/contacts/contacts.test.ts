/** The eight paths of a subscription, presence, and endings, through the whole middle on two fake networks. */
import { GATEWAY } from '../../../src/core/model';
import { Fault, faultOfStanza } from '../../../src/core/fault';
import { account, jid, makeScene, type Scene } from '../../support/fakes-people';
import type { Kind } from '../../support/fakes-jabber';

const romeo = account('romeo');
const juliet = account('juliet');

/** Everybody's view of juliet and a contact, in RFC 6121's words as juliet has it. */
function stores(scene: Scene, peer = romeo) {
  const entry = scene
    .user()
    .entries()
    .find((one) => one.account === peer);
  const item = scene.far.item(juliet, peer);
  const mirror = scene.far.item(peer, juliet);
  const words = { to: 'from', from: 'to', none: 'none', both: 'both' } as const;
  return {
    server: entry ? `${entry.subscription}${entry.ask ? ' ask' : ''}` : '-',
    far: item ? `${item.subscription}${item.isAsking ? ' ask' : ''}` : '-',
    contact: mirror ? `${words[mirror.subscription]}${mirror.isAsked ? ' ask' : ''}` : '-',
  };
}

const kinds: readonly Kind[] = ['prosody', 'ejabberd'];

describe.each(kinds)('on %s', (kind) => {
  const scenes: Scene[] = [];
  const scene = async (options: Parameters<typeof makeScene>[0] = {}): Promise<Scene> => {
    const made = await makeScene({ kind, ...options });
    scenes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of scenes.splice(0)) await one.stop().catch(() => undefined);
  });

  async function friends(options: Parameters<typeof makeScene>[0] = {}): Promise<Scene> {
    const s = await scene(options);
    s.user().login();
    s.user().say('subscribe', romeo);
    await s.settle();
    s.far.actor(romeo).subscribed(juliet);
    s.far.actor(romeo).subscribe(juliet);
    await s.settle();
    s.user().say('subscribed', romeo);
    await s.settle();
    expect(stores(s)).toEqual({ server: 'both', far: 'both', contact: 'both' });
    s.jabber.quiet();
    return s;
  }

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
      await s.people().onFarVerb(jid('juliet'), romeo, { kind: 'verb', verb: 'subscribed', status: null });
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
      s.people().onUndelivered(jid('juliet'), romeo, 'home', fault('service-unavailable'));
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('online');
      s.people().onUndelivered(jid('juliet'), romeo, 'home', fault('recipient-unavailable'));
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('offline');
    });

    test('an account that nobody can reach any more has no resource, until one speaks', async () => {
      const s = await friends();
      const fault = faultOfStanza({ type: 'cancel', condition: 'remote-server-not-found', text: '' }).toData();
      s.people().onUndelivered(jid('juliet'), romeo, null, fault);
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('offline');
      s.user().setShow('away');
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('away');
    });

    test('a probe is answered with the truth, unavailable too; a stranger gets unsubscribed', async () => {
      const s = await friends();
      const probe = (name: string) =>
        s.people().onProbe(jid('juliet'), account(name), { kind: 'probe', resource: null });
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
      s.people().onProbe(jid('juliet'), romeo, { kind: 'probe', resource: null });
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

    test('a stop says unavailable for everything announced, the gateway too, and the next start is clean', async () => {
      const s = await friends();
      s.user().say('subscribe', GATEWAY);
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      expect([...s.user().seen.keys()].sort()).toEqual([GATEWAY, romeo]);
      s.jabber.quiet();
      await s.stop();
      expect(s.jabber.quiet().sort()).toEqual(['offline gateway', `offline ${romeo}`].sort());
      expect(s.user().seen.size).toBe(0);
      await s.start();
      expect([...s.user().seen.keys()].sort()).toEqual([GATEWAY, romeo]);
    });
  });

  describe('the gateway as a contact', () => {
    test('it accepts, is there, and asks once to see the user', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', GATEWAY);
      await s.settle();
      expect(s.user().seen.get(GATEWAY)).toMatchObject({ show: 'online' });
      expect([...s.user().requests]).toEqual([GATEWAY]);
      s.user().say('subscribed', GATEWAY);
      await s.settle();
      s.user().setShow('xa');
      await s.settle();
      expect(s.far.presenceOf(juliet).value).toBe('away');
    });

    test('a user who does not want to be seen by it is not asked again, and stays linked', async () => {
      const s = await scene();
      s.user().login();
      s.user().say('subscribe', GATEWAY);
      await s.settle();
      s.user().say('unsubscribed', GATEWAY);
      await s.settle();
      s.jabber.quiet();
      s.user().say('subscribe', GATEWAY);
      await s.settle();
      expect(s.jabber.quiet()).not.toContain('subscribe gateway');
      expect(s.isLinked('juliet')).toBe(true);
    });

    test('its deletion ends the link: unavailable, no subscriptions, no session', async () => {
      const s = await friends();
      s.user().say('subscribe', GATEWAY);
      await s.settle();
      s.user().say('subscribed', GATEWAY);
      s.far.actor(romeo).setPresence('online');
      await s.settle();
      s.user().remove(GATEWAY);
      await s.settle();
      expect(s.isLinked('juliet')).toBe(false);
      expect(s.user().seen.size).toBe(0);
      expect(stores(s).server).toBe('none');
      for (const table of ['pairs', 'shown', 'synced', 'notes'])
        expect([table, (await s.store.state.read(table, jid('juliet'))).size]).toEqual([table, 0]);
    });

    test('a link of the operator survives the deletion, the user is told, and not asked again by itself', async () => {
      const s = await scene({ origin: 'configured' });
      s.user().login();
      s.user().say('subscribe', GATEWAY);
      await s.settle();
      s.user().say('subscribed', GATEWAY);
      await s.settle(40_000);
      s.user().remove(GATEWAY);
      await s.settle();
      expect(s.isLinked('juliet')).toBe(true);
      expect(s.user().messages).toHaveLength(1);
      s.jabber.quiet();
      s.kill();
      await s.start();
      await s.settle(700_000);
      expect(s.jabber.quiet()).not.toContain('subscribe gateway');
      s.user().say('subscribe', GATEWAY); // but whoever adds it again is asked again
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
      s.user().say('subscribed', GATEWAY);
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
      if (when === 'after') s.user().say('subscribed', GATEWAY);
      await s.settle(40_000);
      s.user().say('unsubscribed', GATEWAY);
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
      s.user().say('subscribe', GATEWAY);
      await s.settle();
      s.user().say('subscribed', GATEWAY);
      await s.settle();
      s.kill();
      s.user().roster.delete(GATEWAY);
      await s.start();
      expect(s.jabber.quiet()).toContain('probe gateway');
      expect(s.isLinked('juliet')).toBe(true);
    });
  });

  test('without any right: an approval taken back while the component was away is found by asking, where servers answer', async () => {
    const s = await friends();
    s.far.world.accounts.add(account('tybalt'), 'x');
    const tybalt = account('tybalt');
    s.far.actor(tybalt).subscribe(juliet);
    await s.settle();
    s.user().say('subscribed', tybalt);
    await s.settle();
    s.jabber.setUp(false);
    await s.settle();
    s.user().say('unsubscribed', romeo);
    s.user().say('unsubscribed', tybalt);
    s.jabber.setUp(true);
    await s.settle(20_000);
    const isSeen = [romeo, tybalt].map((peer) => /from|both/.test(s.far.item(juliet, peer)?.subscription ?? ''));
    expect(isSeen).toEqual(kind === 'prosody' ? [false, false] : [true, true]);
    expect(s.jabber.quiet().filter((one) => one.startsWith('probe')).length).toBe(2);
  });

  test('a refused password is told once, across restarts, and again after it worked', async () => {
    const s = await scene();
    const refused = async () => {
      s.far.refuse(new Fault('not-authorized', { text: 'wrong password' }));
      s.kill();
      await s.start();
    };
    await refused();
    await refused();
    expect(s.user().messages).toEqual(['wrong password']);
    s.far.refuse(null);
    s.kill();
    await s.start();
    await refused();
    expect(s.user().messages).toEqual(['wrong password', 'wrong password']);
  });
});
