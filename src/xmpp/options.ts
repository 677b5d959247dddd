/**
 * What the XMPP side is given: plain settings, clock, log and meter; the bridge comes with start(). Nothing here
 * has a default, so that the one place for defaults stays the configuration; the exception is `timing`, which only tests change.
 */
import type { LookupFunction } from 'node:net';
import type { Language } from '../core/i18n';
import type { Clock, Log, Meter } from '../bridge/ports';

/** Where the XEP-0114 listener is. */
export interface Service {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** Deadlines and pauses of the stream, all in ms. */
export interface StreamTiming {
  /** TCP (and TLS) connection */
  readonly connectMs: number;
  /** from the connection to the handshake's answer */
  readonly handshakeMs: number;
  /** from our closing tag to the end of the socket */
  readonly closeMs: number;
  /** silence after which a ping is sent */
  readonly keepAliveMs: number;
  /** a ping (barrier or keep-alive) not back by then: the stream is dead */
  readonly pongMs: number;
  /** between connections, and by chance up to as much again, however long the server is away */
  readonly retryMs: number;
  /** a stream that lived this long was not in conflict with another */
  readonly stableMs: number;
  /** another process that was told to take the stream has taken it by then */
  readonly takenMs: number;
  /** after the handshake: privileges that are granted then are the server's own */
  readonly advertMs: number;
  /** answer to an iq request of ours */
  readonly iqMs: number;
}

export const defaultTiming: StreamTiming = {
  connectMs: 3_000,
  handshakeMs: 5_000,
  closeMs: 3_000,
  keepAliveMs: 20_000,
  pongMs: 30_000,
  retryMs: 1_000,
  stableMs: 30_000,
  takenMs: 3_000,
  advertMs: 2_000,
  iqMs: 30_000,
};

export interface JabberOptions {
  /** the XEP-0114 listener of the XMPP server */
  readonly service: Service;
  /** the component's domain */
  readonly domain: string;
  /** the far network's home domain, whose accounts have short ghosts */
  readonly homeDomain: string;
  readonly secret: string;
  /** Whom barrier and keep-alive pings go to, and who is asked what server it is; null: our own domain, which the server routes back
   * to us, and a host that is found (server-facts.ts). */
  readonly serverDomain: string | null;
  /** PEM of an extra trusted CA for xmpps://; null: the system's */
  readonly ca: string | null;
  /** host names to addresses; the system's way when left out */
  readonly lookup?: LookupFunction;
  /** largest stanza read or written */
  readonly stanzaBytes: number;
  /** of one Jabber user: iq, and new presence to ghosts (token bucket) */
  readonly requestsPerMinute: () => number;
  /** for users whose stanzas carry no xml:lang we know */
  readonly language: Language;
  /** XEP-0077: may a Jabber user link an account by themselves? */
  readonly mayRegister: boolean;
  /** of this program, XEP-0092 */
  readonly version: string;
  readonly timing?: Partial<StreamTiming>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}
