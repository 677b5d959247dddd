/** A Jabber user without an account writes to a far user: an account is made, once, and the message arrives. */
import { startRig, type Rig } from '../support/rig';
import { startProsody } from '../support/servers';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    start: startProsody,
    ximss: { signup: true, slowAnswerMs: 50, domains: ['far.test', 'jabber.far.test'] },
    config: { provisioning: { enabled: true, domain: 'jabber.far.test' } },
  });
}, 60_000);
afterAll(() => rig.dispose());

test('the first messages make the account and arrive in order; the far user answers to it', async () => {
  await rig.xmpp.register('nurse', 'secret');
  const nurse = await rig.juliet.login({ user: 'nurse', password: 'secret' });
  for (const n of [1, 2, 3]) nurse.message(rig.ghost, `madam ${n}`);
  await rig.romeo.waitFor((item) => item.text === 'madam 3', 15_000);
  const heard = rig.romeo.of('im').filter((item) => item.text.startsWith('madam'));
  expect(heard.map((item) => item.text)).toEqual(['madam 1', 'madam 2', 'madam 3']);
  const account = 'nurse.jabber.test@jabber.far.test';
  expect(new Set(heard.map((item) => item.peer))).toEqual(new Set([account]));
  rig.romeo.sendIM(account, 'good nurse');
  await nurse.waitFor((stanza) => stanza.text('body') === 'good nurse', 15_000);
});

test('after a restart the same account is used', async () => {
  await rig.bridge.stop();
  await rig.bridge.start();
  const nurse = await rig.juliet.login({ user: 'nurse', password: 'secret' });
  nurse.message(rig.ghost, 'again');
  const item = await rig.romeo.waitFor((one) => one.text === 'again', 15_000);
  expect(item.peer).toBe('nurse.jabber.test@jabber.far.test');
});
