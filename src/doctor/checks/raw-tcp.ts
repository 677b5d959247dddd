/**
 * XIMSS over TCP before the login, as far as a look needs it: a socket on which requests are asked one by one (protocol
 * document 1.1, 2.1). Certificates are looked at, not enforced: no secret ever goes over a connection that was opened
 * here. Bounded in size and time.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { Fault } from '../../core/fault';
import { makeCodec } from '../../ximss/wire/codec';
import { attr, withId, type Element } from '../../ximss/wire/element';
import { TcpFramer } from '../../ximss/wire/tcp-framing';
import type { Place } from './tcp-reach';

/** One answered request. */
export interface Answer {
  readonly data: readonly Element[];
  /** what the server said against it, null when it did not */
  readonly refusal: string | null;
}

/** For whatever is looked at. */
export const codec = makeCodec({ documentBytes: 262_144 });
const documentsMax = 1_000;

/** Connection options that accept any certificate, so that a bad one can be described. */
export const lenient = (host: string, secureContext: SecureContext): object => ({
  ...(isIP(host) === 0 ? { servername: host } : {}),
  host,
  secureContext,
  rejectUnauthorized: false,
});

/** A XIMSS connection over TCP. Everything rejects with the socket's error, or with the signal's reason. */
export class RawWire {
  private readonly framer = new TcpFramer(codec.limits.documentBytes);
  private documents: Element[] = [];
  private wake: (() => void) | null = null;
  private failure: unknown = null;
  private lastId = 0;

  private constructor(
    private socket: Socket,
    private readonly host: string,
    private readonly signal: AbortSignal,
  ) {
    this.listen();
    signal.addEventListener('abort', this.onAbort);
    if (signal.aborted) this.onAbort();
  }

  /** Opens a connection; with a context TLS starts with the first byte. */
  static async open({ host, port }: Place, tls: SecureContext | null, signal: AbortSignal): Promise<RawWire> {
    const socket = tls === null ? connectTcp({ host, port }) : connectTls({ ...lenient(host, tls), port });
    const wire = new RawWire(socket, host, signal);
    await wire.until(socket, tls === null ? 'connect' : 'secureConnect');
    return wire;
  }

  /** The TLS socket, null while in clear text. */
  get tls(): TLSSocket | null {
    return 'getPeerCertificate' in this.socket ? (this.socket as TLSSocket) : null; // only TLS sockets have it
  }

  /** Asks and waits for the response. */
  async ask(request: Element): Promise<Answer> {
    this.lastId += 1;
    const id = `d${this.lastId}`;
    this.socket.write(codec.encode([withId(request, id)]));
    const data: Element[] = [];
    for (let seen = 0; seen < documentsMax; seen += 1) {
      const document = await this.next();
      if (attr(document, 'id') !== id) continue;
      if (document.name === 'response') return { data, refusal: refusalIn(document) };
      data.push(document);
    }
    throw new Fault('unavailable', { cause: 'no response among many documents' });
  }

  /** The TLS handshake after a positive response to starttls. */
  async startTls(context: SecureContext): Promise<void> {
    this.socket.removeAllListeners('data');
    this.socket = connectTls({ ...lenient(this.host, context), socket: this.socket });
    this.listen();
    await this.until(this.socket, 'secureConnect');
  }

  close(): void {
    this.signal.removeEventListener('abort', this.onAbort);
    this.socket.destroy();
  }

  private listen(): void {
    this.socket.on('data', (bytes: Buffer) => this.framer.push(bytes, this));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Fault('unavailable', { cause: 'closed by the server' })));
  }

  /** Called by the framer. */
  onFrame(bytes: Uint8Array): void {
    try {
      if (this.documents.length < documentsMax) this.documents.push(codec.decode(bytes));
    } catch (thrown) {
      return this.fail(thrown);
    }
    this.wake?.();
  }

  /** Called by the framer. */
  onOversize(fault: Fault): void {
    this.fail(fault);
  }

  private readonly onAbort = (): void => this.fail(this.signal.reason);

  private fail(reason: unknown): void {
    this.failure ??= reason ?? new Fault('unavailable');
    this.socket.destroy();
    this.wake?.();
  }

  private async next(): Promise<Element> {
    for (;;) {
      const document = this.documents.shift();
      if (document !== undefined) return document;
      if (this.failure !== null) throw asError(this.failure);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private async until(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
    let isUp = false;
    socket.once(event, () => {
      isUp = true;
      this.wake?.();
    });
    while (!isUp) {
      if (this.failure !== null) throw asError(this.failure);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

/** The server's words against a request, null when the response is positive (docs/XIMSS.md 1.3). */
export function refusalIn(response: Element): string | null {
  const [text, number] = [attr(response, 'errorText'), attr(response, 'errorNum')];
  return text === null && number === null ? null : (text ?? `error ${number}`);
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Fault('unavailable', { cause: reason });
}
