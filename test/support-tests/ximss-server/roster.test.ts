/** Roster, subscription between two local accounts, presence and its aggregation. */
import fc from 'fast-check';
import type { XimssServer } from '../../support/ximss-server/server';
import { verbs } from '../../support/ximss-server/accounts/subscription';
import { alice, bob, carol, makeHarness } from './harness';

const { boot, loggedIn, down } = makeHarness();
afterEach(down);

const item = (server: XimssServer, owner: string, peer: string): string => {
  const found = server.account(owner).roster.get(peer);
  if (found === undefined) return 'absent';
  return `${found.subscription}${found.isAsking ? ' asking' : ''}${found.isAsked ? ' asked' : ''}${found.isListed ? '' : ' unlisted'}`;
};
const presenceSet = (id: string, value: string, status = ''): string =>
  `<presenceSet id="${id}"><presence>${value}</presence><status>${status}</status></presenceSet>`;
const verb = (id: string, type: string, peer: string): string =>
  `<presenceSet id="${id}" peer="${peer}" type="${type}"/>`;

describe('rosterSet and rosterList', () => {
  test('add, change, list, remove; each change is pushed without id before the response', async () => {
    await boot();
    const client = await loggedIn();
    expect(
      await client.ask(
        `<rosterSet id="1" peer="Bob@x.dom" name="B &amp; b"><group>Work</group><group>~own</group></rosterSet>`,
      ),
    ).toEqual([
      `<rosterItem peer="${bob}" name="B &amp; b" subscription="none"><group>Work</group><group>~own</group></rosterItem>`,
      '<response id="1"/>',
    ]);
    await client.ask('<rosterSet id="2" peer="who@far.dom"/>');
    await client.ask(`<rosterSet id="3" peer="${bob}" name="Bobby"><group>Home</group></rosterSet>`);
    expect(await client.ask('<rosterList id="4"/>')).toEqual([
      `<rosterItem id="4" peer="${bob}" name="Bobby" subscription="none"><group>Home</group></rosterItem>`,
      '<rosterItem id="4" peer="who@far.dom" subscription="none"/>',
      '<response id="4"/>',
    ]);
    expect(await client.ask(`<rosterSet id="5" peer="${bob}" subscription="remove"/>`)).toEqual([
      `<rosterItem peer="${bob}" subscription="remove"/>`,
      '<response id="5"/>',
    ]);
  });

  test.each([
    ['no peer', '<rosterSet id="1"/>', /peer/],
    ['a resource', `<rosterSet id="1" peer="${bob}/x"/>`, /peer/],
    ['a subscription other than remove', `<rosterSet id="1" peer="${bob}" subscription="both"/>`, /subscription/],
    ['an empty group', `<rosterSet id="1" peer="${bob}"><group/></rosterSet>`, /group/],
    ['removing nobody', `<rosterSet id="1" peer="${bob}" subscription="remove"/>`, /contact is not found/],
  ])('%s is refused', async (_what, request, expected) => {
    await boot();
    expect(await (await loggedIn()).ask(request)).toEqual([expect.stringMatching(expected)]);
  });

  test('the other reading of A18 wants type="remove"', async () => {
    await boot({ dialect: { rosterRemove: 'type' } });
    const client = await loggedIn();
    await client.ask(`<rosterSet id="1" peer="${bob}"/>`);
    expect((await client.ask(`<rosterSet id="2" peer="${bob}" type="remove"/>`))[0]).toContain('subscription="remove"');
  });

  test('a session bound without presence gets no roster changes', async () => {
    const server = await boot();
    const client = await loggedIn(alice, false);
    await client.ask('<signalBind id="1"/>');
    server.client(alice).rosterSet(bob);
    expect(await client.ask('<noop id="2"/>')).toEqual(['<response id="2"/>']);
  });
});

