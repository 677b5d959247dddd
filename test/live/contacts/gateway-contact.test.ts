/**
 * The gateway contact on real servers: a user without any other contact is seen on the XIMSS side when they log in, and is
 * gone there when they log out, also when it is over within moments or the connection is just cut; and a contact renamed in
 * a client has its new name on the XIMSS side soon after the next login.
 */
import type { Rig } from '../../support/rig';
import type { RedisServer } from '../../support/servers';
import { until } from '../../support/wait';
import { xml, type Element } from '../../support/xmpp/xml';
import { makeContactsScene, me, contactServers, startWorld } from './contacts-scene';
import { stateKey } from '../../support/store-keys';

describe.each(contactServers('http'))('the gateway contact on %s', (_name, kind, start, privileges, binding) => {
  let world: Awaited<ReturnType<typeof startWorld>>;
  let rig: Rig;
  let redis: RedisServer;

  const isWritten = privileges && kind === 'prosody'; // the other one grants writing and refuses it

  beforeAll(async () => {
    world = await startWorld(start, privileges, binding);
    ({ rig, redis } = world);
    const { juliet } = world;
    if (!isWritten) {
      await juliet.waitFor(
        (one) => one.attrs['type'] === 'subscribe' && one.attrs['from'] === rig.xmpp.componentDomain,
      );
      juliet.presence({ to: rig.xmpp.componentDomain, type: 'subscribed' });
    }
    await presence('online');
  }, 60_000);
  afterAll(() => world?.dispose());

  const { actor, ghost, from } = makeContactsScene(() => world);

  const presenceOnFarSide = () => rig.ximss.sessions().find((one) => one.account === me)?.presence;
  const presence = (wanted: 'online' | 'offline') =>
    until(() => (presenceOnFarSide() === 'offline') === (wanted === 'offline'), {
      deadlineMs: 15_000,
      what: `the far side to see juliet ${wanted}`,
    });
  const pairOf = async () =>
    (await redis.cli('HGET', stateKey('pairs', rig.juliet.bare), '@')).trim().replace(/"/g, '');

  test('the user is seen without any other contact', async () => {
    await until(async () => (await pairOf()) === (isWritten ? 'both' : 'to'), { what: 'the subscription' });
    const items = await world.juliet.roster();
    const item = items.find((one) => one.jid === rig.xmpp.componentDomain);
    expect(item?.subscription).toBe(isWritten ? 'both' : 'from');
  });

  test.each([
    ['they log out', (client: typeof world.juliet) => client.close()],
    ['their connection is cut', (client: typeof world.juliet) => Promise.resolve(client.kill())],
  ])('and is gone when %s', async (_how, leave) => {
    const client = await rig.juliet.login({ resource: 'garden' });
    await world.juliet.close();
    await presence('online');
    await leave(client);
    await presence('offline');
    const again = await rig.juliet.login({ resource: 'balcony' });
    await presence('online');
    await again.close();
    await presence('offline');
  });

  test.each([
    ['logged out', (client: typeof world.juliet) => client.close()],
    ['cut off', (client: typeof world.juliet) => Promise.resolve(client.kill())],
  ])('logged in and %s within moments, again and again: the user is not there in the end', async (_how, leave) => {
    for (let i = 0; i < 5; i += 1) {
      const client = await rig.juliet.login({ resource: `moment${i}` });
      await leave(client);
    }
    const last = await rig.juliet.login({ resource: 'last', presence: false });
    await last.barrier(); // the server has seen the end of the others
    await presence('offline');
    await last.close();
  });

  (isWritten ? test : test.skip)(
    'a renamed contact has its new name on the XIMSS side soon after the next login',
    async () => {
      const client = await rig.juliet.login({ resource: 'balcony' });
      rig.ximss.client(me).rosterSet('romeo@far.test', { name: 'Romeo', groups: [] });
      await until(async () => (await client.roster()).some((one) => one.jid === rig.ghost), { what: 'the contact' });
      const item = xml('item', { jid: rig.ghost, name: 'My Romeo' });
      await client.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
      await client.close();
      const again = await rig.juliet.login({ resource: 'garden' });
      await until(() => rig.ximss.account(me).roster.get('romeo@far.test')?.name === 'My Romeo', {
        deadlineMs: 10_000,
        what: 'the new name',
      });
      await again.close();
    },
  );

  describe('the gateway as a contact', () => {
    const gateway = (type: string | undefined) => (stanza: Element) =>
      stanza.name === 'presence' && stanza.attrs['from'] === rig.xmpp.componentDomain && stanza.attrs['type'] === type;

    (isWritten ? test.skip : test)('it accepts, is there, and does not ask again who lets it see them', async () => {
      const juliet = await rig.juliet.login({ resource: 'hall' });
      juliet.presence({ to: rig.xmpp.componentDomain, type: 'subscribe' });
      await juliet.waitFor(gateway('subscribed'));
      await juliet.waitFor(gateway(undefined));
      juliet.presence({ to: rig.xmpp.componentDomain, type: 'subscribe' });
      await juliet.barrier();
      expect(juliet.stanzas.filter(gateway('subscribe'))).toEqual([]);
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
      await nurse.waitFor(gateway(undefined));
      if (!isWritten) nurse.presence({ to: rig.xmpp.componentDomain, type: 'subscribed' });
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
      expect(await redis.cli('EXISTS', stateKey('pairs', 'nurse@jabber.test'))).toContain('0');
    });

    test("deleting it does not end a link of the operator's, and the user is told", async () => {
      const juliet = await rig.juliet.login({ resource: 'hall' });
      const item = xml('item', { jid: rig.xmpp.componentDomain, subscription: 'remove' });
      await juliet.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
      await juliet.waitFor((stanza) => stanza.name === 'message' && stanza.attrs['from'] === rig.xmpp.componentDomain);
      expect(rig.ximss.sessions().some((one) => one.account === me)).toBe(true);
    });
  });
});
