/** A session of the test server over TCP: its operations, its end, what is recorded, stop and start. */
import { wireClient } from './client';
import { alice, bob, boot, dial, down, loggedIn, server } from './harness';

afterEach(down);

describe('session life', () => {
  test('readTime, exeTime, setClientName, passwordModify, bye', async () => {
    await boot();
    const client = await loggedIn();
    expect((await client.ask('<readTime id="1"/>'))[0]).toMatch(
      /^<currentTime id="1" gmtTime="\d{8}T\d{6}" localTime="\d{8}T\d{6}"\/>$/,
    );
    expect((await client.ask('<noop id="2" exeTime="1"/>'))[0]).toMatch(/^<response id="2" exeTime="\d+"\/>$/);
    await client.ask('<setClientName id="3" name="me"/>');
    expect(server.sessions()).toMatchObject([{ clientName: 'me' }]);
    expect((await client.ask('<passwordModify id="4" oldPassword="x" newPassword="y"/>'))[0]).toContain(
      'incorrect password',
    );
    await client.ask('<passwordModify id="5" oldPassword="wonder" newPassword="y"/>');
    expect(server.account(alice).password).toBe('y');
    expect(await client.ask('<bye id="6"/>')).toEqual(['<response id="6"/>']);
    await client.closed();
    expect(server.sessions()).toEqual([]);
  });

  test('a silent session is ended with bye', async () => {
    await boot({ idleTimeoutMs: 60 });
    const client = await loggedIn();
    await client.until(/^<bye\/>$/);
    await client.closed();
    expect(server.sessions()).toEqual([]);
  });

  test('alert and bye on command', async () => {
    await boot();
    const client = await loggedIn();
    server.alert('maintenance', alice);
    expect(await client.until(/alert/)).toBe('<alert>maintenance</alert>');
    server.bye(alice);
    await client.until(/^<bye\/>$/);
    await client.closed();
  });

  test('a forced password change shows in session and blocks the rest', async () => {
    await boot();
    server.account(alice).mustChangePassword = true;
    const client = await dial();
    expect((await client.ask(`<login id="1" authData="${alice}" password="wonder"/>`))[0]).toContain(
      'changePassword="1"',
    );
    expect((await client.ask('<signalBind id="2"/>'))[0]).toContain('password must be changed');
    await client.ask('<passwordModify id="3" oldPassword="wonder" newPassword="n"/>');
    expect(await client.ask('<signalBind id="4"/>')).toEqual(['<response id="4"/>']);
  });

  test('a second factor shows in session and blocks the rest', async () => {
    await boot();
    server.account(alice).secondFactor = ['sms'];
    const client = await dial();
    expect((await client.ask(`<login id="1" authData="${alice}" password="wonder"/>`))[0]).toMatch(
      /x2auth="1"><x2auth>sms</,
    );
    expect((await client.ask('<signalBind id="2"/>'))[0]).toContain('second authentication factor');
  });
});

describe('strict', () => {
  test('whatever the document does not know is recorded, and nothing else', async () => {
    await boot();
    const client = await loggedIn();
    await client.ask(`<sendIM id="1" peer="${bob}" to="x"><html/></sendIM>`);
    await client.ask('<noop id="2">text</noop>');
    await client.ask('<frobnicate id="3"/>');
    client.send('<noop/>');
    await client.ask(
      '<signalBind id="4" clientID="a" presence="yes" readIM="1" deviceName="d"><sdp><any/></sdp></signalBind>',
    );
    expect(server.strict.violations).toEqual([
      `${alice}: sendIM: unknown attribute to`,
      `${alice}: sendIM: unknown child <html>`,
      `${alice}: noop: unexpected text`,
      `${alice}: unknown request <frobnicate>`,
      `${alice}: noop: no id`,
    ]);
  });
});

describe('stop and start', () => {
  test('same ports, same accounts, stored messages kept; actors come back', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    far.sendIM(alice, 'kept');
    const { tcpPort } = server;
    await server.stop();
    await client.closed();
    await expect(wireClient(tcpPort)).rejects.toThrow();
    expect(() => far.sendIM(alice, 'down')).toThrow();
    await server.start();
    expect(server.tcpPort).toBe(tcpPort);
    const again = await loggedIn();
    expect((await again.ask('<signalBind id="1"/>'))[0]).toContain('kept');
    await again.ask(`<sendIM id="2" peer="${bob}">back</sendIM>`);
    expect(far.of('im').at(-1)).toMatchObject({ text: 'back' });
  });

  test('dropAll cuts connections and ends their sessions', async () => {
    await boot();
    const client = await loggedIn();
    server.dropAll();
    await client.closed();
    expect(server.sessions()).toEqual([]);
  });

  test('the wire log has both directions and no passwords', async () => {
    await boot();
    const client = await loggedIn();
    await client.ask('<noop id="1"/>');
    expect(server.log.list().map((entry) => `${entry.dir} ${entry.account} ${entry.xml}`)).toEqual([
      'in null <login id="l" authData="…" password="…"/>',
      expect.stringContaining(`out ${alice} <session`),
      `out ${alice} <response id="l"/>`,
      `in ${alice} <noop id="1"/>`,
      `out ${alice} <response id="1"/>`,
    ]);
  });
});
