/** Presence and rosters through the real bridge on real servers: who is seen by whom, over outages and stops. */
import type { Rig } from '../../support/rig';
import { until } from '../../support/wait';
import type { JabberClient } from '../../support/xmpp/jabber-client';
import { contactServers, me, startContacts } from './contacts-scene';

describe.each(contactServers('tcp'))('presence and rosters on %s', (_name, kind, start, privileges, binding) => {
  let rig: Rig;
  let juliet: JabberClient;

  const scene = startContacts([start, privileges, binding], (world) => ({ rig, juliet } = world));
  const { actor, ghost, settlesOn, from, asks, rosterSet, friends, isSynced, use } = scene;

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
      use(juliet);
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
});
