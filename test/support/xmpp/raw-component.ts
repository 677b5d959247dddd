/**
 * A bare external component (XEP-0114) for tests and loads: many Jabber users from one socket, an echo to measure the
 * server's ceiling with, a peer that answers only what it is told to. Writes of one turn of the event loop go out as
 * one; with `onText` nothing is parsed or kept. It adds no `from` or `to`: a test may want to break that.
 */
import { createHash, randomUUID } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { makeInbox, type Inbox, type Predicate } from './inbox';
import { Hopeless, until, within } from '../wait';
import { escapeXml, makeSplitter, parseXml, xml, type Element } from './xml';

export interface ComponentOptions {
  readonly server: { readonly host: string; readonly componentPort: number; readonly secret: string };
  readonly domain: string;
  /** Another secret than the server's. */
  readonly secret?: string;
  /** Sees each stanza, before it is kept. */
  readonly onStanza?: (stanza: Element) => void;
  /** The fast path: gets each stanza as text; nothing is parsed or kept, `waitFor`, `take` and `iq` see nothing. */
  readonly onText?: (text: string) => void;
  /** Answer XEP-0199 pings (not on the fast path); false when left out. */
  readonly pong?: boolean;
  /** For the handshake; 10,000 when left out. */
  readonly deadlineMs?: number;
}

export interface RawComponent {
  readonly domain: string;
  /** What came since the handshake or `clear()`; the last 20,000. */
  readonly stanzas: readonly Element[];
  /** Stanzas received so far, on either path. */
  received(): number;
  /** Queues an element or any text; it goes out at the end of this turn. Throws when the connection is closed. */
  send(stanza: Element | string): void;
  /** Resolves when what was sent is in the kernel's hands; for pacing a load. Rejects at the deadline (10,000 ms). */
  drained(deadlineMs?: number): Promise<void>;
  waitFor(predicate: Predicate, deadlineMs?: number, what?: string): Promise<Element>;
  take(predicate: Predicate, deadlineMs?: number, what?: string): Promise<Element>;
  /** Sends an iq and returns its reply, result or error. */
  iq(from: string, to: string, type: 'get' | 'set', payload: Element, deadlineMs?: number): Promise<Element>;
  clear(): void;
  /** Stops reading, so that the server's writes pile up, and goes on. */
  pause(): void;
  resume(): void;
  isOpen(): boolean;
  /** Why the connection ended, a stream error in full; undefined while it is open. */
  ended(): string | undefined;
  close(): Promise<void>;
  kill(): void;
}

/** Connects and shakes hands. Rejects with the server's stream error, or at the deadline; nothing stays open then. */
export async function connectComponent(options: ComponentOptions): Promise<RawComponent> {
  const { server, domain, onText, onStanza } = options;
  const socket = connectTcp({ host: server.host, port: server.componentPort, noDelay: true });
  let over: string | undefined;
  let isOnline = false;
  let receivedCount = 0;
  let queued: string[] = [];
  const ended = (): string | undefined => over ?? (socket.destroyed ? 'killed' : undefined);
  const inbox: Inbox = makeInbox(() => domain, ended);

  const flush = (): void => {
    const text = queued.join('');
    queued = [];
    if (!socket.destroyed) socket.write(text);
  };
  const send = (stanza: Element | string): void => {
    const reason = ended();
    if (reason !== undefined) throw new Error(`the connection of ${domain} is closed: ${reason}`);
    if (queued.length === 0) setImmediate(flush);
    queued.push(typeof stanza === 'string' ? stanza : stanza.toString());
  };
  const onParsed = (stanza: Element): void => {
    onStanza?.(stanza);
    const { id, from, to, type } = stanza.attrs;
    const isPing = stanza.name === 'iq' && type === 'get' && stanza.child('ping', 'urn:xmpp:ping') !== undefined;
    if (options.pong && isPing) return send(xml('iq', { type: 'result', id, from: to, to: from }));
    inbox.add(stanza);
  };
  const splitter = makeSplitter({
    onHeader(tag) {
      const id = /\sid=(["'])(.*?)\1/.exec(tag)?.[2] ?? '';
      const secret = options.secret ?? server.secret;
      send(
        `<handshake>${createHash('sha1')
          .update(id + secret)
          .digest('hex')}</handshake>`,
      );
    },
    onStanza(text) {
      if (!isOnline && text.startsWith('<handshake')) isOnline = true;
      else if (text.startsWith('<stream:error')) over ??= `stream error ${text}`;
      else {
        receivedCount += 1;
        if (onText && isOnline) onText(text);
        else onParsed(parseXml(text));
      }
    },
    onEnd() {
      over ??= 'the server ended the stream';
      socket.end();
    },
  });
  socket.on('data', (bytes: Buffer) => splitter.write(bytes));
  socket.on('error', (error) => (over ??= error.message));
  socket.on('close', () => (over ??= 'the connection was closed'));
  send(
    `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${escapeXml(domain)}'>`,
  );
  const look = (): boolean => {
    const reason = ended();
    if (reason !== undefined) throw new Hopeless(`the server refused ${domain}: ${reason}`);
    return isOnline;
  };
  try {
    await until(look, { deadlineMs: options.deadlineMs ?? 30_000, everyMs: 1, what: `the handshake of ${domain}` });
  } catch (error) {
    socket.destroy();
    throw error;
  }

  return {
    domain,
    stanzas: inbox.items,
    received: () => receivedCount,
    send,
    async drained(deadlineMs = 10_000) {
      if (queued.length > 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (!socket.writableNeedDrain) return;
      await within(new Promise<void>((resolve) => socket.once('drain', resolve)), deadlineMs, `room for ${domain}`);
    },
    waitFor: inbox.waitFor,
    take: inbox.take,
    async iq(from, to, type, payload, deadlineMs = 5000) {
      const id = randomUUID();
      send(xml('iq', { type, id, from, to }, payload));
      const isReply: Predicate = ({ name, attrs }) =>
        name === 'iq' && attrs['id'] === id && (attrs['type'] === 'result' || attrs['type'] === 'error');
      return inbox.take(isReply, deadlineMs, `the answer of ${to} to ${payload.toString()}`);
    },
    clear: inbox.clear,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    isOpen: () => ended() === undefined,
    ended,
    async close() {
      if (socket.destroyed) return;
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      if (ended() === undefined) {
        flush();
        socket.end('</stream:stream>');
      }
      await within(closed, 2000).catch(() => socket.destroy());
    },
    kill: () => void socket.destroy(),
  };
}
