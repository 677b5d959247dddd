/** `doctor --ximss` where it cannot find out, or not finish: everything is put back all the same. */
import { configOf, playDialectTests } from '../support';
import { refusing } from './cases';
import { play, rosters, server, start } from './scene';

describe('what no option covers is said so, and cleaned up all the same', () => {
  test('another spelling of removal', async () => {
    await start({ dialect: { rosterRemove: 'type' } });
    const result = await play(null, {}, { waitMs: 500 });
    expect(result.row('rosterSetForm')).toMatch(/NEITHER .*not deleted.*deleting works with type="remove"/);
    expect(result.isRight).toBe(false);
    expect(rosters()).toEqual([[], []]);
  });

  test('no verbs in any form', async () => {
    await start({ dialect: { subscriptionVerbs: false } });
    const result = await play();
    expect(result.row('subscriptionForm')).toMatch(
      /NEITHER .*presenceSet: a request is refused.*rosterSet: a request does not arrive/,
    );
    expect(result.row('unknownSubscription')).toMatch(/as assumed +none/);
    expect(rosters()).toEqual([[], []]);
  });

  test('a contact that nothing deletes is told to the operator', async () => {
    await start();
    const result = await play(
      refusing((request) => Object.values(request.attrs).includes('remove')),
      {},
      { waitMs: 150 },
    );
    expect(result.text).toMatch(
      /NOT PUT BACK: juliet@example.net: the contact bridge-doctor-\w+@example.net is none, named/,
    );
    expect(result.isRight).toBe(false);
  });
});

describe('over HTTP', () => {
  test('versions, formats, and a repeated reqSeq', async () => {
    await start({ dialect: { formatB: 'from6.2' } });
    const result = await play(null, { BRIDGE_XIMSS_SERVER: `http://127.0.0.1:${server().httpPort}` });
    expect(result.row('protocolVersion')).toMatch(
      /as assumed +6\.1 +6\.1: arrives as direct text; 6\.2: arrives in a body; none: arrives as direct text/,
    );
    expect(result.row('repeated reqSeq')).toMatch(/as assumed +replays +the same answer comes, the message once/);
    expect(result.row('challengeMethods')).toMatch(/as assumed +all +login by nonce works/);
    expect(result.row('starttlsElement')).toMatch(/not told +not used over HTTP/);
    expect(result.isRight).toBe(true);
    expect(rosters()).toEqual([[], []]);
    expect(server().sessions()).toEqual([]);
  });

  test('beside TCP, when its URL is given', async () => {
    await start();
    const config = configOf({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server().tcpPort}` });
    const result = await playDialectTests({ config, httpUrl: `http://127.0.0.1:${server().httpPort}` });
    expect(result.row('protocolVersion')).toMatch(/as assumed +6\.1 +6\.1: arrives in a body/);
    expect(result.isRight).toBe(true);
  });
});

describe('when it cannot be done', () => {
  const tcp = (): Record<string, string> => ({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server().tcpPort}` });

  test('a wrong password names the account and stops', async () => {
    await start();
    server().setPassword('romeo@example.net', 'changed');
    const result = await play();
    expect(result.isRight).toBe(false);
    expect(result.text).toContain(
      'The test could not be finished: romeo@example.net cannot log in: unknown user account or incorrect password',
    );
    expect(result.row('loginName')).toMatch(/as assumed/);
  });

  test('nobody there', async () => {
    await start();
    await server().stop();
    const result = await play();
    expect(result.isRight).toBe(false);
    expect(result.text).toContain('nothing listens on 127.0.0.1 port');
  });

  test('ended early by the operator: what was changed is put back', async () => {
    await start();
    const stopper = new AbortController();
    const onLine = (line: string): void => (line.includes('subscriptions ...') ? stopper.abort() : undefined);
    const result = await playDialectTests({ config: configOf(tcp()), signal: stopper.signal, onLine });
    expect(result.isRight).toBe(false);
    expect(result.row('rosterSetForm')).toMatch(/as assumed/);
    expect(result.row('subscriptionForm')).toMatch(/not told/);
    expect(rosters()).toEqual([[], []]);
  });

  test('a connection lost in the middle of the contacts: what was added is taken away', async () => {
    await start();
    server().faults.add({ request: 'rosterSet', nth: 2, action: 'dropAfter' });
    const result = await play();
    expect(result.row('rosterSetForm')).toMatch(/not told/);
    expect(result.text).not.toContain('NOT PUT BACK');
    expect(rosters()).toEqual([[], []]);
  });

  test('a licence for two sessions only', async () => {
    await start({ maxSessions: 2 });
    const result = await play();
    expect(result.row('senderInstance')).toMatch(/not told +.*licence/);
    expect(result.row('storedTime')).toMatch(/as assumed/);
    expect(result.dialect).toEqual({});
  });

  test('somebody else is logged in with the account: what is stored cannot be told', async () => {
    await start();
    server().client('romeo@example.net');
    const result = await play();
    expect(result.row('storedTime')).toMatch(/not told/);
    expect(result.dialect).toEqual({});
  });

  test('an unanswered request between the two is left alone', async () => {
    await start();
    const romeo = server().client('romeo@example.net');
    romeo.subscribe('juliet@example.net');
    romeo.close();
    const before = rosters();
    const result = await play();
    expect(result.row('subscriptionForm')).toMatch(/not told +the two accounts know each other/);
    expect(rosters()).toEqual(before);
  });
});
