/**
 * A small real XMPP client for tests: TCP, with STARTTLS when asked, SASL PLAIN, resource binding, roster, presence.
 * It keeps what it received, bounded, and answers nothing by itself (pings on request), so that a test sees and
 * decides everything. RFC 6120 and 6121; it never reconnects.
 */
import { randomUUID } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { makeInbox, type Inbox, type Predicate } from './inbox';
import { until, within, Hopeless } from '../wait';
import { makeSplitter, parseXml, xml, type Child, type Element } from './xml';

const pingNs = 'urn:xmpp:ping';
/**
 * A long tag that arrives in several reads lies unread in servers with a newer libexpat until about as much again has
 * come: such a stanza is followed by as many spaces.
 */
const longStanza = 2_000;
const rosterNs = 'jabber:iq:roster';

export interface ConnectOptions {
  readonly server: { readonly host: string; readonly c2sPort: number; readonly domain: string };
  readonly user: string;
  readonly password: string;
  /** Encrypt before the login, whatever the certificate says; false when left out. */
  readonly starttls?: boolean;
  /** Chosen by the server when left out. */
  readonly resource?: string;
  /** Ask for the roster after binding, so that roster pushes come; true when left out. */
  readonly roster?: boolean;
  /** Send available presence after that; true when left out. */
  readonly presence?: boolean;
  /** Answer XEP-0199 pings; false when left out. */
  readonly pong?: boolean;
  /** For the whole login; 10,000 when left out. */
  readonly deadlineMs?: number;
  /** Sees each stanza as it comes, before it is kept. */
  readonly onStanza?: (stanza: Element) => void;
}

export interface RosterItem {
  readonly jid: string;
  readonly name: string;
  readonly subscription: string;
  readonly isAsking: boolean;
  readonly groups: readonly string[];
}

export interface PresenceOptions {
  readonly to?: string;
  readonly type?: string;
  readonly show?: string;
  readonly status?: string;
  readonly priority?: number;
  readonly children?: readonly Child[];
}

export interface MessageOptions {
  readonly type?: string;
  /** Beside the body. */
  readonly children?: readonly Child[];
}

export type { Predicate } from './inbox';

export interface JabberClient {
  /** The full JID that was bound. */
  readonly jid: string;
  readonly bare: string;
  /** What came since login or `clear()`, oldest first; the last 20,000. */
  readonly stanzas: readonly Element[];
  /** Writes an element or any text as it stands. Throws when the connection is closed. */
  send(stanza: Element | string): void;
  /** The first kept stanza that fits, now or before the deadline (20,000 ms). It stays kept. */
  waitFor(predicate: Predicate, deadlineMs?: number, what?: string): Promise<Element>;
  /** The same, and takes it out, so that the next call finds the next one. */
  take(predicate: Predicate, deadlineMs?: number, what?: string): Promise<Element>;
  /** Sends a chat message; returns its id (a new one when none is given). A null body sends none. */
  message(to: string, body: string | null, id?: string, options?: MessageOptions): string;
  presence(options?: PresenceOptions): void;
  /** Sends an iq and returns the reply, result or error; rejects at the deadline (20,000 ms). Without `to`: one's own account. */
  iq(type: 'get' | 'set', payload: Element, to?: string, deadlineMs?: number): Promise<Element>;
  /** The roster as the server has it now. */
  roster(): Promise<RosterItem[]>;
  /** After its answer the server has handled everything sent before. */
  barrier(): Promise<void>;
  /** Forgets what was received. */
  clear(): void;
  isOpen(): boolean;
  /** Ends the stream politely. May be called twice. */
  close(): Promise<void>;
  /** Drops the connection without a word. */
  kill(): void;
}

/** Logs in. Rejects when the server refuses (the reason is in the text) or the deadline passes; nothing stays open then. */
export async function connect(options: ConnectOptions): Promise<JabberClient> {
  const wire = openWire(options);
  try {
    return await within(login(wire, options), options.deadlineMs ?? 30_000, `the login of ${options.user}`);
  } catch (error) {
    wire.socket.destroy();
    throw error;
  }
}

