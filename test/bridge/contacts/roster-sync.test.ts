/** Rosters kept equal: names and groups, deletions and their brake, servers that refuse, storms of contacts. */
import { gatewayPeer } from '../../../src/core/model';
import { account, jid, makeScene, type Scene, type SceneOptions } from '../../support/middle-scene';

const romeo = account('romeo');
const juliet = account('juliet');
const signal = (): AbortSignal => AbortSignal.timeout(5_000);

const scenes: Scene[] = [];
async function scene(options: SceneOptions = {}): Promise<Scene> {
  const made = await makeScene({ access: 'both', ...options });
  scenes.push(made);
  made.user().login();
  return made;
}
afterEach(async () => {
  for (const one of scenes.splice(0)) await one.stop().catch(() => undefined);
});

const entry = (s: Scene, peer = romeo) =>
  s
    .user()
    .entries()
    .find((one) => one.account === peer);
/** The same person at a CommuniGate client of their own. */
const native = (s: Scene) => s.far.actor(juliet);

/** `count` far accounts that are juliet's contacts, both ways, without her having said a word. */
function befriend(s: Scene, count: number): readonly string[] {
  const names = Array.from({ length: count }, (_, i) => `c${i}`);
  for (const name of names) {
    s.far.world.accounts.add(account(name), 'x');
    const item = { name: name.toUpperCase(), groups: ['Verona'], isAsking: false, isAsked: false, isListed: true };
    for (const [mine, theirs] of [
      [juliet, account(name)],
      [account(name), juliet],
    ] as const)
      s.far.world.accounts.get(mine)?.roster.set(theirs, { peer: theirs, subscription: 'both', ...item });
  }
  return names;
}

describe('names and groups', () => {
  test('a far contact appears in the roster with name, groups and presence, and the far side sees the user', async () => {
    const s = await scene();
    befriend(s, 1);
    s.far.actor(account('c0')).setPresence('away');
    s.contacts().onContact(jid('juliet'), account('c0'), null);
    await s.settle(2_000);
    expect(entry(s, account('c0'))).toMatchObject({ name: 'C0', groups: ['Verona'], subscription: 'both', ask: false });
    expect(s.user().seen.get(account('c0'))).toMatchObject({ show: 'away' });
    expect(s.far.presenceOf(juliet).value).toBe('online');
  });

  test('a rename on the far side goes to the server roster, one of the user to the far side; hidden groups stay', async () => {
    const s = await scene();
    native(s).rosterSet(romeo, { name: 'Romeo', groups: ['Friends', '~hidden'] });
    await s.settle(2_000);
    expect(entry(s)).toMatchObject({ name: 'Romeo', groups: ['Friends'] });
    native(s).rosterSet(romeo, { name: 'Romeo M.', groups: ['Friends', '~hidden'] });
    await s.settle(2_000);
    expect(entry(s)).toMatchObject({ name: 'Romeo M.' });
    s.user().rename(romeo, 'My Romeo', ['Lovers']);
    await s.settle(700_000);
    expect(s.far.item(juliet, romeo)).toMatchObject({ name: 'My Romeo' });
    expect([...(s.far.item(juliet, romeo)?.groups ?? [])].sort()).toEqual(['Lovers', '~hidden']);
    s.jabber.quiet();
    s.far.requests.clear();
    await s.settle(700_000);
    expect([s.jabber.quiet(), s.far.requests.has('rosterSet')]).toEqual([[], false]);
  });

  test('a name of 10 kB and a thousand groups are made to fit, once', async () => {
    const s = await scene();
    const groups = Array.from({ length: 90 }, (_, i) => `group ${i} ${'x'.repeat(2_000)}`);
    native(s).rosterSet(romeo, { name: 'ё'.repeat(10_000), groups });
    await s.settle(2_000);
    expect(Buffer.byteLength(entry(s)?.name ?? '')).toBeLessThanOrEqual(1_023);
    expect(entry(s)?.groups).toHaveLength(90);
    expect(s.far.item(juliet, romeo)?.name).toHaveLength(10_000);
    s.jabber.quiet();
    s.far.requests.clear();
    await s.settle(700_000);
    expect([s.jabber.quiet(), s.far.requests.has('rosterSet')]).toEqual([[], false]);
  });
});

