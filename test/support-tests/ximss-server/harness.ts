/** Boots a test server and raw clients, and takes everything down again. */
import { startXimssServer, type XimssServer, type XimssServerOptions } from '../../support/ximss-server/server';
import { wireClient, type WireClient } from './tcp/client';

export const alice = 'alice@x.dom';
export const bob = 'bob@x.dom';
export const carol = 'carol@x.dom';
export const password = 'pass';

export interface Harness {
  boot: (options?: XimssServerOptions) => Promise<XimssServer>;
  dial: (port?: number, ca?: string) => Promise<WireClient>;
  /** Logged in over TCP; `bind`: and bound the way the bridge binds. */
  loggedIn: (account?: string, bind?: boolean) => Promise<WireClient>;
  down: () => Promise<void>;
}

export function makeHarness(): Harness {
  let server: XimssServer | null = null;
  const clients: WireClient[] = [];
  const need = (): XimssServer => {
    if (server === null) throw new Error('boot first');
    return server;
  };
  const harness: Harness = {
    boot: async (options = {}) => {
      const accounts = [
        { account: alice, password, realName: 'Alice' },
        { account: bob, password, realName: 'Bob' },
        { account: carol, password },
      ];
      server = await startXimssServer({ accounts, slowAnswerMs: 1, ...options });
      return server;
    },
    dial: async (port, ca) => {
      const client = await wireClient(port ?? need().tcpPort, ca);
      clients.push(client);
      return client;
    },
    loggedIn: async (account = alice, bind = true) => {
      const client = await harness.dial();
      await client.ask(`<login id="l" authData="${account}" password="${password}"/>`);
      if (bind) await client.ask('<signalBind id="b" clientID="wire" presence="yes" readIM="1"/>');
      return client;
    },
    down: async () => {
      for (const client of clients.splice(0)) client.end();
      await server?.stop();
      server = null;
    },
  };
  return harness;
}
