/** What contacts need of both sides at once: lost approvals, refused logins, what an earlier run left behind. */
import { Fault } from '../../../src/core/fault';
import { account, jid } from '../../support/middle-scene';
import { juliet, kinds, makeScenes, romeo } from './contacts-scene';

describe.each(kinds)('on %s', (kind) => {
  const { scene, friends } = makeScenes(kind);

  test('without any right: an approval taken back while the component was away is found by asking, where servers answer', async () => {
    const s = await friends();
    s.far.world.accounts.add(account('tybalt'), 'x');
    const tybalt = account('tybalt');
    s.far.actor(tybalt).subscribe(juliet);
    await s.settle();
    s.user().say('subscribed', tybalt);
    await s.settle();
    s.jabber.setUp(false);
    await s.settle();
    s.user().say('unsubscribed', romeo);
    s.user().say('unsubscribed', tybalt);
    s.jabber.setUp(true);
    await s.settle(20_000);
    const isSeen = [romeo, tybalt].map((peer) => /from|both/.test(s.far.item(juliet, peer)?.subscription ?? ''));
    expect(isSeen).toEqual(kind === 'prosody' ? [false, false] : [true, true]);
    expect(s.jabber.quiet().filter((one) => one.startsWith('probe')).length).toBe(2);
  });

  test('a refused password is told once, across restarts, and again after it worked', async () => {
    const s = await scene();
    const refused = async () => {
      s.far.refuse(new Fault('not-authorized', { text: 'wrong password' }));
      s.kill();
      await s.start();
    };
    await refused();
    await refused();
    const told = expect.stringMatching(/login of juliet@far.test: wrong password. Enter your password/) as unknown;
    expect(s.user().messages).toEqual([told]);
    s.far.refuse(null);
    s.kill();
    await s.start();
    await refused();
    expect(s.user().messages).toEqual([told, told]);
  });

  test('a notice is in the language that the user wrote in last, before a restart too', async () => {
    const s = await scene();
    s.jabber.speak(jid('juliet'), 'ru');
    await s.settle();
    s.far.refuse(new Fault('not-authorized'));
    s.kill();
    await s.start();
    expect(s.user().messages).toEqual([expect.stringMatching(/[а-я]/)]);
  });
});
