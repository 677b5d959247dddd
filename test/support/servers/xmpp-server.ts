/**
 * What the tests know of a real XMPP server, whichever it is: one host with accounts, one port for clients, one for
 * external components (XEP-0114), and a way to break it. Each is a private instance with its own ports and data.
 */
export interface XmppServer {
  readonly kind: 'prosody' | 'ejabberd';
  readonly host: '127.0.0.1';
  /** The host of the accounts. */
  readonly domain: string;
  readonly c2sPort: number;
  readonly componentPort: number;
  /** The bridge's domain. */
  readonly componentDomain: string;
  /** A second component's domain with the same secret: load generators, "another server's" users. */
  readonly secondComponentDomain: string;
  readonly secret: string;
  /** Makes an account, or changes its password when it exists. It is on disk then. */
  register(user: string, password: string): Promise<void>;
  /** The user's roster as the server itself stores it; empty when there is none. */
  roster(user: string): Promise<RosterEntry[]>;
  /** Starts again on the same ports and data; nothing when it runs. */
  start(): Promise<void>;
  /** Stops gracefully and keeps the data. May be called twice. */
  stop(): Promise<void>;
  /** SIGKILL; keeps the data that is on disk. May be called twice. */
  kill9(): Promise<void>;
  /** Ends it for good (no grace: the data goes too). */
  dispose(): Promise<void>;
  /** What the server wrote, this run and the end of the runs before. */
  log(): string;
}

export interface RosterEntry {
  readonly jid: string;
  readonly name: string;
  readonly subscription: string;
  /** True while a subscription request of the user is unanswered. */
  readonly isAsking: boolean;
  readonly groups: readonly string[];
}

export interface XmppServerOptions {
  readonly domain?: string;
  readonly componentDomain?: string;
  readonly secondComponentDomain?: string;
  readonly secret?: string;
  /** XEP-0356 rights for the bridge's component; on when left out. */
  readonly privileges?: boolean;
  /** Prosody only: what happens to a second connection for one domain; kick_old when left out. */
  readonly conflict?: 'kick_old' | 'kick_new';
}

/** The options with every gap filled. */
export function withDefaults(options: XmppServerOptions): Required<XmppServerOptions> {
  return {
    domain: 'jabber.test',
    componentDomain: 'ximss.test',
    secondComponentDomain: 'load.test',
    secret: 'test-secret',
    privileges: true,
    conflict: 'kick_old',
    ...options,
  };
}
