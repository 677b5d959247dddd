/**
 * Contacts as contacts, through the real bridge on real servers: every path of a subscription, with the four stores
 * compared (the user's server roster, the bridge's pair, both XIMSS rosters, and what clients saw), presence, endings.
 */
import fc from 'fast-check';
import type { Rig } from '../support/rig';
import type { RedisServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { xml, type Element } from '../support/xml';
import type { JabberClient } from '../support/jabber-client';
import { makePeopleScene, me, peopleServers, startWorld } from './people-scene';

describe.each(peopleServers('tcp'))('people on %s', (_name, kind, start, privileges, binding) => {
  let world: Awaited<ReturnType<typeof startWorld>>;
  let rig: Rig;
  let redis: RedisServer;
  let juliet: JabberClient;

  beforeAll(async () => {
    world = await startWorld(start, privileges, binding);
    ({ rig, redis, juliet } = world);
    await online();
  }, 60_000);
  afterAll(() => world?.dispose());

  const scene = makePeopleScene(() => ({ rig, redis, juliet }));
  const { actor, ghost, online, allStores, settlesOn, isDown, from, say, asks, remove, rosterSet, friends } = scene;

  /** Until both rosters were compared once, a contact missing from one of them may as well be new on the other. */
  const isSynced = (name: string) =>
    until(async () => (await redis.cli('HGET', `bridge:state:synced:${rig.juliet.bare}`, `${name}@far.test`)).trim(), {
      what: `${name} to be compared`,
    });

  describe('subscription', () => {
    test('the Jabber user asks and is accepted', async () => {
      actor('a1').setPresence('away', 'in exile');
      say('a1', 'subscribe');
      await asks('a1');
      await settlesOn('a1', { server: 'none ask', bridge: 'none+in', far: 'none ask' });
      actor('a1').subscribed(me);
      await juliet.waitFor(from('a1', 'subscribed'));
      const presence = await juliet.waitFor(from('a1', undefined));
      expect([presence.text('show'), presence.text('status')]).toEqual(['away', 'in exile']);
      await settlesOn('a1', { server: 'to', bridge: 'from', far: 'to', contact: 'from' });
    });

    test('the Jabber user asks and is denied', async () => {
      actor('a2');
      say('a2', 'subscribe');
      await asks('a2');
      actor('a2').unsubscribed(me);
      await juliet.waitFor(from('a2', 'unsubscribed'));
      await settlesOn('a2', { server: 'none', bridge: 'none refused', far: 'none' });
      expect(juliet.stanzas.filter(from('a2', undefined))).toEqual([]);
    });

    test('the far user asks and is accepted: never an unsolicited subscribed', async () => {
      actor('a3').subscribe(me);
      await juliet.waitFor(from('a3', 'subscribe'));
      say('a3', 'subscribed');
      await settlesOn('a3', { server: 'from', bridge: 'to', far: 'from', contact: 'to' });
      await actor('a3').waitFor((item) => item.kind === 'presence' && item.peer === me && item.presence === 'online');
      expect(juliet.stanzas.filter(from('a3', 'subscribed'))).toEqual([]);
    });

    test('the far user asks and is denied; asking again is answered without troubling the user', async () => {
      actor('a4').subscribe(me);
      await juliet.waitFor(from('a4', 'subscribe'));
      say('a4', 'unsubscribed');
      await settlesOn('a4', { bridge: 'none denied', contact: 'none' });
      actor('a4').subscribe(me);
      await until(
        () =>
          actor('a4')
            .of('verb')
            .filter((item) => item.type === 'unsubscribed').length === 2,
        {
          what: 'the second denial',
        },
      );
      await juliet.barrier();
      expect(juliet.stanzas.filter(from('a4', 'subscribe'))).toHaveLength(1);
    });

    test.each([
      ['the Jabber user cancels', 'a5', () => say('a5', 'unsubscribe'), 'from', 'to'],
      ['the Jabber user withdraws the approval', 'a6', () => say('a6', 'unsubscribed'), 'to', 'from'],
      ['the far user cancels', 'a7', () => actor('a7').unsubscribe(me), 'to', 'from'],
      ['the far user withdraws the approval', 'a8', () => actor('a8').unsubscribed(me), 'from', 'to'],
    ])('%s', async (_what, name, act, left, mirrored) => {
      await friends(name);
      act();
      await settlesOn(name, { server: left, bridge: mirrored, far: left, contact: mirrored });
      // a contact that may not be seen any more is not shown as there
      if (left === 'from' && name === 'a8') await juliet.waitFor(from(name, 'unavailable'));
    });

    test('both ask at once', async () => {
      actor('a9').subscribe(me);
      say('a9', 'subscribe');
      await juliet.waitFor(from('a9', 'subscribe'));
      await asks('a9');
      say('a9', 'subscribed');
      actor('a9').subscribed(me);
      await settlesOn('a9', { server: 'both', bridge: 'both', far: 'both', contact: 'both' });
    });

    test('a request is repeated at logins, and the far user hears it once', async () => {
      actor('a10');
      say('a10', 'subscribe');
      await asks('a10');
      for (let i = 0; i < 3; i += 1) {
        const other = await rig.juliet.login({ resource: `r${i}` });
        await other.barrier();
        await other.close();
      }
      await settlesOn('a10', { server: 'none ask', far: 'none ask' });
      expect(actor('a10').of('verb')).toHaveLength(1);
    });

    test('somebody who does not exist: an error, and the request does not stay open', async () => {
      say('nobody', 'subscribe');
      const error = await juliet.waitFor(from('nobody', 'error'));
      expect(error.child('error')).toBeDefined();
      await juliet.waitFor(from('nobody', 'unsubscribed'));
      const entry = (await rig.xmpp.roster('juliet')).find(({ jid }) => jid === ghost('nobody'));
      expect(entry).toMatchObject({ subscription: 'none', isAsking: false });
    });

    test('removal from the roster in one step', async () => {
      await friends('a11');
      if (privileges) await isSynced('a11');
      await remove('a11');
      await settlesOn('a11', { server: '-', bridge: privileges ? 'none' : 'none left', contact: 'none' });
      if (privileges) await settlesOn('a11', { far: '-' });
    });

    test('a request made while the bridge was down is not lost', async () => {
      actor('a12');
      await rig.bridge.kill9();
      await isDown();
      say('a12', 'subscribe');
      await juliet.waitFor(from('a12', 'error'));
      await rig.bridge.start();
      await online();
      // Prosody repeats it at the next login; ejabberd does not, but shows it in the roster
      if (kind === 'prosody' && !privileges) await (await rig.juliet.login({ resource: 'again' })).close();
      if (kind === 'ejabberd' && !privileges) say('a12', 'subscribe');
      await asks('a12');
      await settlesOn('a12', { server: 'none ask', bridge: 'none+in', far: 'none ask' });
    });
  });

  test('whatever both sides say, in any order: in the end the stores agree', async () => {
    if (!privileges) return; // verbs that cross on their way are seen in the rosters only
    const verb = fc.constantFrom(
      'subscribe' as const,
      'subscribed' as const,
      'unsubscribe' as const,
      'unsubscribed' as const,
    );
    const act = fc.record({ who: fc.constantFrom('juliet', 'peer'), verb });
    const plays = fc.sample(fc.array(act, { minLength: 3, maxLength: 8 }), { numRuns: 20, seed: 1597 });
    await Promise.all(
      plays.map(async (play, i) => {
        const name = `z${i}`;
        actor(name);
        for (const one of play) {
          if (one.who === 'juliet') say(name, one.verb);
          else actor(name).verb(one.verb, me);
          await pause(one.verb === 'subscribe' ? 30 : 5);
        }
      }),
    );
    const sees = (text: string): boolean => /^(to|both)/.test(text);
    const isSeen = (text: string): boolean => /^(from|both)/.test(text);
    const wrongs = async (): Promise<string[]> => {
      const all = await allStores([...plays.keys()].map((i) => `z${i}`));
      return all.flatMap(({ server, bridge, far }, i) => {
        const play = plays[i] ?? [];
        const isRight =
          sees(server) === sees(far) &&
          sees(server) === isSeen(bridge) &&
          isSeen(server) === sees(bridge) &&
          (isSeen(server) || !isSeen(far));
        const said = play.map(({ who, verb: word }) => `${who} ${word}`).join(', ');
        return isRight ? [] : [`z${i}: server ${server}, bridge ${bridge}, far ${far} after ${said}`];
      });
    };
    // in the end: for longer than two comparisons take, nothing is said and nothing differs
    const quietMs = 4_500;
    const count = (): number => juliet.stanzas.filter((one) => one.attrs['type'] !== 'result').length;
    let wrong: string[] = [];
    let last = { count: -1, atMs: 0 };
    await until(
      async () => {
        wrong = await wrongs();
        if (wrong.length > 0 || count() !== last.count) last = { count: count(), atMs: performance.now() };
        return performance.now() - last.atMs >= quietMs;
      },
      {
        ...{ deadlineMs: 40_000, everyMs: 300 },
        what: () =>
          `the stores to agree:\n${wrong.join('\n')}\nlast: ${juliet.stanzas.slice(-6).map(String).join('\n')}`,
      },
    );
  }, 60_000);

  describe('presence', () => {
    const shown = async (name: string, show: string | null, status: string | null): Promise<void> => {
      const stanza = await juliet.take(from(name, show === 'unavailable' ? 'unavailable' : undefined));
      expect([name, stanza.text('show') || null, stanza.text('status') || null]).toEqual([
        name,
        show === 'unavailable' ? null : show,
        status,
      ]);
    };

    test('away, busy, offline and back, each once', async () => {
      await friends('p1');
      // Prosody probes who has just granted something; its answer comes when it comes, but before this
      actor('p1').setPresence('away', 'first');
      await juliet.waitFor((one) => from('p1', undefined)(one) && one.text('status') === 'first');
      juliet.clear();
      actor('p1').setPresence('away', 'lunch');
      await shown('p1', 'away', 'lunch');
      actor('p1').setPresence('busy');
      await shown('p1', 'dnd', null);
      actor('p1').setPresence('offline');
      await shown('p1', 'unavailable', null);
      actor('p1').setPresence('online');
      await shown('p1', null, null);
      await juliet.barrier();
      expect(
        juliet.stanzas.filter(({ name, attrs }) => name === 'presence' && attrs['from'] === `${ghost('p1')}/ximss`),
      ).toEqual([]);
    });

    test('the far user sees the Jabber user, all resources as one', async () => {
      await friends('p2');
      const sees = (presence: string, text = '') =>
        actor('p2').waitFor(
          (item) => item.kind === 'presence' && item.peer === me && item.presence === presence && item.text === text,
        );
      juliet.presence({ show: 'xa', status: 'asleep' });
      await sees('away', 'asleep');
      const second = await rig.juliet.login({ resource: 'phone', presence: false });
      second.presence({ show: 'dnd', status: 'talking' });
      await sees('busy', 'talking');
      await second.close();
      actor('p2').received.length = 0;
      juliet.presence({ show: 'away', status: 'back' });
      await sees('away', 'back');
      juliet.presence();
      await sees('online');
    });

    test('a login is told how everybody is', async () => {
      await friends('p3');
      actor('p3').setPresence('busy', 'writing');
      const other = await rig.juliet.login({ resource: 'other' });
      const stanza = await other.waitFor((one) => from('p3', undefined)(one) && one.text('show') === 'dnd');
      expect(stanza.text('status')).toBe('writing');
      await other.close();
    });

    test('a lost session: the contact stays for the lease, then goes, and comes back', async () => {
      await friends('p4');
      juliet.clear();
      await rig.ximss.stop();
      await juliet.waitFor(from('p4', 'unavailable'), 10_000);
      await rig.ximss.start();
      actor('p4').setPresence('away');
      await juliet.waitFor((one) => from('p4', undefined)(one) && one.text('show') === 'away', 20_000);
    });

    test('a stop says unavailable for everybody, a start shows them again', async () => {
      await friends('p5');
      juliet.clear();
      await rig.bridge.stop();
      await juliet.waitFor(from('p5', 'unavailable'));
      juliet.clear();
      await rig.bridge.start();
      await juliet.waitFor(from('p5', undefined), 15_000);
    });

    test('a crash: what changed meanwhile is corrected, what did not is not repeated', async () => {
      await friends('p6');
      await friends('p7');
      await juliet.barrier();
      await rig.bridge.kill9();
      actor('p6').setPresence('offline');
      juliet.clear();
      await rig.bridge.start();
      await juliet.waitFor(from('p6', 'unavailable'), 15_000);
      expect(juliet.stanzas.filter(from('p7', 'unavailable'))).toEqual([]);
      actor('p7').setPresence('busy');
      await juliet.waitFor((one) => from('p7', undefined)(one) && one.text('show') === 'dnd');
    });

    test('the stream lost and back: the truth, again', async () => {
      await friends('p8');
      await rig.xmpp.stop();
      actor('p8').setPresence('away', 'meanwhile');
      await rig.xmpp.start();
      juliet = await rig.juliet.login({ resource: 'balcony' });
      await juliet.waitFor((one) => from('p8', undefined)(one) && one.text('status') === 'meanwhile', 20_000);
    });
  });

  describe('roster', () => {
    const canWrite = kind === 'prosody' && privileges;

    test('a contact of the far roster appears with name and groups, or as a request', async () => {
      actor('r1').subscribe(me);
      const native = rig.ximss.client(me, 'native');
      native.rosterSet('r1@far.test', { name: 'Ромео', groups: ['Verona', '~hidden'] });
      native.subscribe('r1@far.test');
      await asks('r1');
      actor('r1').setPresence('online');
      actor('r1').subscribed(me);
      native.subscribed('r1@far.test');
      if (!canWrite) {
        await juliet.waitFor(from('r1', 'subscribe'));
        return;
      }
      await settlesOn('r1', { server: 'both', bridge: 'both', far: 'both', contact: 'both' });
      const entry = (await rig.xmpp.roster('juliet')).find(({ jid }) => jid === ghost('r1'));
      expect(entry).toMatchObject({ name: 'Ромео', groups: ['Verona'] });
      await juliet.waitFor(from('r1', undefined));
      await actor('r1').waitFor((item) => item.kind === 'presence' && item.peer === me && item.presence === 'online');
    });

    test('the user renames and regroups: it goes back, hidden groups stay', async () => {
      if (!privileges) return;
      if (!canWrite) await friends('r1');
      await isSynced('r1');
      await rosterSet('r1', { name: 'My Romeo' }, 'Lovers');
      await until(() => rig.ximss.account(me).roster.get('r1@far.test')?.name === 'My Romeo', {
        deadlineMs: 15_000,
        what: 'the new name on the far side',
      });
      const groups = [...(rig.ximss.account(me).roster.get('r1@far.test')?.groups ?? [])].sort();
      expect(groups).toEqual(['Lovers', '~hidden']);
    });
  });

  describe('the gateway as a contact', () => {
    const gateway = (type: string | undefined) => (stanza: Element) =>
      stanza.name === 'presence' && stanza.attrs['from'] === rig.xmpp.componentDomain && stanza.attrs['type'] === type;

    test('it accepts, is there, asks to see the user once', async () => {
      juliet.presence({ to: rig.xmpp.componentDomain, type: 'subscribe' });
      await juliet.waitFor(gateway('subscribed'));
      await juliet.waitFor(gateway('subscribe'));
      await juliet.waitFor(gateway(undefined));
      juliet.presence({ to: rig.xmpp.componentDomain, type: 'subscribed' });
      juliet.presence({ to: rig.xmpp.componentDomain, type: 'subscribe' });
      await juliet.barrier();
      expect(juliet.stanzas.filter(gateway('subscribe'))).toHaveLength(1);
    });

    test('for a user who linked the account, deleting it unlinks: contacts and session go', async () => {
      await rig.xmpp.register('nurse', 'jabber-secret');
      rig.ximss.addAccount('nurse@far.test', 'far-secret');
      const nurse = await rig.juliet.login({ user: 'nurse', resource: 'kitchen' });
      const register = xml(
        'query',
        { xmlns: 'jabber:iq:register' },
        xml('username', {}, 'nurse@far.test'),
        xml('password', {}, 'far-secret'),
      );
      expect((await nurse.iq('set', register, rig.xmpp.componentDomain)).attrs['type']).toBe('result');
      const hasSession = () => rig.ximss.sessions().some((one) => one.account === 'nurse@far.test');
      await until(hasSession, { what: 'the session' });
      nurse.presence({ to: rig.xmpp.componentDomain, type: 'subscribe' });
      await nurse.waitFor(gateway('subscribe'));
      nurse.presence({ to: rig.xmpp.componentDomain, type: 'subscribed' });
      nurse.presence({ to: ghost('n1'), type: 'subscribe' });
      actor('n1').setPresence('online');
      await actor('n1').waitFor((item) => item.type === 'subscribe' && item.peer === 'nurse@far.test');
      actor('n1').subscribed('nurse@far.test');
      await nurse.waitFor(from('n1', undefined));
      const item = xml('item', { jid: rig.xmpp.componentDomain, subscription: 'remove' });
      await nurse.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
      await nurse.waitFor(from('n1', 'unavailable'));
      await until(() => !hasSession(), { what: 'the end of the session' });
      await until(async () => (await rig.xmpp.roster('nurse')).every((one) => one.subscription === 'none'), {
        what: 'the end of the subscriptions',
      });
      expect(await redis.cli('EXISTS', 'bridge:state:pairs:nurse@jabber.test')).toContain('0');
    });

    test("deleting it does not end a link of the operator's, and the user is told", async () => {
      juliet.presence({ to: rig.xmpp.componentDomain, type: 'subscribe' });
      await juliet.waitFor(gateway('subscribed'));
      const item = xml('item', { jid: rig.xmpp.componentDomain, subscription: 'remove' });
      await juliet.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
      await juliet.waitFor((stanza) => stanza.name === 'message' && stanza.attrs['from'] === rig.xmpp.componentDomain);
      expect(rig.ximss.sessions().some((one) => one.account === me)).toBe(true);
    });
  });
});
