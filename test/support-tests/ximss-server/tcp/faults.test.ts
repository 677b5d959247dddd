/** What can be made to go wrong on purpose, over TCP. */
import { alice, attribute, bob, boot, dial, down, loggedIn, server } from './harness';

afterEach(down);

describe('faults', () => {
  test('drop: the request is not handled', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    server.faults.add({ request: 'sendIM', action: 'drop' });
    client.send(`<sendIM id="1" peer="${bob}">a</sendIM>`);
    await client.closed();
    expect(far.of('im')).toEqual([]);
  });

  test('dropAfter: handled, but nobody learns', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    server.faults.add({ request: 'sendIM', action: 'dropAfter', nth: 2 });
    await client.ask(`<sendIM id="1" peer="${bob}">a</sendIM>`);
    client.send(`<sendIM id="2" peer="${bob}">b</sendIM>`);
    await client.closed();
    expect(far.of('im').map((item) => item.text)).toEqual(['a', 'b']);
    expect(client.docs.join()).not.toContain('id="2"');
  });

  test('refuse, for one account, a number of times', async () => {
    await boot();
    const client = await loggedIn();
    const other = await loggedIn(bob, 'builder');
    server.faults.add({ request: 'noop', account: alice, count: 2, action: 'refuse', errorNum: 7, errorText: 'no' });
    expect(await other.ask('<noop id="1"/>')).toEqual(['<response id="1"/>']);
    for (const id of ['1', '2']) {
      expect(await client.ask(`<noop id="${id}"/>`)).toEqual([`<response id="${id}" errorText="no" errorNum="7"/>`]);
    }
    expect(await client.ask('<noop id="3"/>')).toEqual(['<response id="3"/>']);
  });

  test('delay holds the later requests in order; the other dialect lets them pass', async () => {
    await boot();
    const client = await loggedIn();
    server.faults.add({ request: 'readTime', action: 'delay', ms: 20 });
    client.send('<readTime id="1"/>', '<noop id="2"/>');
    await client.until(/response id="2"/);
    expect(client.docs.slice(-2).map((doc) => attribute(doc, 'id'))).toEqual(['1', '2']);
    await server.stop();
    await boot({ dialect: { inOrder: false } });
    const second = await loggedIn();
    server.faults.add({ request: 'readTime', action: 'delay', ms: 20 });
    second.send('<readTime id="1"/>', '<noop id="2"/>');
    await second.until(/response id="1"/);
    expect(second.docs.filter((doc) => doc.startsWith('<response')).map((doc) => attribute(doc, 'id'))).toEqual([
      'l',
      '2',
      '1',
    ]);
  });

  test('never, garbage, splitBytes', async () => {
    await boot();
    const client = await loggedIn();
    server.faults.add({ request: 'noop', action: 'never' });
    client.send('<noop id="1"/>');
    server.faults.add({ request: 'readTime', action: 'garbage', bytes: '<<>>\0' });
    expect((await client.ask('<readTime id="2"/>'))[0]).toBe('<<>>');
    server.faults.add({ request: 'readTime', action: 'splitBytes' });
    expect(await client.ask('<readTime id="3"/>')).toHaveLength(2);
    expect(client.docs.join()).not.toContain('response id="1"');
  });

  test('a push can be lost with its connection', async () => {
    await boot();
    const client = await loggedIn();
    await client.ask('<signalBind id="1"/>');
    server.faults.add({ push: 'readIM', action: 'drop' });
    server.client(bob).sendIM(alice, 'x');
    await client.closed();
    expect(client.docs.join()).not.toContain('readIM');
  });

  test('connections can be refused', async () => {
    await boot();
    server.faults.add({ request: '#connect', action: 'drop' });
    await (await dial()).closed();
    expect(await (await dial()).ask('<listFeatures id="1"/>')).toHaveLength(2);
  });
});
