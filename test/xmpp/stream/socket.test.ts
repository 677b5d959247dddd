/** The socket under the stream: TLS and its certificate. */
import { createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { testCertificate } from '../../support/cert';
import { until } from '../../support/wait';
import { streamHeader } from '../scripted-server';
import { makeSide } from '../stream-scene';

test('xmpps: the certificate is checked', async () => {
  const { ca, cert, key } = testCertificate();
  const tls = createTlsServer({ cert, key }, (socket) => {
    socket.on('error', () => undefined);
    let seen = '';
    socket.on('data', (bytes: Buffer) => {
      const isFirst = seen === '';
      seen += bytes.toString();
      if (isFirst) socket.write(streamHeader);
      else if (bytes.includes('</handshake>')) socket.write('<handshake/>');
    });
  });
  tls.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  const service = `xmpps://localhost:${(tls.address() as AddressInfo).port}`; // a TCP server's address is an object
  const trusting = makeSide({ service, ca });
  await trusting.jabber.start();
  await trusting.jabber.stop();
  const distrusting = makeSide({ service });
  const started = distrusting.jabber.start();
  started.catch(() => undefined); // ended by afterEach
  await until(() => distrusting.logged().includes('component stream ended'));
  expect(distrusting.jabber.isUp()).toBe(false);
  await distrusting.jabber.stop();
  await new Promise((resolve) => tls.close(resolve));
});
