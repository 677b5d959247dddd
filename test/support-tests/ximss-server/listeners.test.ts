/** The sockets of the test server's listeners. */
import { connect, type Socket } from 'node:net';
import { Listener } from '../../support/ximss-server/listeners';
import { until } from '../../support/wait';

test('connections that are being ended politely are cut too, and leave nothing open', async () => {
  const sockets: Socket[] = [];
  const listener = new Listener('127.0.0.1', 0, null, (socket) => sockets.push(socket));
  await listener.open();
  const handles = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = handles();
  const clients = Array.from({ length: 5 }, () =>
    connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true }),
  );
  for (const client of clients) client.on('error', () => undefined);
  await until(() => sockets.length === clients.length, { what: 'the connections' });
  for (const socket of sockets) socket.end('goodbye');
  listener.dropAll();
  for (const client of clients) client.destroy();
  // an earlier file of this process may still be closing its own
  await until(() => handles() <= before, { what: 'the end of all sockets' });
  await listener.close();
});
