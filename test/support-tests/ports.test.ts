import { createServer } from 'node:net';
import { freePort, freePorts } from '../support/ports';

test('a port can be listened on, and lies below the ephemeral range', async () => {
  const port = await freePort();
  expect(port).toBeGreaterThanOrEqual(15_000);
  expect(port).toBeLessThan(32_000);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  await new Promise((resolve) => server.close(resolve));
});

test('no port is given twice', async () => {
  const ports = await freePorts(50);
  expect(new Set(ports).size).toBe(50);
});
