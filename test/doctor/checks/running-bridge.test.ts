/** Who listens on http.listen. */
import { createServer, type Server } from 'node:net';
import { whoListens } from '../../../src/doctor/checks/running-bridge';
import { startListener } from '../../../src/ops/http/listener';
import { makeMetrics } from '../../../src/ops/metrics';
import { silentLog } from '../../support/silence';

const never = new AbortController().signal;

describe('http.listen', () => {
  const listening = (answer: string): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.resume();
        socket.end(answer);
      });
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
  const portOf = (server: Server): number => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };

  test('a bridge', async () => {
    const admin = await startListener({
      listen: { host: '127.0.0.1', port: 0 },
      token: 'secret',
      metrics: makeMetrics({ process: false }),
      ready: () => ({ stream: true, standsBy: false, redis: false, ximss: { links: 0, online: 0, reason: null } }),
      log: silentLog,
    });
    expect(await whoListens(`127.0.0.1:${admin.port}`, never)).toEqual({
      kind: 'bridge',
      isStreamUp: true,
      isRedisUp: false,
    });
    expect(await whoListens(`0.0.0.0:${admin.port}`, never)).toMatchObject({ kind: 'bridge' });
    await admin.stop();
    expect(await whoListens(`127.0.0.1:${admin.port}`, never)).toEqual({ kind: 'none' });
  });

  test.each(['', 'SSH-2.0-x\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'])(
    'another program: %j',
    async (answer) => {
      const server = await listening(answer);
      expect(await whoListens(`127.0.0.1:${portOf(server)}`, never)).toEqual({ kind: 'other' });
      await new Promise((resolve) => server.close(resolve));
    },
  );
});