interface Wire {
  socket: Socket;
  readonly inbox: Inbox;
  /** The user until a JID is bound, for failure texts. */
  who: string;
  onStanza: ((stanza: Element) => boolean) | undefined;
  open(domain: string): void;
  write(text: string): void;
  next(): Promise<Element>;
  /** TLS from here on. */
  encrypt(domain: string): Promise<void>;
  /** Why nothing more will come; undefined while it may. */
  over(): string | undefined;
}

function openWire({ server, user }: ConnectOptions): Wire {
  const plain = connectTcp({ host: server.host, port: server.c2sPort, noDelay: true });
  let over: string | undefined;
  const inbox = makeInbox(
    () => wire.who,
    () => over ?? (wire.socket.destroyed ? 'the test closed it' : undefined),
  );
  const wire: Wire = {
    socket: plain,
    inbox,
    who: user,
    onStanza: undefined,
    open(domain) {
      splitter.reset();
      wire.write(
        `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
      );
    },
    write(text) {
      if (over !== undefined || wire.socket.destroyed)
        throw new Error(`the client's connection is closed: ${over ?? 'killed'}`);
      wire.socket.write(text.length > longStanza ? text + ' '.repeat(text.length) : text);
    },
    async next() {
      const look = (): Element | undefined => {
        const stanza = inbox.items.shift();
        if (stanza === undefined && over !== undefined) throw new Hopeless(over);
        return stanza;
      };
      return until(look, { what: 'the next step of the login', deadlineMs: 30_000, everyMs: 1 });
    },
    async encrypt(domain) {
      plain.removeAllListeners('data');
      const secure = connectTls({ socket: plain, servername: domain, rejectUnauthorized: false });
      await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
      wire.socket = secure;
      listen(secure);
    },
    over: () => over,
  };
  const splitter = makeSplitter({
    onHeader: () => undefined,
    onStanza(text) {
      const stanza = parseXml(text);
      if (stanza.name === 'stream:error') over ??= `stream error ${text}`;
      if (wire.onStanza?.(stanza)) return;
      inbox.add(stanza);
    },
    onEnd() {
      over ??= 'the server ended the stream';
      wire.socket.end();
    },
  });
  const listen = (socket: Socket): void => {
    socket.on('data', (bytes: Buffer) => splitter.write(bytes));
    socket.on('error', (error) => (over ??= error.message));
    socket.on('close', () => (over ??= 'the connection was closed'));
  };
  listen(plain);
  return wire;
}

async function login(wire: Wire, options: ConnectOptions): Promise<JabberClient> {
  const { server, user, password, resource } = options;
  wire.open(server.domain);
  await wire.next(); // features
  if (options.starttls === true) {
    wire.write(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
    const proceed = await wire.next();
    if (proceed.name !== 'proceed') throw new Error(`the server offers no TLS: ${proceed.toString()}`);
    await wire.encrypt(server.domain);
    wire.open(server.domain);
    await wire.next(); // features
  }
  const secret = Buffer.from(`\0${user}\0${password}`).toString('base64');
  wire.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`);
  const answer = await wire.next();
  if (answer.name !== 'success') throw new Error(`the server refused ${user}: ${answer.toString()}`);
  wire.open(server.domain);
  const features = await wire.next();
  const wanted = resource === undefined ? [] : [xml('resource', {}, resource)];
  wire.write(iqStanza('set', 'bind', xml('bind', { xmlns: 'urn:ietf:params:xml:ns:xmpp-bind' }, ...wanted)).toString());
  const bound = await nextWith(wire, 'bind');
  const jid = bound.child('bind')?.text('jid') ?? '';
  if (jid === '') throw new Error(`the server bound no resource for ${user}: ${bound.toString()}`);
  const needsSession =
    features.child('session')?.child('optional') === undefined && features.child('session') !== undefined;
  if (needsSession) {
    wire.write(iqStanza('set', 'session', xml('session', { xmlns: 'urn:ietf:params:xml:ns:xmpp-session' })).toString());
    await nextWith(wire, 'session');
  }
  const client = makeClient(wire, jid, options);
  if (options.roster ?? true) await client.roster();
  if (options.presence ?? true) client.presence();
  return client;
}

/** The reply with that id; what the server says before it (a privilege advert, for instance) is dropped. */
async function nextWith(wire: Wire, id: string): Promise<Element> {
  for (;;) {
    const stanza = await wire.next();
    if (stanza.attrs['id'] === id) return stanza;
  }
}

function makeClient(wire: Wire, jid: string, options: ConnectOptions): JabberClient {
  const bare = jid.split('/')[0] ?? jid;
  wire.who = jid;
  const replies = new Map<string, (stanza: Element) => void>();
  const send = (stanza: Element | string): void => wire.write(stanza.toString());

  wire.onStanza = (stanza) => {
    options.onStanza?.(stanza);
    if (stanza.name !== 'iq') return false;
    const { id = '', type, from } = stanza.attrs;
    const waiting = type === 'result' || type === 'error' ? replies.get(id) : undefined;
    if (waiting) {
      replies.delete(id);
      waiting(stanza);
      return true;
    }
    if (!options.pong || type !== 'get' || !stanza.child('ping', pingNs)) return false;
    send(xml('iq', { type: 'result', id, to: from }));
    return true;
  };

  const iq: JabberClient['iq'] = async (type, payload, to, deadlineMs = 20_000) => {
    const id = randomUUID();
    const reply = new Promise<Element>((resolve) => replies.set(id, resolve));
    try {
      send(iqStanza(type, id, payload, to));
      return await within(reply, deadlineMs, `the answer of ${to ?? 'the own account'} to ${payload.toString()}`);
    } finally {
      replies.delete(id);
    }
  };

  return {
    jid,
    bare,
    stanzas: wire.inbox.items,
    send,
    waitFor: wire.inbox.waitFor,
    take: wire.inbox.take,
    message(to, body, id = randomUUID(), { type = 'chat', children = [] } = {}) {
      const text = body === null ? [] : [xml('body', {}, body)];
      send(xml('message', { to, id, type }, ...text, ...children));
      return id;
    },
    presence({ to, type, show: state, status, priority, children = [] } = {}) {
      const parts = Object.entries({ show: state, status, priority: priority?.toString() });
      const filled = parts.flatMap(([name, value]) => (value === undefined ? [] : [xml(name, {}, value)]));
      send(xml('presence', { to, type }, ...filled, ...children));
    },
    iq,
    async roster() {
      const reply = await iq('get', xml('query', { xmlns: rosterNs }));
      if (reply.attrs['type'] !== 'result') throw new Error(`no roster for ${jid}: ${reply.toString()}`);
      return (reply.child('query')?.elements('item') ?? []).map(rosterItem);
    },
    async barrier() {
      await iq('get', xml('ping', { xmlns: pingNs }), options.server.domain);
    },
    clear: wire.inbox.clear,
    isOpen: () => wire.over() === undefined && !wire.socket.destroyed,
    async close() {
      if (wire.socket.destroyed) return;
      const closed = new Promise<void>((resolve) => wire.socket.once('close', () => resolve()));
      if (wire.over() === undefined) wire.socket.end('</stream:stream>');
      await within(closed, 2000).catch(() => wire.socket.destroy());
    },
    kill: () => void wire.socket.destroy(),
  };
}

/** One `<item/>` of a roster result or push. */
function rosterItem(item: Element): RosterItem {
  return {
    jid: item.attrs['jid'] ?? '',
    name: item.attrs['name'] ?? '',
    subscription: item.attrs['subscription'] ?? 'none',
    isAsking: item.attrs['ask'] === 'subscribe',
    groups: item
      .elements('group')
      .map((group) => group.text())
      .sort(),
  };
}

function iqStanza(type: string, id: string, payload: Element, to?: string): Element {
  return xml('iq', { type, id, to }, payload);
}