describe('deletions', () => {
  test('a contact deleted on the far side goes from the server roster', async () => {
    const s = await scene();
    befriend(s, 5);
    s.contacts().onContact(jid('juliet'), romeo, null);
    await s.settle(2_000);
    expect(s.user().entries()).toHaveLength(5);
    native(s).rosterRemove(account('c0'));
    await s.settle(2_000);
    expect(s.user().entries()).toHaveLength(4);
  });

  test('the last contact deleted on the far side goes too: the far side has named it', async () => {
    const s = await scene();
    native(s).rosterSet(romeo, { name: 'Romeo' });
    await s.settle(3_000);
    expect(entry(s)).toMatchObject({ name: 'Romeo' });
    native(s).rosterRemove(romeo);
    await s.settle(4_000);
    expect(entry(s)).toBeUndefined();
    expect(s.meter.total('contacts_skipped_total')).toBe(0);
  });

  test('one deleted while the bridge was down, and no other there: the operator is asked, and may say yes', async () => {
    const s = await scene();
    native(s).rosterSet(romeo, { name: 'Romeo' });
    await s.settle(3_000);
    s.kill();
    native(s).rosterRemove(romeo);
    await s.start();
    await s.settle(4_000);
    expect(entry(s)).toMatchObject({ name: 'Romeo' });
    expect((await s.contacts().plan(jid('juliet'), null, signal())).skipped).toEqual([romeo]);
    await s.contacts().reconcile(jid('juliet'), 1, signal());
    await s.settle(2_000);
    expect(entry(s)).toBeUndefined();
  });

  test.each(['both', 'get'] as const)(
    'a contact that the user deletes before the first comparison stays deleted (rights: %s)',
    async (access) => {
      const s = await scene({ access, timing: { gatherMs: 60_000, pace: { gatherMs: 0 } } });
      s.user().say('subscribe', romeo);
      await s.settle();
      s.far.actor(romeo).subscribed(juliet);
      await s.settle();
      expect(entry(s)).toMatchObject({ subscription: 'to' });
      s.user().remove(romeo);
      await s.settle(200_000);
      expect(entry(s)).toBeUndefined();
      expect(s.far.item(juliet, romeo)?.isListed ?? false).toBe(false);
      native(s).rosterSet(romeo, { name: 'Romeo' });
      await s.settle(200_000);
      expect(entry(s)?.name).toBe(access === 'both' ? 'Romeo' : undefined);
    },
  );

  test('an empty far roster deletes nothing; the plan names what it would be; the operator may do it', async () => {
    const s = await scene();
    befriend(s, 12);
    s.contacts().onContact(jid('juliet'), romeo, null);
    await s.settle(2_000);
    expect(s.user().entries()).toHaveLength(12);
    s.far.loseRoster(true);
    await s.settle(700_000);
    expect(s.user().entries()).toHaveLength(12);
    s.far.loseRoster(false);
    for (let i = 0; i < 8; i += 1) native(s).rosterRemove(account(`c${i}`));
    await s.settle(2_000);
    expect(s.user().entries()).toHaveLength(12);
    expect(s.meter.total('contacts_skipped_total')).toBeGreaterThan(0);
    const careful = await s.contacts().plan(jid('juliet'), null, signal());
    expect([careful.actions.length, careful.skipped.length]).toEqual([0, 8]);
    const bold = await s.contacts().plan(jid('juliet'), 8, signal());
    expect(bold.actions.filter((action) => action.do === 'removeServer')).toHaveLength(8);
    expect(s.user().entries()).toHaveLength(12); // a plan does nothing
    await s.contacts().reconcile(jid('juliet'), 8, signal());
    await s.settle(2_000);
    expect(s.user().entries()).toHaveLength(4);
  });
});

