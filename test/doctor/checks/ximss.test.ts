/** The XIMSS server on the test server: reachability, certificates, logins. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startXimssServer } from '../../support/ximss-server/server';
import { accounts, caFile } from '../support';
import { testCertificate } from '../../support/cert';
import { here, rows } from './printed';

describe('the far server', () => {
  test('every wire with a good certificate; every account logs in', async () => {
    const server = await startXimssServer({ accounts, tls: testCertificate() });
    const ca = { BRIDGE_XIMSS_CA_FILE: caFile(here()) };
    const entries = accounts.map(({ account, password }, at) => ({ jid: `u${at}@jabber.test`, account, password }));
    const wires: [string, RegExp][] = [
      [
        `ximss://localhost:${server.tcpPort}`,
        /ok \| XIMSS encryption \| TLSv1\.3, certificate accepted for localhost, issued by test authority/,
      ],
      [
        `ximss+tls://127.0.0.1:${server.tlsPort}`,
        /ok \| XIMSS encryption \| TLSv1\.3, certificate accepted for 127\.0\.0\.1/,
      ],
      [`https://localhost:${server.httpsPort}`, /ok \| XIMSS encryption \| TLSv1\.3/],
      [
        `http://127.0.0.1:${server.httpPort}`,
        /ok \| XIMSS encryption \| http:\/\/ is not encrypted; 127\.0\.0\.1 is this machine/,
      ],
    ];
    for (const [url, encryption] of wires) {
      const env = {
        ...ca,
        BRIDGE_XIMSS_SERVER: url,
        BRIDGE_XIMSS_STARTTLS: 'required',
        BRIDGE_ACCOUNTS: JSON.stringify(entries),
      };
      const { text } = await rows(env, { accounts: true });
      expect(text).toMatch(encryption);
      expect(text).toMatch(/ok \| XIMSS features \| example\.net: login by PLAIN CRAM-MD5 DIGEST-MD5; sign-up on/);
      expect(text).toMatch(
        /ok \| login juliet@example\.net \| for u0@jabber\.test, server version 6\.3\.17\nok \| login romeo@example\.net/,
      );
      expect(text).toMatch(/ok \| clocks \| the clocks of both machines agree/);
      for (const { password } of accounts) expect(text).not.toContain(password);
    }
    expect(server.sessions()).toEqual([]);
    await server.stop();
  });

  test('accounts are left alone unless asked for; a wrong password is told by its place', async () => {
    const server = await startXimssServer({ accounts });
    const entries = [{ jid: 'u@jabber.test', account: 'romeo@example.net', password: 'not-his-pw' }];
    const env = {
      BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server.tcpPort}`,
      BRIDGE_ACCOUNTS: JSON.stringify(entries),
    };
    expect((await rows(env)).text).toMatch(
      /^skip \| account logins \| 1 in the configuration; tried only with --accounts$/m,
    );
    expect(server.log.list().some(({ xml }) => xml.includes('<login'))).toBe(false);
    const { text, passed } = await rows(env, { accounts: true });
    expect(passed).toBe(false);
    expect(text).toMatch(/^FAIL \| login romeo@example\.net .*incorrect password\n.*accounts\.0\.password/m);
    expect(text).toMatch(/^skip \| clocks/m);
    expect(text).not.toContain('not-his-pw');
    await server.stop();
  });

  test('certificates that are no good: unknown, self-signed, of another name', async () => {
    const openssl = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    const names = [
      '-subj',
      '/CN=other.test',
      '-addext',
      'subjectAltName=DNS:other.test',
      '-keyout',
      'key',
      '-out',
      'crt',
    ];
    execFileSync('openssl', [...openssl, ...names], { cwd: here(), stdio: 'pipe', timeout: 30_000 });
    const [key, cert] = [readFileSync(join(here(), 'key'), 'utf8'), readFileSync(join(here(), 'crt'), 'utf8')];
    const server = await startXimssServer({ accounts, tls: { key, cert } });
    const env = { BRIDGE_XIMSS_SERVER: `ximss://localhost:${server.tcpPort}`, BRIDGE_XIMSS_STARTTLS: 'required' };
    const unknown = (await rows(env)).text;
    expect(unknown).toMatch(
      /^FAIL \| XIMSS encryption \| the certificate is self-signed and not known here\n.*\nximss:\n \| caFile: /m,
    );
    expect(unknown).toMatch(/^ok \| XIMSS features/m);
    const known = (await rows({ ...env, BRIDGE_XIMSS_CA_FILE: join(here(), 'crt') })).text;
    expect(known).toMatch(
      /^FAIL \| XIMSS encryption \| the certificate is for other\.test, not for localhost\n.*\nximss:\n \| server: ximss:\/\/other\.test:\d+$/m,
    );
    await server.stop();
    const good = await startXimssServer({ accounts, tls: testCertificate() });
    const foreign = (await rows({ ...env, BRIDGE_XIMSS_SERVER: `https://localhost:${good.httpsPort}` })).text;
    expect(foreign).toMatch(
      /^FAIL \| XIMSS encryption \| the certificate's authority \(test authority\) is not trusted here$/m,
    );
    await good.stop();
  });

  test('no TLS where there should be some; nobody there; somebody else there', async () => {
    const server = await startXimssServer({ accounts });
    const required = { BRIDGE_XIMSS_STARTTLS: 'required' };
    const plain = (await rows({ ...required, BRIDGE_XIMSS_SERVER: `ximss://localhost:${server.tcpPort}` })).text;
    expect(plain).toMatch(
      /^FAIL \| XIMSS encryption \| the server offers no STARTTLS, and ximss\.starttls is required$/m,
    );
    const direct = (await rows({ BRIDGE_XIMSS_SERVER: `ximss+tls://localhost:${server.tcpPort}` })).text;
    expect(direct).toMatch(/^FAIL \| XIMSS encryption .*no TLS on that port$/m);
    expect(direct).toMatch(/^skip \| XIMSS features \| see the row above$/m);
    const domain = (
      await rows({ BRIDGE_XIMSS_SERVER: `http://127.0.0.1:${server.httpPort}`, BRIDGE_XIMSS_DOMAIN: 'other.test' })
    ).text;
    expect(domain).toMatch(/^FAIL \| XIMSS features \| the server tells no features: unknown domain$/m);
    const noHttp = (await rows({ BRIDGE_XIMSS_SERVER: `http://127.0.0.1:${server.tcpPort}` })).text;
    expect(noHttp).toMatch(
      /^FAIL \| XIMSS encryption \| .* does not answer in HTTP: it may be the TCP listener, ximss:\/\/127/m,
    );
    await server.stop();
    const foreign = createServer(
      (socket) => void socket.on('error', () => undefined).once('data', () => socket.end('what?\r\n')),
    );
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    const { port } = foreign.address() as AddressInfo; // a TCP server's address is an object
    const other = (await rows({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${port}` })).text;
    expect(other).toMatch(/^ok \| XIMSS server \| .* takes connections$/m);
    expect(other).toMatch(/^FAIL \| XIMSS encryption \| .* does not speak XIMSS: another program may have that port$/m);
    await new Promise((resolve) => foreign.close(resolve));
    const away = (await rows({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server.tcpPort}` })).text;
    expect(away).toMatch(/^FAIL \| XIMSS server \| nothing listens on 127\.0\.0\.1 port \d+$/m);
    expect(away).toMatch(/^skip \| XIMSS encryption \| needs: XIMSS server$/m);
  });
});