describe('subscription', () => {
  test('request, approval, presence; both rosters and all messages', async () => {
    const server = await boot();
    const far = server.client(bob);
    far.setPresence('away', 'lunch');
    const client = await loggedIn();
    expect(await client.ask(verb('1', 'subscribe', bob))).toEqual([
      `<rosterItem peer="${bob}" subscription="none" ask="subscribe"/>`,
      '<response id="1"/>',
    ]);
    expect(far.of('verb')).toMatchObject([{ peer: alice, type: 'subscribe' }]);
    expect(far.rosterList()).toEqual([]);
    const from = client.docs.length;
    far.subscribed(alice);
    await client.until(/<presence>away/, from);
    expect(client.docs.slice(from)).toEqual([
      `<presence peer="${bob}" type="subscribed"/>`,
      `<rosterItem peer="${bob}" subscription="to"/>`,
      `<presence peer="${bob}"><presence>away</presence><status>lunch</status></presence>`,
    ]);
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['to', 'from']);
  });

  test('a request waits for the contact and is shown at every bind until answered', async () => {
    const server = await boot();
    server.client(alice).subscribe(bob);
    const first = await loggedIn(bob);
    expect(first.docs).toContain(`<presence peer="${alice}" type="subscribe"/>`);
    const second = await loggedIn(bob);
    expect(second.docs).toContain(`<presence peer="${alice}" type="subscribe"/>`);
    await second.ask(verb('1', 'unsubscribed', alice));
    const third = await loggedIn(bob);
    expect(third.docs.join()).not.toContain('type="subscribe"');
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['none', 'absent']);
  });

  test('removal of a mutual contact undoes both directions and hides presence', async () => {
    const server = await boot();
    const far = server.client(bob);
    const near = server.client(alice);
    near.setPresence('online');
    far.setPresence('online');
    near.subscribe(bob);
    far.subscribed(alice);
    far.subscribe(alice);
    near.subscribed(bob);
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['both', 'both']);
    const seen = [near.received.length, far.received.length];
    near.rosterRemove(bob);
    const brief = (actor: typeof near, from = 0): string[] =>
      actor.received
        .slice(from)
        .map((got) => `${got.kind} ${got.type ?? got.element.attrs['subscription'] ?? got.presence ?? ''}`);
    expect(brief(near, seen[0])).toEqual(['presence unavailable', 'roster remove']);
    expect(brief(far, seen[1])).toEqual([
      'verb unsubscribe',
      'roster to',
      'verb unsubscribed',
      'roster none',
      'presence unavailable',
    ]);
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['absent', 'none']);
  });

  test.each([
    ['an unknown account', verb('1', 'subscribe', 'no@x.dom'), /unknown user account/],
    ['a remote domain', verb('1', 'subscribe', 'a@far.dom'), /relaying/],
    ['no peer', '<presenceSet id="1" type="subscribe"/>', /peer/],
    ['an unknown type', verb('1', 'probe', bob), /type/],
    ['directed presence', `<presenceSet id="1" peer="${bob}"><presence>online</presence></presenceSet>`, /rooms/],
    ['no presence at all', '<presenceSet id="1"/>', /presence/],
  ])('%s is refused', async (_what, request, expected) => {
    await boot();
    expect(await (await loggedIn()).ask(request)).toEqual([expect.stringMatching(expected)]);
  });

  test('an unasked approval changes nothing; asking again when approved is answered at once', async () => {
    const server = await boot();
    const near = server.client(alice);
    const far = server.client(bob);
    far.subscribed(alice);
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['absent', 'absent']);
    near.subscribe(bob);
    far.subscribed(alice);
    near.subscribe(bob);
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['to', 'from']);
    expect(far.of('verb')).toHaveLength(1);
  });

  test('a side that lost its roster is approved again at once by the side that still knows', async () => {
    const server = await boot();
    const near = server.client(alice);
    const far = server.client(bob);
    near.subscribe(bob);
    far.subscribed(alice);
    server.account(alice).roster.clear();
    near.subscribe(bob);
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['to', 'from']);
    expect(far.of('verb')).toHaveLength(1);
  });

  test('the readings of the presence guide: adding asks, one confirmation is mutual', async () => {
    const server = await boot({ dialect: { rosterSetSubscribes: true, confirmIsMutual: true } });
    const near = server.client(alice);
    const far = server.client(bob);
    near.rosterSet(bob);
    far.subscribed(alice);
    expect([item(server, alice, bob), item(server, bob, alice)]).toEqual(['both', 'both']);
  });

  test('any sequence of verbs and removals keeps the two rosters in step', async () => {
    const server = await boot();
    const people = { alice: server.client(alice), bob: server.client(bob) };
    const steps = fc.array(
      fc.record({
        who: fc.constantFrom('alice' as const, 'bob' as const),
        what: fc.constantFrom(...verbs, 'remove' as const),
      }),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        server.account(alice).roster.clear();
        server.account(bob).roster.clear();
        for (const { who, what } of list) {
          const peer = who === 'alice' ? bob : alice;
          if (what !== 'remove') people[who].verb(what, peer);
          else if (server.account(people[who].account).roster.get(peer)?.isListed === true)
            people[who].rosterRemove(peer);
          const mine = server.account(alice).roster.get(bob);
          const theirs = server.account(bob).roster.get(alice);
          const to = (s: string | undefined): boolean => s === 'to' || s === 'both';
          const from = (s: string | undefined): boolean => s === 'from' || s === 'both';
          expect(to(mine?.subscription)).toBe(from(theirs?.subscription));
          expect(from(mine?.subscription)).toBe(to(theirs?.subscription));
          expect(mine?.isAsking ?? false).toBe(theirs?.isAsked ?? false);
          expect(mine?.isAsked ?? false).toBe(theirs?.isAsking ?? false);
        }
      }),
    );
  });
});

