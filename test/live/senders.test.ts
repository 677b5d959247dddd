/** Whoever sent what could not be delivered sees it, and two machines do not talk for ever; on both servers. */
import type { LogLine } from '../support/bridge-process';
import { startRig, type Rig } from '../support/rig';
import { xmppServers } from '../support/servers';
import { until } from '../support/wait';
import { playEcho } from '../support/ximss-server/echo';

const isBound = (rig: Rig, account: string) =>
  until(() => rig.ximss.sessions().some((one) => one.account === account && one.isBound), {
    deadlineMs: 20_000,
    what: `the session of ${account}`,
  });

const accounts = ['juliet', 'romeo', 'nurse', 'echo'].map((name) => ({
  account: `${name}@far.test`,
  password: 'far-secret',
}));

describe.each(xmppServers)('senders on %s', (name, start) => {
  let rig: Rig;
  afterEach(() => rig.dispose());

  test('an expired message is told to whoever logs in next, when the resource that sent has gone', async () => {
    rig = await startRig({
      start,
      ximss: { accounts },
      config: { delivery: { expireAfterSeconds: 8 }, log: { level: 'debug' } },
    });
    await isBound(rig, 'juliet@far.test');
    if (name === 'ejabberd') {
      // it grants writing rosters and refuses it, so the gateway asks to be seen
      const before = await rig.juliet.login();
      await before.waitFor((one) => one.attrs['type'] === 'subscribe', 20_000);
      before.presence({ to: rig.xmpp.componentDomain, type: 'subscribed' });
      await before.close();
    }
    const first = await rig.juliet.login({ resource: 'a' });
    const said = () => [...rig.ximss.account('juliet@far.test').sessions].map(({ presence }) => presence?.value);
    await until(() => said().includes('online'), { deadlineMs: 20_000, what: () => `her presence: ${said().join()}` });
    await rig.ximss.stop();
    first.message(rig.ghost, 'Wherefore art thou?', 'gone-1');
    await first.barrier();
    await first.close();
    const isTold = (line: LogLine) => line['msg'] === 'delivered' && line['kind'] === 'bounce';
    await rig.bridge.waitForLog(isTold, 30_000, 'the bounce');
    const next = await rig.juliet.login({ resource: 'b' });
    const told = await next.waitFor((one) => one.text('body').includes('could not be delivered'), 20_000);
    expect(told.attrs['type']).toBe('chat');
    expect(told.attrs['from']).toContain(rig.ghost);
    expect(told.text('body')).toContain('"Wherefore art thou?"');
  }, 90_000);

  test('an account that answers everything and a Jabber user who cannot be reached: few notices', async () => {
    const nobody = { jid: 'nobody@jabber.test', account: 'nurse@far.test', password: 'far-secret' };
    rig = await startRig({
      start,
      ximss: { accounts },
      config: { accounts: [nobody], limits: { messagesPerMinute: 60 } },
    });
    await isBound(rig, 'nurse@far.test');
    const echo = rig.ximss.client('echo@far.test');
    playEcho(echo);
    const notices = () => echo.of('im').filter(({ text }) => text.includes('could not be delivered'));
    echo.sendIM('nurse@far.test', 'are you there?');
    await until(() => notices().length === 1, { deadlineMs: 20_000, what: 'the notice' });
    expect(notices()[0]?.text).toContain('"are you there?"');
    for (let i = 0; i < 20; i += 1) echo.sendIM('nurse@far.test', `again ${i}`);
    // each of those has come back to the bridge, and none made a notice of its own
    const held = async (): Promise<number> => {
      const page = await fetch(`http://127.0.0.1:${rig.bridge.httpPort}/metrics`).then((answer) => answer.text());
      return Number(/^bridge_notices_held_total (\d+)/m.exec(page)?.[1] ?? 0);
    };
    await until(async () => (await held()) >= 20, { deadlineMs: 30_000, what: 'the notices that were held' });
    expect(notices()).toHaveLength(1);
  }, 90_000);
});
