/**
 * Free TCP ports on the loopback. They are taken from below the kernel's ephemeral range, so that no outgoing
 * connection can sit on a server's port while that server is down between `kill9()` and `start()`.
 */
import { createServer } from 'node:net';

const lowest = 15_000;
const highest = 32_000;
const triesMax = 200;
const given = new Set<number>();

/** One port nobody listens on and this process was not given before; rejects when 200 dice throws find none. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < triesMax; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${lowest} and ${highest} in ${triesMax} tries`);
}

/** As many different free ports as asked for. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
