/** The connection on which a process hears the others. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { systemClock } from '../../../src/ops/clock';
import { makeBus } from '../../../src/store/processes/bus';
import { targetOf } from '../../../src/store/redis/target';
import { startRedis, type RedisServer } from '../../support/servers/redis';
import { countingMeter, silentLog } from '../../support/silence';
import { until } from '../../support/wait';

let redis: RedisServer;
let between: Server;
const sockets: Socket[] = [];
let subscribedCount = 0;

/** Stands before Redis, and lets only the first wish to subscribe through. */
function passOn(socket: Socket): void {
  const far = connect(Number(new URL(redis.url).port));
  sockets.push(socket, far);
  socket.on('data', (bytes) => {
    if (bytes.toString().toLowerCase().includes('subscribe') && (subscribedCount += 1) > 1) return;
    far.write(bytes);
  });
  far.on('data', (bytes) => socket.write(bytes));
  for (const one of [socket, far]) one.on('error', () => undefined);
  socket.on('close', () => far.destroy());
}

beforeAll(async () => {
  redis = await startRedis();
  between = createServer(passOn);
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  between.close();
  await redis.dispose();
});

// the library's own way to subscribe again left a rejection that nobody handled, which ended the process
test('who ends just when the connection is back ends in peace', async () => {
  const { port } = between.address() as AddressInfo; // it listens on a port
  const bus = makeBus({
    target: targetOf({ url: `redis://127.0.0.1:${port}` }),
    client: { ask: () => Promise.reject(new Error('nothing is said')) },
    keys: { channel: 'channel:' },
    self: 'one',
    clock: systemClock,
    log: silentLog,
    meter: countingMeter(),
  });
  await bus.start();
  sockets[0]?.destroy();
  await until(() => subscribedCount === 2);
  await bus.close();
  await until(() => sockets.every((socket) => socket.destroyed)); // later than any rejection
});
