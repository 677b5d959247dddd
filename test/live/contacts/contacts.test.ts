/**
 * Contacts under bad input and in the corners, through the real bridge on real servers: what nobody would say, rosters
 * that no client would show, crowds; in the end the four stores and the clients agree, and nothing is said any more.
 */
import fc from 'fast-check';
import type { JabberClient } from '../../support/xmpp/jabber-client';
import type { Rig } from '../../support/rig';
import type { RedisServer } from '../../support/servers';
import { pause, until } from '../../support/wait';
import { xml, type Element } from '../../support/xmpp/xml';
import type { Actor } from '../../support/ximss-server/server';
import { contactServers, me, startContacts } from './contacts-scene';
import { stateKey } from '../../support/store-keys';

describe.each(contactServers('http'))('contacts on %s', (_name, kind, start, privileges, binding) => {
  let rig: Rig;
  let redis: RedisServer;
  let juliet: JabberClient;

  const scene = startContacts([start, privileges, binding], (world) => ({ rig, redis, juliet } = world));
  beforeAll(() => void (native = rig.ximss.client(me, 'native')));
  const { actor, ghost, online, compared, settled, allStores, settlesOn, from, say, remove, rosterSet, friends } =
    scene;
  /** The same person at a CommuniGate client of their own. */
  let native: Actor;
  const canWrite = kind === 'prosody' && privileges;
  const presencesFrom = (jid: string): Element[] =>
    juliet.stanzas.filter(({ name, attrs }) => name === 'presence' && attrs['from']?.split('/')[0] === jid);

  test('the gateway asks once to see a user whose roster it may not write', async () => {
    const { componentDomain } = rig.xmpp;
    const asked = () => presencesFrom(componentDomain).filter(({ attrs }) => attrs['type'] === 'subscribe');
    if (canWrite) {
      actor('g0').subscribe(me);
      await juliet.waitFor(from('g0', 'subscribe')); // by then the gateway would have asked, too
      return expect(asked()).toEqual([]);
    }
    native.rosterSet('g0@far.test'); // ejabberd 23.01 grants what it then refuses
    await until(() => asked().length === 1, { what: 'the question' });
    juliet.presence({ to: componentDomain, type: 'subscribed' });
    juliet.presence({ show: 'dnd', status: 'reading' });
    await until(
      () => {
        const [session] = [...rig.ximss.account(me).sessions].filter((one) => one.transport !== 'inside');
        return session?.presence?.value === 'busy';
      },
      { what: 'the presence of a user without contacts' },
    );
    juliet.presence();
  });

  test('a denial survives a crash of the bridge and is not asked about again', async () => {
    actor('d1').subscribe(me);
    await juliet.waitFor(from('d1', 'subscribe'));
    say('d1', 'unsubscribed');
    await settlesOn('d1', { bridge: 'none denied' });
    juliet.clear();
    await rig.bridge.kill9();
    await rig.bridge.start();
    await online();
    actor('d1').subscribe(me);
    // denied again: the first denial may be said twice, since it may not have been settled when the bridge was killed
    await settlesOn('d1', { bridge: 'none denied', contact: 'none' });
    await compared();
    expect(juliet.stanzas.filter(from('d1', 'subscribe'))).toEqual([]);
  });

  test('unlinking says unavailable and ends the subscriptions', async () => {
    await rig.xmpp.register('nurse', 'jabber-secret');
    rig.ximss.addAccount('nurse@far.test', 'far-secret');
    const nurse = await rig.juliet.login({ user: 'nurse', resource: 'kitchen' });
    const register = (...children: Element[]) =>
      nurse.iq('set', xml('query', { xmlns: 'jabber:iq:register' }, ...children), rig.xmpp.componentDomain);
    const done = await register(xml('username', {}, 'nurse@far.test'), xml('password', {}, 'far-secret'));
    expect(done.attrs['type']).toBe('result');
    actor('u1').setPresence('online');
    nurse.presence({ to: ghost('u1'), type: 'subscribe' });
    await actor('u1').waitFor(({ type, peer }) => type === 'subscribe' && peer === 'nurse@far.test');
    actor('u1').subscribed('nurse@far.test');
    await nurse.waitFor(from('u1', undefined));
    expect((await register(xml('remove'))).attrs['type']).toBe('result');
    await nurse.waitFor(from('u1', 'unavailable'));
    await until(async () => (await rig.xmpp.roster('nurse')).every((one) => one.subscription === 'none'), {
      what: 'the end of the subscriptions',
    });
    expect(await redis.cli('EXISTS', stateKey('pairs', 'nurse@jabber.test'))).toContain('0');
    await nurse.close();
  });

  test('presence of every type, to ghosts that are, cannot be, or are nobody: the stream and the session live', async () => {
    await friends('b1');
    const before = rig.bridge.logs.length;
    const types = [
      'subscribe',
      'subscribed',
      'unsubscribe',
      'unsubscribed',
      'probe',
      'error',
      'unavailable',
      'nonsense',
    ];
    const domain = rig.xmpp.componentDomain;
    const targets = ['b2', 'nobody', 'a\\40b.test', '\\20x', 'x\\20', 'a\\40', `${'l'.repeat(900)}`].map(
      (local) => `${local}@${domain}`,
    );
    actor('b2');
    for (const to of [...targets, `${ghost('b2')}/operator`, domain, `${domain}/x`]) {
      for (const type of types) juliet.presence({ to, type, status: 's'.repeat(3_000), priority: 999 });
      juliet.presence({ to, show: 'nonsense', status: '\u0001\ufffe'.replace(/./g, '?') });
      juliet.presence({ to, type: 'unavailable' });
    }
    juliet.presence(); // the gateway was told that she is gone
    for (const one of ['b2', 'nobody']) for (const type of ['unsubscribed', 'unsubscribe']) say(one, type);
    await juliet.barrier();
    await settlesOn('b2', { contact: '-' }).catch(() => settlesOn('b2', { contact: 'none' }));
    actor('b1').setPresence('busy', 'still here');
    await juliet.waitFor((one) => from('b1', undefined)(one) && one.text('status') === 'still here');
    const bad = rig.bridge.logs
      .slice(before)
      .filter((line) => line['level'] === 'error' || /stream ended/.test(String(line['msg'])));
    expect(bad).toEqual([]);
  });

  test('a far roster of nonsense: what can be shown is, the rest is counted and said once', async () => {
    const { roster } = rig.ximss.account(me);
    const put = (key: string, peer: string, changes: object = {}): void => {
      roster.set(key, {
        peer,
        name: undefined,
        groups: [],
        subscription: 'none',
        isAsking: false,
        isAsked: false,
        isListed: true,
        ...changes,
      });
    };
    const nonsense = ['', 'no address', 'a@b@c', 'x@', `${'l'.repeat(2_000)}@far.test`];
    for (const [i, peer] of nonsense.entries()) put(`n${i}`, peer);
    put('odd', 'odd@far.test', { subscription: 'maybe', name: 'Odd' });
    put('none', 'bare@far.test', { subscription: undefined, name: 'Bare' });
    put('double 1', 'Double@FAR.test', { name: 'first' });
    put('double 2', 'double@far.test', { name: 'last' });
    put('long', 'long@far.test', { name: 'ы'.repeat(5_000), groups: ['g'.repeat(5_000), '', 'g'.repeat(5_000)] });
    put('many', 'many@far.test', { groups: Array.from({ length: 500 }, (_, i) => `group ${i}`) });
    put('markup', 'markup@far.test', { name: '<a href="x">&amp;</a>\u0007', groups: ['<g>', ' ', '~secret'] });
    rig.bridge.clearLogs();
    native.rosterSet('plain@far.test', { name: 'Plain', groups: ['G'] });
    await rig.bridge.waitForLog(
      ({ msg, count }) => msg === 'contacts without a usable address' && count === nonsense.length,
    );
    if (canWrite) {
      await until(async () => (await rig.xmpp.roster('juliet')).some(({ jid }) => jid === ghost('plain')));
      await settled();
      const entries = new Map((await rig.xmpp.roster('juliet')).map((entry) => [entry.jid, entry]));
      const of = (name: string) => entries.get(ghost(name));
      expect(['odd', 'bare', 'double'].map((name) => [of(name)?.name, of(name)?.subscription])).toEqual([
        ['Odd', 'none'],
        ['Bare', 'none'],
        ['last', 'none'],
      ]);
      expect(Buffer.byteLength(of('long')?.name ?? '')).toBeLessThan(1_024);
      expect(of('long')?.groups).toHaveLength(1);
      expect(of('many')?.groups).toHaveLength(100);
      expect([of('markup')?.name, of('markup')?.groups]).toEqual(['<a href="x">&amp;</a>', ['<g>']]);
    }
    await settled();
    const said = rig.bridge.logs.filter(({ msg }) => msg === 'contacts without a usable address');
    expect(said).toHaveLength(1);
    expect(rig.bridge.logs.filter(({ level }) => level === 'error')).toEqual([]);
    for (const key of ['odd', 'none', 'double 1', 'double 2', 'long', 'many', 'markup']) roster.delete(key);
    for (let i = 0; i < nonsense.length; i += 1) roster.delete(`n${i}`);
  });

  test('whatever both sides say and do, in any order: in the end all agree, and nobody says a word more', async () => {
    const verb = fc.constantFrom(
      'subscribe' as const,
      'subscribed' as const,
      'unsubscribe' as const,
      'unsubscribed' as const,
    );
    const act = fc.oneof(
      { weight: 6, arbitrary: fc.record({ who: fc.constantFrom('user', 'peer', 'native'), verb }) },
      fc.record({
        who: fc.constant('user'),
        verb: fc.constantFrom('remove', 'rename', 'probe', 'appear', 'vanish', 'error'),
      }),
      fc.record({ who: fc.constant('native'), verb: fc.constantFrom('remove', 'rename') }),
      fc.record({ who: fc.constant('peer'), verb: fc.constantFrom('online', 'away', 'offline') }),
    );
    const plays = fc.sample(fc.array(act, { minLength: 3, maxLength: 9 }), { numRuns: 24, seed: 77 });
    const before = rig.bridge.logs.length;
    const quietly = (doIt: () => void): void => {
      try {
        doIt();
      } catch {
        // the far server refuses what cannot be
      }
    };
    const perform = async (name: string, { who, verb: what }: { who: string; verb: string }): Promise<void> => {
      const isVerb = /subscribe/.test(what);
      if (who === 'peer' && isVerb) quietly(() => actor(name).request('presenceSet', { peer: me, type: what }));
      else if (who === 'peer') actor(name).setPresence(what);
      else if (who === 'native' && isVerb)
        quietly(() => native.request('presenceSet', { peer: `${name}@far.test`, type: what }));
      else if (who === 'native' && what === 'remove') quietly(() => native.rosterRemove(`${name}@far.test`));
      else if (who === 'native')
        quietly(() => native.rosterSet(`${name}@far.test`, { name: `N ${name}`, groups: ['N'] }));
      else if (what === 'remove') await remove(name);
      else if (what === 'rename') await rosterSet(name, { name: `J ${name}` }, 'J');
      else if (what === 'appear') juliet.presence({ to: ghost(name), show: 'away' });
      else if (what === 'vanish') juliet.presence({ to: ghost(name), type: 'unavailable' });
      else say(name, what);
    };
    await Promise.all(
      plays.map(async (play, i) => {
        actor(`f${i}`);
        for (const one of play) {
          await perform(`f${i}`, one);
          await pause(one.verb === 'subscribe' ? 30 : 5);
        }
      }),
    );
    // where nobody can look into the roster, what crossed on the way ends when both speak again
    if (!privileges) {
      await settled();
      for (const i of plays.keys()) say(`f${i}`, 'subscribe');
      await settled();
      for (const i of plays.keys()) quietly(() => actor(`f${i}`).subscribed(me));
      await settled();
      for (const i of plays.keys()) if (juliet.stanzas.some(from(`f${i}`, 'subscribe'))) say(`f${i}`, 'subscribed');
    }
    const sees = (text: string): boolean => /^(to|both)/.test(text);
    const isSeen = (text: string): boolean => /^(from|both)/.test(text);
    const wrongs = async (): Promise<string[]> => {
      const all = await allStores([...plays.keys()].map((i) => `f${i}`));
      return all.flatMap(({ server, bridge, far }, i) => {
        const play = plays[i] ?? [];
        const isRight =
          sees(server) === isSeen(bridge) && isSeen(server) === sees(bridge) && (!sees(server) || sees(far));
        const last = presencesFrom(ghost(`f${i}`))
          .filter(({ attrs }) => !/subscribe|error/.test(attrs['type'] ?? ''))
          .at(-1);
        const shown =
          last === undefined || last.attrs['type'] === 'unavailable' ? 'offline' : last.text('show') || 'online';
        const isShown = !sees(server) || shown === (actorShow.get(`f${i}`) ?? 'offline');
        const said = play.map(({ who, verb: word }) => `${who} ${word}`).join(', ');
        return isRight && isShown
          ? []
          : [`f${i}: server ${server}, bridge ${bridge}, far ${far}, shown ${shown} after ${said}`];
      });
    };
    const actorShow = new Map(
      plays.map((play, i) => [
        `f${i}`,
        play
          .map(({ verb: word }) => word)
          .filter((word) => /^(online|away|offline)$/.test(word))
          .at(-1),
      ]),
    );
    let wrong: string[] = [];
    await until(async () => (wrong = await wrongs()).length === 0, {
      deadlineMs: 30_000,
      everyMs: 500,
      what: () => `the stores to agree:\n${wrong.join('\n')}\n`,
    });
    await settled();
    await until(async () => (wrong = await wrongs()).length === 0, { what: () => `no change:\n${wrong.join('\n')}\n` });
    const ends = /session ended, will log in|stream ended|could not be handled/;
    expect(rig.bridge.logs.slice(before).filter(({ msg }) => ends.test(String(msg)))).toEqual([]);
  }, 120_000);
});
