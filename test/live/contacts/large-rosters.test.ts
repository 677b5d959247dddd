/**
 * Rosters of a size that no client shows: more than a stanza may hold, many contacts at once, and one that comes
 * back empty, through the real bridge on real servers.
 */
import type { JabberClient } from '../../support/xmpp/jabber-client';
import type { Rig } from '../../support/rig';
import { until } from '../../support/wait';
import { xml } from '../../support/xmpp/xml';
import type { Actor } from '../../support/ximss-server/server';
import { contactServers, me, startContacts } from './contacts-scene';

describe.each(contactServers('http'))('large rosters on %s', (_name, kind, start, privileges, binding) => {
  let rig: Rig;
  let juliet: JabberClient;
  /** The same person at a CommuniGate client of their own. */
  let native: Actor;

  const { online, settled, compared } = startContacts(
    [start, privileges, binding],
    (world) => ({ rig, juliet } = world),
  );
  beforeAll(() => void (native = rig.ximss.client(me, 'native')));
  const canWrite = kind === 'prosody' && privileges;

  test('a server roster larger than any stanza, and many far contacts: both are read, the bridge goes on', async () => {
    const before = rig.bridge.logs.length;
    // contacts of the user elsewhere: together more than limits.stanzaBytes
    const items = Array.from({ length: 27 }, (_, i) =>
      xml('item', { jid: `friend${i}@elsewhere.test`, name: 'n'.repeat(10_240) }),
    );
    for (const item of items) await juliet.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
    const many = canWrite ? 120 : kind === 'prosody' ? 60 : 1_000; // Prosody writes the whole roster for each
    const { roster } = rig.ximss.account(me);
    for (let i = 0; i < many; i += 1) {
      rig.ximss.addAccount(`many${i}@far.test`, 'x');
      roster.set(`many${i}@far.test`, {
        peer: `many${i}@far.test`,
        name: `Number ${i}`,
        groups: ['Many'],
        subscription: 'both',
        isAsking: false,
        isAsked: false,
        isListed: true,
      });
    }
    juliet.clear();
    native.rosterSet('last@far.test', { name: 'Last' }); // a reason to look
    const count = (type: string | undefined): number =>
      juliet.stanzas.filter(
        ({ name, attrs }) => name === 'presence' && attrs['type'] === type && /^many/.test(attrs['from'] ?? ''),
      ).length;
    if (canWrite) {
      const arrived = async () =>
        (await rig.xmpp.roster('juliet')).filter(
          ({ jid, subscription }) => /^many/.test(jid) && subscription === 'both',
        ).length;
      await until(async () => (await arrived()) === many, { deadlineMs: 60_000, everyMs: 500, what: 'all contacts' });
      expect(count('subscribe')).toBe(0);
    } else {
      await until(() => count('subscribe') === many, {
        deadlineMs: 60_000,
        everyMs: 200,
        what: () => `all contacts, of whom ${count('subscribe')} have asked`,
      });
    }
    await settled();
    juliet.clear();
    await compared();
    expect(juliet.stanzas.map(String)).toEqual([]);
    const ends =
      /session ended, will log in|stream ended|could not be handled|could not be compared|stanza over a limit/;
    expect(rig.bridge.logs.slice(before).filter(({ msg }) => ends.test(String(msg)))).toEqual([]);
  }, 180_000);

  test('a far roster emptied while the bridge was away waits for the operator, who looks and says yes', async () => {
    if (!canWrite) return; // what cannot be written cannot be taken away
    const base = `http://127.0.0.1:${rig.bridge.httpPort}/api/rosters`;
    const ask = async (
      path: string,
      init: RequestInit = {},
    ): Promise<{ skippedCount: number; changesCount: number }> => {
      const answer = await fetch(base + path, init);
      expect(answer.status).toBe(200);
      return (await answer.json()) as { skippedCount: number; changesCount: number }; // the API's own form
    };
    const shown = async () => (await rig.xmpp.roster('juliet')).filter(({ jid }) => /^many/.test(jid)).length;
    const before = await shown();
    expect(before).toBeGreaterThan(100);
    await rig.bridge.stop();
    rig.ximss.account(me).roster.clear();
    await rig.bridge.start();
    await online();
    await rig.bridge.waitForLog(({ msg }) => String(msg).startsWith('too many contacts would lose something'));
    const { skippedCount } = await ask(`/show?user=${rig.juliet.bare}`);
    expect(skippedCount).toBeGreaterThanOrEqual(before);
    expect(await shown()).toBe(before);
    const body = JSON.stringify({ user: rig.juliet.bare, mayTake: skippedCount });
    await ask('/compare', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await until(async () => (await shown()) === 0, { deadlineMs: 30_000, everyMs: 500, what: 'the empty roster' });
    expect((await ask(`/show?user=${rig.juliet.bare}`)).skippedCount).toBe(0);
  }, 120_000);
});
