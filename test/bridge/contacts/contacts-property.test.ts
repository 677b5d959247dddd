/**
 * Whatever users do on both sides, with outages of either side and crashes between: in the end all stores say the same,
 * everybody sees the truth, and then nothing is sent any more.
 */
import fc from 'fast-check';
import { account, makeScene, type Scene } from '../../support/middle-scene';
import type { Access, Kind } from '../../support/fakes/jabber';
import type { SubscriptionVerb } from '../../../src/core/model';
import { halvesOf, newPair, parsePair } from '../../../src/core/contacts/pair';

const juliet = account('juliet');
const peers = ['romeo', 'mercutio'] as const;
type Peer = (typeof peers)[number];

type Act =
  | { readonly do: 'user' | 'peer' | 'native'; readonly verb: SubscriptionVerb; readonly peer: Peer }
  | { readonly do: 'remove' | 'nativeRemove'; readonly peer: Peer }
  | { readonly do: 'rename' | 'nativeRename'; readonly peer: Peer; readonly name: string; readonly groups: string[] }
  | { readonly do: 'presence'; readonly peer: Peer; readonly word: string }
  | { readonly do: 'show'; readonly show: 'online' | 'away' | 'dnd' }
  | {
      readonly do: 'login' | 'logout' | 'jabberDown' | 'jabberUp' | 'farDown' | 'farUp' | 'crash' | 'restart' | 'wait';
    };

const peer = fc.constantFrom(...peers);
const verb = fc.constantFrom<SubscriptionVerb>('subscribe', 'subscribed', 'unsubscribe', 'unsubscribed');
const labels = { name: fc.constantFrom('Romeo', 'R.'), groups: fc.subarray(['Friends', 'Verona']) };

const verbs = (who: 'user' | 'peer' | 'native') => fc.record({ do: fc.constant(who), verb, peer });
const calm: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: verbs('user') },
  { weight: 6, arbitrary: verbs('peer') },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('presence' as const),
      peer,
      word: fc.constantFrom('online', 'away', 'busy', 'offline'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('show' as const),
      show: fc.constantFrom('online' as const, 'away' as const, 'dnd' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('login' as const, 'logout' as const, 'wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), peer }) },
);
const farTrouble: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: verbs('native') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('nativeRename' as const), peer, ...labels }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('farDown' as const, 'farUp' as const) }) },
);
const jabberTrouble: fc.Arbitrary<Act> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename' as const), peer, ...labels }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('jabberDown' as const, 'jabberUp' as const, 'crash' as const) }),
  },
);

async function perform(s: Scene, act: Act): Promise<void> {
  switch (act.do) {
    case 'user':
      return s.user().say(act.verb, account(act.peer));
    case 'peer':
      return s.far.actor(account(act.peer)).verb(act.verb, juliet);
    case 'native':
      return s.far.actor(juliet).verb(act.verb, account(act.peer));
    case 'remove':
      return s.user().remove(account(act.peer));
    case 'nativeRemove':
      return s.far.actor(juliet).rosterRemove(account(act.peer));
    case 'rename':
      if (!s.user().roster.has(account(act.peer))) return;
      return s.user().rename(account(act.peer), act.name, act.groups);
    case 'nativeRename':
      if (!s.far.item(juliet, account(act.peer))) return;
      return s.far.actor(juliet).rosterSet(account(act.peer), { name: act.name, groups: act.groups });
    case 'presence':
      return s.far.actor(account(act.peer)).setPresence(act.word);
    case 'show':
      return s.user().show === 'offline' ? undefined : s.user().setShow(act.show);
    case 'login':
      return s.user().login();
    case 'logout':
      return s.user().logout();
    case 'jabberDown':
    case 'jabberUp':
      return s.jabber.setUp(act.do === 'jabberUp');
    case 'farDown':
    case 'farUp':
      return s.far.setDown(act.do === 'farDown');
    case 'crash':
      s.kill();
      return s.start();
    case 'restart':
      await s.stop();
      return s.start();
    case 'wait':
      return s.settle(1_000);
  }
}

const sees = (subscription: string | undefined): boolean => subscription === 'to' || subscription === 'both';
const isSeen = (subscription: string | undefined): boolean => subscription === 'from' || subscription === 'both';

