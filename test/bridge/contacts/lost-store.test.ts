/** Probes after the store has lost everything: nobody is unsubscribed for want of memory. */
import { account, jid, makeScene, type Scene } from '../../support/middle-scene';

const juliet = account('juliet');
const romeo = account('romeo');

describe('a store that has lost everything', () => {
  async function lost(): Promise<Scene> {
    const s = await makeScene({ origin: 'configured' });
    s.user().login();
    s.user().say('subscribe', romeo);
    await s.settle();
    s.far.actor(romeo).subscribed(juliet);
    s.far.actor(romeo).setPresence('online');
    await s.settle();
    expect(s.user().seen.has(romeo)).toBe(true);
    s.user().logout();
    await s.settle();
    s.kill();
    for (const table of ['pairs', 'shown', 'synced', 'notes']) {
      const fields = await s.store.state.read(table, jid('juliet'));
      await s.store.state.write(table, jid('juliet'), new Map([...fields.keys()].map((field) => [field, null])));
    }
    return s;
  }

  test('before the first comparison of rosters nothing is answered unsubscribed', async () => {
    const s = await lost();
    s.far.setDown(true);
    await s.start();
    s.jabber.quiet();
    s.user().login();
    await s.settle(20_000);
    expect(s.jabber.quiet()).not.toContain(`unsubscribed ${romeo}`);
    expect(s.user().item(romeo).halves.to).toBe('yes');
    s.far.setDown(false);
    await s.settle(40_000);
    expect(s.user().item(romeo).halves.to).toBe('yes');
    expect(s.user().seen.has(romeo)).toBe(true); // what was asked meanwhile is answered
    await s.stop();
  });

  test('a stranger is answered unsubscribed after it', async () => {
    const s = await lost();
    await s.start();
    await s.settle(20_000);
    s.jabber.quiet();
    s.contacts().onProbe(jid('juliet'), account('tybalt'), { kind: 'probe', resource: null });
    await s.settle();
    expect(s.jabber.quiet()).toContain(`unsubscribed ${account('tybalt')}`);
    await s.stop();
  });
});
