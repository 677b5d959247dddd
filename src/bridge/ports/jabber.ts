/**
 * The Jabber side as the middle sees it: what goes out on the component stream (XEP-0114), what comes from it, and what
 * it may ask of the middle. Rejections and throws across this seam are Faults, nothing else.
 */
import type { Account, BareJid } from '../../core/address';
import type { Fault } from '../../core/fault';
import type { Language } from '../../core/i18n';
import type { ChatState, DirectoryEntry, Durable, Envelope, Event, FarPresence, Profile } from '../../core/model';
import type { Command } from './commands';

/** What goes out on the component stream. The writer makes `from` the ghost of `peer` (gatewayPeer: the domain), `to` the user. */
export interface JabberPort {
  /** True while the stream is up and its handshake done. */
  isUp(): boolean;
  /**
   * Writes the envelopes in order and resolves when the server has proved that it processed all of them (one ping
   * barrier shared by all callers). Rejects `unavailable` when the stream is or goes down before the proof.
   */
  deliver(user: BareJid, peer: Account, envelopes: readonly Envelope[]): Promise<void>;
  /** Resolves when the server has processed everything written before this call; rejects like `deliver`. */
  barrier(): Promise<void>;
  /** State, chat states and immediate refusals: written now, without proof. False: the stream is down and it was dropped. */
  sendNow(user: BareJid, peer: Account, event: Durable | ChatState | FarPresence): boolean;
  /** Asks the user's server for their presence, from the bare gateway domain or a ghost. False: stream down. */
  probe(user: BareJid, peer: Account): boolean;
  /** What the server lets us do with its users' rosters (XEP-0356), now. It can change at any time. */
  rosterAccess(): 'none' | 'get' | 'both';
  /** The user's server roster, our ghosts only. Rejects `not-allowed`, `timeout`, `unavailable`. */
  readRoster(user: BareJid, signal: AbortSignal): Promise<readonly RosterEntry[]>;
  /** Writes one item (null name/groups in `remove`). Rejects like readRoster and with what the server answered. */
  writeRoster(user: BareJid, entry: RosterEntry | { readonly remove: Account }, signal: AbortSignal): Promise<void>;
}

/** One ghost in a user's server roster (RFC 6121 section 2). */
export interface RosterEntry {
  readonly account: Account;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly subscription: 'none' | 'to' | 'from' | 'both';
  /** the user asked and waits for our answer */
  readonly ask: boolean;
}

/** What the XMPP server says of itself. */
export interface JabberServer {
  /** Asks it now. Resolves within seconds, with null for what was not answered; never rejects. */
  serverFacts(signal: AbortSignal): Promise<ServerFacts>;
  /**
   * Before this stream, did the server end the one before it, or refuse connections, since this process began? Then it
   * may have been restarted; a process of ours that stopped or was killed is no sign of that.
   */
  wasAway(): boolean;
  /** ms since anything came from it on the stream */
  silentMs(): number;
}

export interface ServerFacts {
  /** the name of its software (XEP-0092), or of its disco identity (XEP-0030) */
  readonly software: string | null;
  /** how long it has been running (XEP-0012), in ms, true to a second */
  readonly uptimeMs: number | null;
}

/** What the Jabber side tells the middle. Called on the stream reader: must return at once and never throw. */
export interface JabberListener {
  onEvent(user: BareJid, peer: Account, event: Event): void;
  /** up: the handshake is done. down: the stream is gone; `fault` says why. */
  onStream(state: 'up' | 'down', fault: Fault | null): void;
  onRosterAccess(access: 'none' | 'get' | 'both'): void;
}

/** In which language a user is spoken to. */
export interface LanguageMemory {
  /** What they have chosen, else said last, else the configured language. Never throws. */
  of(user: BareJid): Language;
  /** They write in this one now. Called on the stream reader: must return at once and never throw. */
  said(user: BareJid, language: Language): void;
}

/** What the Jabber side asks of the middle, given to it when it starts. */
export interface JabberMiddle {
  readonly listener: JabberListener;
  readonly languages: LanguageMemory;
  readonly registration: Registration;
  /** XEP-0050; nothing is offered when left out */
  readonly commands?: {
    readonly commands: readonly Command[];
    readonly permits: (user: BareJid, permission: Command['permission']) => boolean;
  };
  /** cards and pictures of far contacts (XEP-0054, 0292, 0084); not offered when left out */
  /** the far directory (XEP-0055); not offered when left out */
  readonly directory?: DirectoryPort;
  readonly profileOf?: (user: BareJid, peer: Account, signal: AbortSignal) => Promise<Profile | null>;
}

/** Finding people, as the Jabber side and the chat ask for it. */
export interface DirectoryPort {
  /** False: the far network has none, as far as is known. */
  isThere(): boolean;
  /**
   * People whose name, e-mail or account holds the text, in an order that stays; an address is itself among them. Rejects
   * `not-linked`, `not-acceptable` (nothing to look for), `rate-limited`, `not-implemented` (no directory), and as the far side does.
   */
  search(user: BareJid, text: string): Promise<readonly DirectoryEntry[]>;
}

/** The Jabber side with its life cycle. */
export interface Jabber extends JabberPort, JabberServer {
  /**
   * Connects and keeps connected. Resolves at the first handshake; rejects `stream-refused` (secret, domain),
   * `stream-conflict` or `no-tls` (remote plaintext) when there is no hope, and `stopping` when stopped before.
   * An unreachable server is not an error: it is tried every second or two; nor is a conflict in the first `patienceMs`. After the first handshake only `failed` is final.
   */
  start(middle: JabberMiddle, patienceMs?: number): Promise<void>;
  /** Before `start`: has a connection ready, as far as that goes without the handshake, so that `start` is one round trip. */
  prepare(): void;
  isPrepared(): boolean;
  /**
   * Gives the stream to another process instead of `stop`. Nothing is written from now on; when the server has processed what was, `go`
   * is called: now the other process may `start`. Resolves when all that the server had for this process is read and told, with the
   * stanzas that were not written any more: the other process writes them. Never rejects; takes seconds when the server is silent.
   */
  giveAway(go: () => void): Promise<readonly string[]>;
  /** Writes stanzas that another process made and did not write. */
  write(stanzas: readonly string[]): void;
  /** Writes what is corked, closes the stream, fails what waits with `stopping`. Never rejects; may be called twice. */
  stop(): Promise<void>;
  /** Settles only when another component takes the stream from this one again and again (`stream-conflict`): it is not tried any more. */
  readonly failed: Promise<Fault>;
}

/** XEP-0077 and the account commands, as the Jabber side calls them. */
export interface Registration {
  /** May this user use the gateway at all (access lists)? */
  isAllowed(user: BareJid): boolean;
  accountOf(user: BareJid): Account | null;
  /** Tries the credentials at once; rejects not-authorized, unavailable, timeout, forbidden, not-allowed; nothing is half-saved. */
  link(user: BareJid, account: Account, password: string, signal: AbortSignal): Promise<void>;
  /** Logs out, withdraws presence, forgets. Resolves also when there was no link. */
  unlink(user: BareJid): Promise<void>;
}