/** Requests of contacts to be seen, since the last time. */
const asked = (s: Scene): number => s.jabber.quiet().filter((stanza) => /^subscribe .+@/.test(stanza)).length;

describe('servers that let us do less', () => {
  test('a server that grants writing and refuses it is noticed: requests instead, once each', async () => {
    const s = await scene({ failsWriting: true });
    befriend(s, 8);
    s.contacts().onContact(jid('juliet'), romeo, null);
    await s.settle(60_000);
    expect(asked(s)).toBe(8);
    expect(s.user().requests.size).toBe(8 + 1); // and the gateway's
    await s.settle(700_000);
    expect(s.jabber.quiet()).toEqual([]);
  });

  test('without any right: one request per contact, and accepting it is enough', async () => {
    const s = await scene({ access: 'none' });
    befriend(s, 2);
    s.contacts().onContact(jid('juliet'), romeo, null);
    await s.settle(2_000);
    expect([...s.user().requests].sort()).toEqual([gatewayPeer, account('c0'), account('c1')]);
    s.user().say('subscribed', account('c0'));
    s.user().say('subscribe', account('c0'));
    s.user().say('unsubscribed', account('c1'));
    await s.settle(2_000);
    expect(entry(s, account('c0'))).toMatchObject({ subscription: 'both' });
    s.jabber.quiet();
    s.user().login();
    await s.settle(700_000);
    expect(s.jabber.quiet().filter((stanza) => stanza.startsWith('subscribe'))).toEqual([]);
  });

  test('after an outage all contacts ask, little by little, and the rosters are compared once', async () => {
    const s = await scene({ access: 'none' });
    befriend(s, 70);
    s.contacts().onContact(jid('juliet'), romeo, null);
    await s.settle(2_000);
    for (let i = 0; i < 70; i += 1) s.user().say('subscribed', account(`c${i}`));
    await s.settle(60_000);
    const compared = s.meter.total('reconciles_total');
    s.jabber.setUp(false);
    s.jabber.quiet();
    s.jabber.setUp(true);
    await s.settle(30_000);
    expect(new Set(s.jabber.quiet().filter((one) => one.startsWith('probe'))).size).toBe(70);
    expect(s.meter.total('reconciles_total')).toBe(compared + 1);
  });

  test('a right that comes later is used', async () => {
    const s = await scene({ access: 'none' });
    befriend(s, 3);
    s.contacts().onContact(jid('juliet'), romeo, null);
    await s.settle(2_000);
    s.jabber.setUp(false);
    s.jabber.access = 'both';
    s.jabber.setUp(true);
    await s.settle(2_000);
    expect(
      s
        .user()
        .entries()
        .map(({ subscription }) => subscription),
    ).toEqual(['both', 'both', 'both']);
  });
});

test.each([
  [10_000, 'written into the roster', 'both', { write: 10_000 }],
  [10_000, 'asking, where it can only be read', 'get', { subscribe: 10_000 }],
  [1_000, 'asking, where it cannot be read', 'none', { subscribe: 1_000 }],
] as const)(
  '%i contacts at once, %s: each once, and then silence',
  async (many, _, access, expected) => {
    const s = await scene({ access });
    befriend(s, many);
    s.jabber.quiet();
    s.contacts().onContact(jid('juliet'), romeo, null);
    await s.settle(60_000);
    const said = s.jabber.quiet().filter((stanza) => stanza.includes('@'));
    const count: Record<string, number> = {};
    for (const stanza of said) {
      const [what = ''] = stanza.split(' ');
      count[what] = (count[what] ?? 0) + 1;
    }
    expect(count).toMatchObject(expected);
    expect(said.length).toBeLessThanOrEqual(2 * many + 100); // with each write the presence it made possible
    expect(new Set(said).size).toBe(said.length);
    s.far.requests.clear();
    await s.settle(700_000);
    expect([s.jabber.quiet(), s.far.requests.has('rosterSet')]).toEqual([[], false]);
  },
  60_000,
);
