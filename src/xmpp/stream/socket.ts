/**
 * The socket under the component stream: TCP, or TLS with the certificate checked. It has the face that the library asks of a
 * socket; `connect` is emitted when the connection stands, with TLS after the certificate was checked. It neither buffers
 * nor reconnects.
 */
import { EventEmitter } from 'node:events';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { StreamSocket } from '@xmpp/component';
import type { Service } from '../options';

/** Silence after which TCP probes the other end. */
const keepAliveMs = 30_000;

/** Where to connect. */
export interface SocketTarget extends Service {
  /** PEM of an extra trusted CA */
  readonly ca: string | null;
  /** names to addresses; the system's way when left out */
  readonly lookup?: LookupFunction | undefined;
}

export class ServiceSocket extends EventEmitter implements StreamSocket {
  private socket: Socket | null = null;

  /** Begins to connect; may be called once. Emits connect, data, error, close. */
  connect(target: SocketTarget): void {
    const onReady = (): void => void this.emit('connect');
    const options = connectOptions(target);
    const socket = target.isTls ? connectTls(tlsOptions(target), onReady) : connectTcp(options, onReady);
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

function connectOptions({ host, port, lookup }: SocketTarget): Pick<SocketTarget, 'host' | 'port' | 'lookup'> {
  return { host, port, ...(lookup ? { lookup } : {}) };
}

function tlsOptions(target: SocketTarget): ConnectionOptions {
  const { host, ca } = target;
  const name = isIP(host) === 0 ? { servername: host } : {};
  return { ...connectOptions(target), ...(ca === null ? {} : { ca }), ...name };
}
