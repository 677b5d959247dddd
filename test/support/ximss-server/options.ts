/** What the test server can be told at start, and the defaults. Durations end in Ms, sizes in Bytes. */
import { defaultDialect, type Dialect } from './dialect';

export interface AccountOption {
  account: string;
  password: string;
  realName?: string;
}

export interface XimssServerOptions {
  /** Address to listen on; default 127.0.0.1. */
  host?: string;
  /** Domains served; default: the domains of the accounts, else example.net. The first is the one of the listener. */
  domains?: string[];
  accounts?: AccountOption[];
  /** PEM key and certificate; with them there is STARTTLS, a TLS port and an HTTPS port. */
  tls?: { key: string; cert: string } | null;
  /** Whether STARTTLS is offered when `tls` is given; default true. */
  starttls?: boolean;
  /** Methods advertised and accepted; default PLAIN, CRAM-MD5, DIGEST-MD5. */
  sasl?: string[];
  /** Clear-text passwords without TLS; default true. */
  plainWithoutTls?: boolean;
  /** Any login without TLS; default true. */
  loginWithoutTls?: boolean;
  /** Ports; 0 or absent: any free one. The TLS ports exist only with `tls`. */
  tcpPort?: number;
  tlsPort?: number;
  httpPort?: number;
  httpsPort?: number;
  /** Licence limit on concurrent sessions; default none. */
  maxSessions?: number;
  /** Logins over TCP that this server takes in a second, one after the other; default any number. */
  loginsPerSecond?: number;
  /** Server version shown in `session`. */
  version?: string;
  signup?: boolean;
  /** signup and recoverPassword are answered late on purpose. */
  slowAnswerMs?: number;
  /** What happens to IM for domains that are not served here; default refuse. */
  remoteDomains?: 'refuse' | 'accept';
  /** Without a sign of life the session ends; default ten minutes. */
  idleTimeoutMs?: number;
  maxDocumentBytes?: number;
  maxPreLoginDocumentBytes?: number;
  /** Output a peer may leave unread before its connection is cut. */
  maxUnreadBytes?: number;
  /** Stored messages per account; the next one is refused. */
  maxOfflineCount?: number;
  /** Wire log entries kept; 0 turns the log off (load tests). */
  logCount?: number;
  /** Keep private/IM/PEER.log files (7.4). */
  imHistory?: boolean;
  dialect?: Partial<Dialect>;
}

export interface Settings extends Required<Omit<XimssServerOptions, 'dialect' | 'tls' | 'accounts'>> {
  tls: { key: string; cert: string } | null;
  dialect: Dialect;
}

/** Fills in the defaults. */
export function settingsFrom(options: XimssServerOptions): Settings {
  const fromAccounts = [...new Set((options.accounts ?? []).map((a) => a.account.split('@')[1] ?? '').filter(Boolean))];
  const domains = options.domains ?? (fromAccounts.length > 0 ? fromAccounts : ['example.net']);
  return {
    host: '127.0.0.1',
    starttls: true,
    sasl: ['PLAIN', 'CRAM-MD5', 'DIGEST-MD5'],
    plainWithoutTls: true,
    loginWithoutTls: true,
    tcpPort: 0,
    tlsPort: 0,
    httpPort: 0,
    httpsPort: 0,
    maxSessions: Infinity,
    loginsPerSecond: Infinity,
    version: '6.3.17',
    signup: true,
    slowAnswerMs: 20,
    remoteDomains: 'refuse',
    idleTimeoutMs: 600_000,
    maxDocumentBytes: 1_048_576,
    maxPreLoginDocumentBytes: 65_536,
    maxUnreadBytes: 33_554_432,
    maxOfflineCount: 1000,
    logCount: 1000,
    imHistory: false,
    ...options,
    domains: domains.map((domain) => domain.toLowerCase()),
    tls: options.tls ?? null,
    dialect: { ...defaultDialect, ...options.dialect },
  };
}
