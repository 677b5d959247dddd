/** A TCP server that plays the XMPP server's part byte by byte: each connection follows the next script. */
import { createServer, type Socket } from 'node:net';
import { Hopeless, until } from '../support/wait';

export interface ScriptedConnection {
  /** everything the component has written on it */
  received(): string;
  /** Waits until the component has written this text; rejects when the connection ends without it. */
  expect(text: string): Promise<void>;
  send(bytes: string | Uint8Array): void;
  end(): void;
  destroy(): void;
  isOpen(): boolean;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
}

export interface ScriptedServer {
  readonly service: string;
  readonly port: number;
  readonly connections: readonly ScriptedConnection[];
  /** The n-th connection, counted from 0, as soon as it is there. */
  connection(index: number): Promise<ScriptedConnection>;
  close(): Promise<void>;
}

export const streamHeader =
  `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' id='abc' from='ximss.test'>`;
/** sha1('abc' + 'test-secret') */
export const handshakeText = '<handshake>47ad9f8d2092d5617238507fb78ce15137758539</handshake>';

/** `play` is called for each connection; a rejection of it is of no consequence when the test fails for it anyway. */
export async function startScripted(
  play: (connection: ScriptedConnection, index: number) => Promise<void> | void,
): Promise<ScriptedServer> {
  const connections: ScriptedConnection[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    let seen = '';
    sockets.add(socket);
    socket.on('data', (bytes: Buffer) => (seen += bytes.toString('utf8')));
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    const connection: ScriptedConnection = {
      received: () => seen,
      expect: async (text) => {
        const look = (): boolean => {
          if (!seen.includes(text) && socket.destroyed) throw new Hopeless(`the connection ended without "${text}"`);
          return seen.includes(text);
        };
        await until(look, { what: () => `"${text}" in ${seen}` });
      },
      send: (bytes) => void socket.write(bytes),
      end: () => void socket.end(),
      destroy: () => void socket.destroy(),
      isOpen: () => !socket.destroyed,
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
    };
    connections.push(connection);
    Promise.resolve(play(connection, connections.length - 1)).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    service: `xmpp://127.0.0.1:${port}`,
    port,
    connections,
    connection: (index) => until(() => connections[index], { what: `connection ${index}` }),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Shakes hands and answers pings by sending them back, as a server does that routes our own domain to us. */
export async function welcome(connection: ScriptedConnection): Promise<void> {
  await connection.expect('<stream:stream');
  connection.send(streamHeader);
  await connection.expect('</handshake>');
  connection.send('<handshake/>');
}

/** Sends back every ping that comes, from now on until the connection ends. */
export async function bounce(connection: ScriptedConnection): Promise<void> {
  let done = 0;
  await until(
    () => {
      const pings = connection.received().match(/<iq [^>]*><ping xmlns="urn:xmpp:ping"\/><\/iq>/g) ?? [];
      for (const ping of pings.slice(done)) connection.send(ping);
      done = pings.length;
      return !connection.isOpen();
    },
    { deadlineMs: 25_000, everyMs: 2 },
  );
}
