/**
 * Contacts as contacts, through the real bridge on real servers: every path of a subscription, with the four stores
 * compared (the user's server roster, the bridge's pair, both XIMSS rosters, and what clients saw).
 */
import fc from 'fast-check';
import type { Rig } from '../../support/rig';
import { pause, until } from '../../support/wait';
import type { JabberClient } from '../../support/xmpp/jabber-client';
import { contactServers, me, startContacts } from './contacts-scene';

describe.each(contactServers('tcp'))('subscriptions on %s', (_name, kind, start, privileges, binding) => {
  let rig: Rig;
  let juliet: JabberClient;

  const scene = startContacts([start, privileges, binding], (world) => ({ rig, juliet } = world));
  const { actor, ghost, online, allStores, settlesOn, isDown, from, say, asks, remove, friends, isSynced } = scene;

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
        deadlineMs: 40_000,
        everyMs: 300,
        what: () =>
          `the stores to agree:\n${wrong.join('\n')}\nlast: ${juliet.stanzas.slice(-6).map(String).join('\n')}`,
      },
    );
  }, 60_000);
});
