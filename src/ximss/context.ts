/**
 * What all sessions of one far port share: where the server is, the dialect, one codec, one TLS context, one ticker.
 * Made once by port.ts; the pieces below it get it whole.
 */
import type { LookupFunction } from 'node:net';
import { rootCertificates, createSecureContext, type SecureContext } from 'node:tls';
import type { Clock, Log, Meter, NoteStore } from '../bridge/ports';
import { defaultLimits, makeCodec, type Codec } from './wire/codec';
import { dialectOf, type Dialect } from './protocol/dialect';
import { makeHttpClient, type HttpClient } from './wire/http-client';
import type { SessionSettings } from './session/session';
import { Ticker } from './session/ticker';

/** Where the XIMSS server is reached, as the configuration has parsed it. */
export interface ServerAddress {
  readonly binding: 'tcp' | 'http';
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  /** what stands before every HTTP path, '' or `/prefix` */
  readonly basePath: string;
}

export interface FarSettings {
  readonly server: ServerAddress;
  /** host names to addresses; the system's way when left out */
  readonly lookup?: LookupFunction;
  /** the XIMSS home domain */
  readonly domain: string;
  /** TCP only */
  readonly starttls: 'required' | 'preferred' | 'never';
  readonly login: 'auto' | 'cram-md5' | 'plain' | 'digest-md5';
  /** an extra trusted authority: PEM text, not a path */
  readonly ca: string | null;
  readonly keepAliveMs: number;
  readonly requestTimeoutMs: number;
  /** one document on TCP; an HTTP body may be 16 times as large */
  readonly maxDocumentBytes: number;
  readonly dialect: Partial<Dialect>;
}

export interface XimssContext {
  readonly settings: FarSettings;
  readonly dialect: Dialect;
  readonly codec: Codec;
  /** for whole HTTP bodies, which hold many documents */
  readonly httpCodec: Codec;
  /** one for all sessions; null when the server is not reached by HTTP */
  readonly http: HttpClient | null;
  /** made at first use: it holds every root certificate */
  readonly secureContext: () => SecureContext;
  readonly sessionSettings: SessionSettings;
  /** where HTTP sessions are noted; null: nowhere */
  readonly notes: NoteStore | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** An HTTP body may be so many times as large as one document: a whole roster comes in one. */
const documentsPerBodyCount = 16;

/** Everything shared, from the options of the port. */
export function makeXimssContext(options: {
  readonly settings: FarSettings;
  readonly notes?: NoteStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}): XimssContext {
  const { settings, clock, log, meter } = options;
  const onRemoved = (count: number): void => meter.count('xml_chars_removed_total', { part: 'ximss' }, count);
  const dialect = dialectOf(settings.dialect);
  const { server } = settings;
  let tlsContext: SecureContext | null = null;
  const secureContext = (): SecureContext => (tlsContext ??= makeTlsContext(settings.ca));
  const bodyLimitBytes = documentsPerBodyCount * settings.maxDocumentBytes;
  const { depth, elementCount } = defaultLimits;
  const bodyLimits = { documentBytes: bodyLimitBytes, depth: depth + 1, elementCount: 4 * elementCount };
  return {
    settings,
    dialect,
    codec: makeCodec({ documentBytes: settings.maxDocumentBytes }, onRemoved),
    httpCodec: makeCodec(bodyLimits, onRemoved),
    http:
      server.binding === 'http'
        ? makeHttpClient({ ...server, lookup: settings.lookup, secureContext, bodyLimitBytes })
        : null,
    secureContext,
    sessionSettings: {
      keepAliveMs: settings.keepAliveMs,
      requestTimeoutMs: settings.requestTimeoutMs,
      dialect,
      monotonic: () => clock.monotonic(),
      onTraffic: (dir, count) => meter.count('ximss_documents_total', { dir }, count),
      ticker: new Ticker(clock, tickMs(settings)),
    },
    notes: server.binding === 'http' ? (options.notes ?? null) : null,
    clock,
    log,
    meter,
  };
}

function makeTlsContext(ca: string | null): SecureContext {
  const trusted = ca === null ? {} : { ca: [...rootCertificates, ca] };
  return createSecureContext({ ...trusted, minVersion: 'TLSv1.2' });
}

/** Fine enough for the shortest of the waits, and never more often than twenty times a second. */
function tickMs({ keepAliveMs, requestTimeoutMs }: FarSettings): number {
  return Math.min(1000, Math.max(50, Math.floor(Math.min(keepAliveMs, requestTimeoutMs) / 4)));
}
