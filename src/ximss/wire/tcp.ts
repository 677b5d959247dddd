/**
 * XIMSS over TCP: clear text, TLS from the first byte, or TLS after `starttls` (docs/XIMSS.md 1.1, 2.2). TLS 1.2 at
 * least, certificate and server name checked always. One write per call of `send`; back-pressure shows in `isWritable`.
 * It does not decide whether TLS is needed; that is login.ts.
 */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { Fault } from '../../core/fault';
import type { Codec } from './codec';
import type { Element } from './element';
import { TcpFramer } from './tcp-framing';
import type { Transport, TransportEvents } from './transport';

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly lookup?: LookupFunction | undefined;
  readonly secureContext: () => SecureContext;
}

const unavailable = (cause: unknown): Fault => new Fault('unavailable', { cause });

/** Bytes in the socket's own queue above which `isWritable` is false. */
const highWaterBytes = 262_144;

export class TcpTransport implements Transport {
  readonly repeatsAreSafe = false;
  private socket: Socket | null = null;
  private readonly framer: TcpFramer;
  private ending: Fault | null = null;
  private isClosed = false;
  private isFull = false;
  /** Frames that may still come in clear text; null = any number. */
  private clearFramesLeft: number | null = null;
  isEncrypted = false;

  private constructor(
    private readonly target: TcpTarget,
    private readonly codec: Codec,
    private readonly events: TransportEvents,
  ) {
    this.framer = new TcpFramer(codec.limits.documentBytes);
  }

  /** Connects. Rejects `unavailable` when that fails, or with the signal's reason; then nothing is left open. */
  static async open(
    target: TcpTarget,
    codec: Codec,
    events: TransportEvents,
    signal: AbortSignal,
  ): Promise<TcpTransport> {
    const transport = new TcpTransport(target, codec, events);
    const { host, port, lookup } = target;
    const place = { host, port, ...(lookup ? { lookup } : {}) };
    const socket = target.isTls ? connectTls({ ...transport.tlsOptions(), ...place }) : connectTcp(place);
    await transport.settled(socket, target.isTls ? 'secureConnect' : 'connect', signal);
    socket.setNoDelay(true);
    transport.isEncrypted = target.isTls;
    transport.attach(socket);
    return transport;
  }

  /**
   * Called before `starttls` is sent: exactly one more document may come in clear text, the response. Anything else could
   * have been put there by somebody on the way and ends the connection. `false` takes it back after a refusal.
   */
  expectTls(isExpected: boolean): void {
    this.clearFramesLeft = isExpected ? 1 : null;
  }

  /** The TLS handshake after a positive response to `starttls`. Rejects `unavailable`; then the connection is gone. */
  async startTls(signal: AbortSignal): Promise<void> {
    const { socket } = this;
    if (socket === null || this.isClosed) throw unavailable('closed before TLS');
    if (this.framer.isHolding || socket.readableLength > 0) {
      const fault = unavailable('clear text behind the starttls response');
      this.destroy(fault);
      throw fault;
    }
    this.detach(socket);
    const secured = connectTls({ ...this.tlsOptions(), socket });
    this.socket = secured;
    try {
      await this.settled(secured, 'secureConnect', signal);
    } catch (error) {
      socket.destroy();
      this.finish(error instanceof Fault ? error : unavailable(error));
      throw error;
    }
    this.isEncrypted = true;
    this.clearFramesLeft = null;
    this.attach(secured);
  }

  isWritable(): boolean {
    return !this.isClosed && !this.isFull;
  }

  send(documents: readonly Element[]): void {
    const { socket } = this;
    if (socket === null || this.isClosed || documents.length === 0) return;
    socket.write(this.codec.encode(documents));
    this.isFull = socket.writableLength > highWaterBytes;
  }

  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  /** TCP repeats nothing. */
  retryNow(): void {}

  destroy(fault: Fault): void {
    this.ending ??= fault;
    this.socket?.destroy();
    this.finish(this.ending);
  }

  private tlsOptions(): object {
    const { host } = this.target;
    const name = isIP(host) === 0 ? { servername: host } : {};
    return { ...name, host, secureContext: this.target.secureContext(), rejectUnauthorized: true };
  }

  /** Waits for the socket to be up; on failure the socket is destroyed. */
  private settled(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (fault: Fault | null): void => {
        socket.removeListener(event, onUp);
        socket.removeListener('error', onError);
        socket.removeListener('close', onEnd);
        signal.removeEventListener('abort', onAbort);
        if (fault === null) return resolve();
        socket.on('error', () => undefined); // a late one must not reach the process
        socket.destroy();
        reject(fault);
      };
      const onUp = (): void => done(null);
      const onError = (error: Error): void => done(unavailable(error));
      const onEnd = (): void => done(unavailable('closed while connecting'));
      const onAbort = (): void =>
        done(signal.reason instanceof Fault ? signal.reason : new Fault('timeout', { cause: signal.reason }));
      socket.once(event, onUp);
      socket.once('error', onError);
      socket.once('close', onEnd);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
  }

  private attach(socket: Socket): void {
    this.socket = socket;
    socket.on('data', this.onBytes);
    socket.on('error', this.onError);
    socket.on('close', this.onGone);
    socket.on('drain', this.onDrain);
  }

  private detach(socket: Socket): void {
    socket.removeListener('data', this.onBytes);
    socket.removeListener('error', this.onError);
    socket.removeListener('close', this.onGone);
    socket.removeListener('drain', this.onDrain);
    socket.on('error', () => undefined);
  }

  private readonly onBytes = (chunk: Buffer): void => {
    if (!this.isClosed) this.framer.push(chunk, this);
  };

  private readonly onError = (error: Error): void => {
    this.ending ??= unavailable(error);
  };

  private readonly onGone = (): void => {
    this.finish(this.ending ?? unavailable('closed by the server'));
  };

  private readonly onDrain = (): void => {
    if (!this.isFull) return;
    this.isFull = false;
    this.events.onWritable();
  };

  /** Called by the framer. */
  onFrame(bytes: Uint8Array): void {
    if (this.isClosed) return;
    if (this.clearFramesLeft === 0) return this.destroy(unavailable('clear text behind the starttls response'));
    if (this.clearFramesLeft !== null) this.clearFramesLeft -= 1;
    let document: Element;
    try {
      document = this.codec.decode(bytes);
    } catch (error) {
      return this.events.onUnreadable(error instanceof Fault ? error : new Fault('internal', { cause: error }));
    }
    void this.events.onDocument(document);
  }

  /** Called by the framer. */
  onOversize(fault: Fault): void {
    if (!this.isClosed) this.events.onUnreadable(fault);
  }

  private finish(fault: Fault): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.events.onClose(fault, true);
  }
}
