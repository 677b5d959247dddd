/**
 * What the server remembers for ever: accounts with their roster, stored messages and files. Memory only; survives stop().
 * Knows nothing of connections beyond the set of live sessions each account has.
 */
import { parseAddress } from '../address';
import type { El } from '../xml';

export type Subscription = 'none' | 'to' | 'from' | 'both';

export interface RosterItem {
  peer: string;
  name: string | undefined;
  groups: string[];
  subscription: Subscription;
  /** We asked, no answer yet. */
  isAsking: boolean;
  /** They asked, we have not answered. */
  isAsked: boolean;
  /** False for a bare incoming request: kept, but not shown in the roster. */
  isListed: boolean;
}

/** One message as it travels inside the server. */
export interface Im {
  peer: string;
  peerName: string;
  type: string | undefined;
  clientID: string | undefined;
  iqid: string | undefined;
  state: 'composing' | 'paused' | 'gone' | undefined;
  text: string;
  subject: string | undefined;
  /** Epoch milliseconds when it was stored; undefined for a live one. */
  storedAtMs: number | undefined;
}

export interface StoredFile {
  content: Buffer;
  modifiedMs: number;
}

export interface Account {
  readonly address: string;
  readonly domain: string;
  password: string;
  realName: string;
  isDisabled: boolean;
  mustChangePassword: boolean;
  /** Names of second-factor methods; empty: none asked. */
  secondFactor: string[];
  roster: Map<string, RosterItem>;
  offline: Im[];
  files: Map<string, StoredFile>;
  dirs: Set<string>;
  sessions: Set<Session>;
  /** Last presence told to others, so that only changes go out. */
  announced: string;
  avatarHash: string | null;
}

export type TransportName = 'tcp' | 'tls' | 'http' | 'https' | 'inside';

export interface Sink {
  /** Takes an asynchronous message (never with an id). */
  push(message: El): void;
  /** The session is over; `bye` tells to say so first. */
  ended(bye: boolean): void;
}

export interface Bind {
  clientID: string | undefined;
  readIM: boolean;
  presence: boolean;
}

export interface Session {
  readonly urlID: string;
  readonly account: Account;
  readonly transport: TransportName;
  /** Version the client gave at login; null when it gave none. */
  readonly version: string | null;
  readonly remoteAddress: string;
  sink: Sink;
  bind: Bind | null;
  presence: { value: string; status: string; setAt: number } | null;
  clientName: string;
  lastSeenMs: number;
  idleTimeoutMs: number;
  isEnded: boolean;
  /** Files posted to the UPLOAD URL, by name. */
  readonly uploads: Map<string, Buffer>;
}

export class Accounts {
  private readonly byAddress = new Map<string, Account>();

  constructor(readonly domains: string[]) {}

  /** Adds an account, and its domain if new. Throws on a malformed or taken name. */
  add(address: string, password: string, realName = ''): Account {
    const parsed = parseAddress(address);
    if (parsed === null) throw new Error(`not an account address: ${address}`);
    if (this.byAddress.has(parsed.full)) throw new Error(`account exists: ${parsed.full}`);
    if (!this.isLocal(parsed.domain)) this.domains.push(parsed.domain);
    const account: Account = {
      address: parsed.full,
      domain: parsed.domain,
      password,
      realName,
      isDisabled: false,
      mustChangePassword: false,
      secondFactor: [],
      announced: '',
      avatarHash: null,
      roster: new Map(),
      offline: [],
      files: new Map(),
      dirs: new Set(),
      sessions: new Set(),
    };
    this.byAddress.set(parsed.full, account);
    return account;
  }

  get(address: string): Account | undefined {
    return this.byAddress.get(address);
  }

  /** The account of `user` or `user@domain`, case folded, with a default domain. */
  find(name: string, defaultDomain: string): Account | undefined {
    return this.byAddress.get((name.includes('@') ? name : `${name}@${defaultDomain}`).trim().toLowerCase());
  }

  remove(address: string): Account | undefined {
    const account = this.byAddress.get(address.toLowerCase());
    if (account !== undefined) this.byAddress.delete(account.address);
    return account;
  }

  isLocal(domain: string): boolean {
    return this.domains.includes(domain);
  }

  all(): IterableIterator<Account> {
    return this.byAddress.values();
  }
}
