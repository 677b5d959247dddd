/**
 * One test server and clients of its TCP port, for a file of tests: `boot` starts the server, `down` ends both after each
 * test. The module belongs to one test file, so its server does too.
 */
import { startXimssServer, type XimssServer, type XimssServerOptions } from '../../../support/ximss-server/server';
import { wireClient, type WireClient } from './client';

export const alice = 'alice@x.dom';
export const bob = 'bob@x.dom';
const accounts = [
  { account: alice, password: 'wonder', realName: 'Alice' },
  { account: bob, password: 'builder', realName: 'Bob' },
];

export let server: XimssServer;
const clients: WireClient[] = [];

export async function boot(options: XimssServerOptions = {}): Promise<void> {
  server = await startXimssServer({ accounts, slowAnswerMs: 1, ...options });
}

export async function dial(port = server.tcpPort, ca?: string): Promise<WireClient> {
  const client = await wireClient(port, ca);
  clients.push(client);
  return client;
}

export async function loggedIn(user = alice, password = 'wonder'): Promise<WireClient> {
  const client = await dial();
  await client.ask(`<login id="l" authData="${user}" password="${password}"/>`);
  return client;
}

/** What an attribute of this name holds, '' when there is none. */
export const attribute = (xml: string, name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(xml)?.[1] ?? '';

export async function down(): Promise<void> {
  for (const client of clients.splice(0)) client.end();
  await server.stop();
}