describe('presence', () => {
  async function befriended(options = {}): Promise<{ server: XimssServer; far: ReturnType<XimssServer['client']> }> {
    const server = await boot(options);
    const far = server.client(bob);
    const near = server.client(alice);
    near.subscribe(bob);
    far.subscribed(alice);
    near.close();
    return { server, far };
  }

  test('a contact that is there is seen at bind, changes follow, leaving shows as unavailable', async () => {
    const { far } = await befriended();
    far.setPresence('busy', 'in a call');
    const client = await loggedIn();
    expect(client.docs).toContain(
      `<presence peer="${bob}"><presence>busy</presence><status>in a call</status></presence>`,
    );
    far.setPresence('busy', 'in a call');
    far.setPresence('online');
    far.unbind();
    await client.until(/unavailable/);
    expect(client.docs.filter((doc) => doc.startsWith('<presence'))).toEqual([
      `<presence peer="${bob}"><presence>busy</presence><status>in a call</status></presence>`,
      `<presence peer="${bob}"><presence>online</presence></presence>`,
      `<presence peer="${bob}" type="unavailable"/>`,
    ]);
  });

  test('sessions are combined: any busy, else any online; a lost one no longer counts', async () => {
    const { server, far } = await befriended();
    const second = server.client(bob, 'second');
    const watcher = server.client(alice);
    const shown = (): (string | undefined)[] => watcher.of('presence').map((got) => got.presence);
    far.setPresence('away');
    second.setPresence('online');
    far.setPresence('busy');
    second.setPresence('away');
    far.close();
    second.setPresence('invisible');
    expect(shown()).toEqual(['away', 'online', 'busy', 'away', 'offline']);
  });

  test('strangers see nothing', async () => {
    const { server, far } = await befriended();
    const stranger = server.client(carol);
    far.setPresence('online');
    expect(stranger.received).toEqual([]);
  });

  test('a cut connection takes its presence with it', async () => {
    const server = await boot();
    const far = server.client(bob);
    far.subscribe(alice);
    const client = await loggedIn();
    await client.ask(verb('1', 'subscribed', bob));
    await client.ask(presenceSet('2', 'Online', 'x'));
    server.dropAll();
    expect(far.of('presence').map((got) => [got.presence, got.text])).toEqual([
      ['online', 'x'],
      ['offline', ''],
    ]);
  });

  test('show beside presence, in the dialect that has it', async () => {
    const { far } = await befriended({ dialect: { presenceShow: true } });
    far.setPresence('out-lunch');
    const client = await loggedIn();
    expect(client.docs).toContain(`<presence peer="${bob}"><show>xa</show><presence>out-lunch</presence></presence>`);
  });

  test('an unknown word is recorded', async () => {
    const server = await boot();
    await (await loggedIn()).ask(presenceSet('1', 'dancing'));
    expect(server.strict.violations).toEqual([`${alice}: presenceSet: unknown presence word`]);
  });
});