/** What is wrong, in words. */
async function wrongs(s: Scene, access: Access): Promise<string[]> {
  const wrong: string[] = [];
  const pairs = await s.store.state.read('pairs', s.user().jid);
  const say = (ok: boolean, text: string): void => void (ok || wrong.push(text));
  const { skipped } = await s.contacts().plan(s.user().jid, null, AbortSignal.timeout(5_000));
  for (const name of peers) {
    const contact = account(name);
    if (skipped.includes(contact)) continue; // the brake: what an empty roster seems to say waits for the operator
    const entry = s
      .user()
      .entries()
      .find((one) => one.account === contact);
    const item = s.far.item(juliet, contact);
    const pair = parsePair(pairs.get(contact) ?? '') ?? newPair;
    const far = { to: sees(item?.subscription), from: isSeen(item?.subscription) };
    const server = { to: sees(entry?.subscription), from: isSeen(entry?.subscription) };
    const text = `${name}: server ${entry?.subscription ?? '-'}${entry?.ask ? ' ask' : ''} ${entry?.name} ${entry?.groups.join()}, far ${item?.subscription ?? '-'}${item?.isAsking ? ' ask' : ''}${item?.isListed ? '' : ' unlisted'} ${item?.name} ${item?.groups.join()}`;
    if (access === 'both') {
      say(server.to === far.to && (server.from || !far.from), `subscription differs: ${text}`);
      say(entry !== undefined || item?.isListed !== true || pair.denied, `listed on the far side only: ${text}`);
      if (entry && item?.isListed) {
        say((entry.name || null) === (item.name ?? null), `names differ: ${text}`);
        say([...entry.groups].sort().join() === [...item.groups].sort().join(), `groups differ: ${text}`);
      }
    } else {
      say(!server.to || far.to, `sees without right: ${text}`);
    }
    // a denial said while our session was away does not show in the far roster: the user goes on waiting
    say(!entry?.ask || halvesOf(pair.state).sees === 'pending', `a request that nobody knows of: ${text}`);
    say(halvesOf(pair.state).sees !== 'yes' || server.to, `we believe the user sees: ${text}`);
    say(halvesOf(pair.state).seen !== 'yes' || server.from, `we believe the user is seen: ${text}`);
    const shown = s.user().seen.get(contact)?.show ?? 'offline';
    const truth = s.far.presenceOf(contact).value;
    const words: Record<string, string> = { online: 'online', away: 'away', busy: 'dnd', offline: 'offline' };
    say(
      shown === (server.to && s.user().show !== 'offline' ? words[truth] : 'offline'),
      `shown ${shown}, is ${truth}: ${text}`,
    );
  }
  const mine = s.user().show;
  const isKnown = s
    .user()
    .entries()
    .some((entry) => isSeen(entry.subscription));
  const told = [...(s.far.world.accounts.get(juliet)?.sessions ?? [])].find((one) => one.bind?.clientID === 'bridge');
  if (isKnown) {
    const word = { online: 'online', chat: 'online', away: 'away', xa: 'away', dnd: 'busy', offline: 'offline' }[mine];
    say(told?.presence?.value === word, `own presence is ${told?.presence?.value}, not ${word}`);
  }
  return wrong;
}

const busy = (s: Scene): string[] => [
  ...s.jabber.quiet(),
  ...[...s.far.requests].filter(([name]) => name !== 'rosterList').map(([name, count]) => `${name} ${count}`),
];

async function holds(kind: Kind, access: Access, acts: readonly Act[]): Promise<void> {
  const s = await makeScene({ kind, access });
  try {
    s.user().login();
    for (const act of acts) {
      await perform(s, act);
      // verbs that cross on their way are seen in the rosters only
      if (access === 'none' || (act.do !== 'user' && act.do !== 'peer')) await s.settle();
    }
    await s.settle();
    s.jabber.setUp(true);
    s.far.setDown(false);
    await s.settle(120_000);
    s.user().login();
    await s.settle(700_000);
    expect(await wrongs(s, access)).toEqual([]);
    s.far.requests.clear();
    s.jabber.quiet();
    await s.settle(700_000);
    expect(busy(s)).toEqual([]);
    expect(await wrongs(s, access)).toEqual([]);
  } finally {
    await s.stop();
  }
}

const kinds: readonly Kind[] = ['prosody', 'ejabberd'];
const runs = { numRuns: Number(process.env['FC_RUNS'] ?? 15), endOnFailure: false };

describe.each(kinds)('on %s', (kind) => {
  test('without any right to rosters, with far outages', async () => {
    const acts = fc.array(fc.oneof(calm, farTrouble), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(acts, (list) => holds(kind, 'none', list)),
      runs,
    );
  });

  test.each<Access>(['get', 'both'])(
    'with the right "%s" to rosters, with outages of both sides and crashes',
    async (access) => {
      const acts = fc.array(
        fc.oneof(
          { weight: 2, arbitrary: calm },
          { weight: 1, arbitrary: farTrouble },
          { weight: 1, arbitrary: jabberTrouble },
        ),
        { maxLength: 14 },
      );
      await fc.assert(
        fc.asyncProperty(acts, (list) => holds(kind, access, list)),
        runs,
      );
    },
  );
});
