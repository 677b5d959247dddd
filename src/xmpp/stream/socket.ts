/**
 * The socket under the component stream: TCP, or TLS with the certificate checked. It has the face that the library asks of a
 * socket; `connect` is emitted when the connection stands, with TLS after the certificate was checked. It neither buffers
 * nor reconnects.
 */
import { EventEmitter } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { StreamSocket } from '@xmpp/component';

/** Silence after which TCP probes the other end. */
const keepAliveMs = 30_000;

/** Where the XEP-0114 listener is. */
export interface Service {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** Where to connect; `ca` is the PEM of an extra trusted CA. */
export interface SocketTarget extends Service {
  readonly ca: string | null;
}

export class ServiceSocket extends EventEmitter implements StreamSocket {
  private socket: Socket | null = null;

  /** Begins to connect; may be called once. Emits connect, data, error, close. */
  connect(target: SocketTarget): void {
    const { host, port, isTls } = target;
    const onReady = (): void => void this.emit('connect');
    const socket = isTls ? connectTls(tlsOptions(target), onReady) : connectTcp({ host, port }, onReady);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('data', (bytes: Buffer) => this.emit('data', bytes));
    // after the end of a stream nobody listens, and an error that nobody hears would end the process
    socket.on('error', (error) => this.listenerCount('error') > 0 && this.emit('error', error));
    socket.on('close', (hadError) => this.emit('close', hadError));
    this.socket = socket;
  }

  write(text: string): void {
    this.socket?.write(text);
  }

  end(text?: string): void {
    this.socket?.end(text ?? '');
  }

  destroy(): void {
    this.socket?.destroy();
  }

  /** Bytes that were written and that the other side has not taken. */
  unsentBytes(): number {
    return this.socket?.writableLength ?? 0;
  }
}

function tlsOptions({ host, port, ca }: SocketTarget): ConnectionOptions {
  return { host, port, ...(ca === null ? {} : { ca }), ...(isIP(host) === 0 ? { servername: host } : {}) };
}
