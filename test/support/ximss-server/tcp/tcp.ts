/**
 * One TCP connection: frames in, requests in order, messages out, STARTTLS. docs/XIMSS.md 1.1, 1.2, 2.2, 2.3.
 * Input and output are bounded; a breach cuts the connection, since the document names no stream error.
 */
import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import { preloginRequest, type Prelogin } from '../operations/prelogin';
import { execute, type Wire } from '../operations/exchange';
import { Framer, FrameError } from './framing';
import { operate } from '../operations/operations';
import { TcpWriter } from './writer';
import type { Session } from '../accounts/store';
import type { World } from '../world';
import { el, parseXml, toXml, XmlError, type El } from '../xml';

const maxWaiting = 1000;
const maxFailedLogins = 10;
const policy = '<cross-domain-policy><allow-access-from domain="*" to-ports="*"/></cross-domain-policy>';

export interface TcpOptions {
  /** For STARTTLS; null: not offered. */
  context: SecureContext | null;
  /** TLS is already up. */
  isSecure: boolean;
  /** Called once, when the connection serves no longer. */
  onClose(connection: TcpConnection): void;
}

export class TcpConnection {
  private session: Session | null = null;
  private isDead = false;
  /** A request is being handled that others must wait for. */
  private isBusy = false;
  private readonly waiting: El[] = [];
  /** Bytes received while too many requests were waiting; the socket is paused. */
  private unparsed: Buffer | null = null;
  private lastSeenMs: number;
  private readonly framer: Framer;
  private readonly writer: TcpWriter;
  private readonly prelogin: Prelogin;
  private readonly wire: Wire;

  constructor(
    private readonly world: World,
    private socket: Socket,
    private readonly options: TcpOptions,
  ) {
    const { settings } = world;
    this.lastSeenMs = world.now();
    this.framer = new Framer(settings.maxPreLoginDocumentBytes);
    this.writer = new TcpWriter(socket, settings.maxUnreadBytes, () => this.violate('leaves its output unread'));
    this.wire = {
      send: (message) => this.send(message),
      kill: () => this.close(false),
      raw: (bytes) => this.writer.raw(bytes),
      split: () => this.writer.split(),
      lost: () => ({ ...this.wire, send: () => undefined }),
      hang: () => undefined,
      status: () => false,
    };
    const { remoteAddress = '' } = socket;
    this.prelogin = {
      isSecure: options.isSecure,
      mayLogin: true,
      domain: settings.domains[0] ?? '',
      pending: null,
      failedCount: 0,
      enter: (account, version) => {
        const transport = this.prelogin.isSecure ? 'tls' : 'tcp';
        const sink = { push: (message: El) => this.push(message), ended: (bye: boolean) => this.ended(bye) };
        this.session = world.sessions.open({ account, transport, version, remoteAddress, sink });
        this.framer.limit(settings.maxDocumentBytes);
        return this.session;
      },
      startTls: options.context === null ? null : () => this.startTls(),
    };
    socket.setNoDelay(true);
    this.attach(socket);
  }

  /** Takes bytes that were read before this object existed. */
  feed(bytes: Buffer): void {
    this.onBytes(bytes);
  }

  /** Closes a connection that stays silent before login; sessions have their own watch. */
  sweep(): void {
    if (this.session === null && this.world.now() - this.lastSeenMs > this.world.settings.idleTimeoutMs)
      this.close(true);
  }

  /** Ends the connection and its session; gracefully: what was written goes out first. */
  close(gracefully: boolean): void {
    if (this.isDead) return;
    if (gracefully) this.writer.end();
    else this.writer.destroy();
    this.isDead = true;
    if (this.session !== null) this.world.sessions.end(this.session);
    this.options.onClose(this);
  }

  private get account(): string | null {
    return this.session?.account.address ?? null;
  }

  private attach(socket: Socket): void {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.onBytes(chunk));
    socket.on('error', () => this.close(false));
    socket.on('close', () => this.close(false));
    socket.on('end', () => this.close(true));
  }

  private startTls(): void {
    const { context } = this.options;
    this.prelogin.startTls = null;
    this.prelogin.pending = null;
    if (this.isDead || context === null) return;
    if (this.framer.isHolding || this.waiting.length > 0 || this.unparsed !== null) {
      return this.violate('data in clear text after starttls');
    }
    const plain = this.socket;
    this.writer.flush();
    for (const event of ['data', 'error', 'close', 'end']) plain.removeAllListeners(event);
    plain.on('error', () => undefined);
    const upgraded = new TLSSocket(plain, { isServer: true, secureContext: context });
    this.prelogin.isSecure = true;
    this.writer.moveTo(upgraded);
    this.attach(upgraded);
  }

  private onBytes(chunk: Buffer): void {
    if (this.isDead) return;
    const from = this.socket;
    const wants = (): boolean => !this.isDead && this.socket === from && this.waiting.length < maxWaiting;
    try {
      const rest = this.framer.push(chunk, (text) => this.onText(text), wants);
      if (rest === null || this.isDead) return;
      if (this.socket !== from) return this.violate('data in clear text after starttls');
      this.unparsed = rest;
      this.socket.pause();
    } catch (error) {
      if (!(error instanceof XmlError || error instanceof FrameError)) throw error;
      this.violate(`malformed input: ${error.message}`);
    }
  }

  private onText(text: string): void {
    this.world.wireLog.note('in', this.account, text);
    const { root, declared } = parseXml(text);
    if (declared) this.world.strict.note(this.account, 'XML declaration');
    if (root.name === 'policy-file-request') {
      this.writer.write(policy + '\0');
      return this.close(true);
    }
    if (this.isBusy || this.waiting.length > 0) this.waiting.push(root);
    else this.start(root);
  }

  private start(request: El): void {
    this.lastSeenMs = this.world.now();
    const { session, world, wire, prelogin } = this;
    const done =
      session === null
        ? execute(world, null, request, wire, (call) => preloginRequest(prelogin, call))
        : execute(world, session.account.address, request, wire, (call) => operate(session, call));
    if (this.session === null && prelogin.failedCount >= maxFailedLogins) this.close(true);
    if (done === undefined || !world.settings.dialect.inOrder) return;
    this.isBusy = true;
    void done.then(() => {
      this.isBusy = false;
      this.next();
    });
  }

  private next(): void {
    while (!this.isBusy && !this.isDead) {
      const request = this.waiting.shift();
      if (request === undefined) break;
      this.start(request);
    }
    const rest = this.unparsed;
    if (this.isBusy || this.isDead || rest === null) return;
    this.unparsed = null;
    this.socket.resume();
    this.onBytes(rest);
  }

  private send(message: El): void {
    if (this.isDead) return;
    const xml = toXml(message);
    this.world.wireLog.note('out', this.account, xml);
    this.writer.write(xml + '\0');
  }

  /** Writes an asynchronous message. */
  private push(message: El): void {
    const { faults } = this.world;
    const fault = faults.isEmpty ? null : faults.pick({ kind: 'push', name: message.name, account: this.account });
    if (fault?.action === 'drop') return this.close(false);
    if (fault?.action === 'never') return;
    if (fault?.action === 'garbage') this.writer.raw(fault.bytes);
    if (fault?.action === 'splitBytes') this.writer.split();
    this.send(message);
  }

  private ended(bye: boolean): void {
    if (bye) this.push(el('bye'));
    this.close(true);
  }

  private violate(what: string): void {
    this.world.strict.note(this.account, what);
    this.close(false);
  }
}
