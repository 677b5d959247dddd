/** Listening sockets that can be closed and opened again on the same port, and every socket they accepted. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export class Listener {
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();

  /** `port` 0 takes a free one at the first open and keeps it. */
  constructor(
    private readonly host: string,
    public port: number,
    private readonly tls: { key: string; cert: string } | null,
    private readonly onSocket: (socket: Socket) => void,
  ) {}

  /** Starts listening. Rejects when the port is taken. */
  async open(): Promise<void> {
    const server = createServer();
    server.on('connection', (socket: Socket) => this.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, this.host, 1024, resolve);
    });
    server.on('error', () => undefined);
    const address = server.address();
    if (address !== null && typeof address === 'object') this.port = address.port;
    this.server = server;
  }

  /** Cuts every connection and stops listening. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    this.dropAll();
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }

  /** Cuts every connection: reset, not a polite end. */
  dropAll(): void {
    for (const socket of this.sockets) {
      // a reset in the middle of a polite end is forgotten by Node, and its handle stays open for ever
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    if (this.tls === null) return this.onSocket(socket);
    const secured = this.tlsServer();
    secured.emit('connection', socket);
  }

  private secured: Server | null = null;
  private tlsServer(): Server {
    if (this.secured !== null) return this.secured;
    const server = createTlsServer({ key: this.tls?.key ?? '', cert: this.tls?.cert ?? '' });
    server.on('secureConnection', (socket) => this.onSocket(socket));
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.secured = server;
    return server;
  }
}
