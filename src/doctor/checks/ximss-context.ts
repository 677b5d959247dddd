/** The far context as the running bridge would build it from the configuration, with another dialect where one is tried. */
import { readFileSync } from 'node:fs';
import type { Clock, Log, Meter } from '../../bridge/ports';
import { accepted, parseXimssServer, type Config } from '../../config';
import { Fault } from '../../core/fault';
import type { Dialect } from '../../ximss/protocol/dialect';
import { makeXimssContext, type XimssContext } from '../../ximss/context';
import type { HttpPlace } from './http-exchange';

const second = 1_000;
/** An answer that takes longer is no good answer; the doctor's checks end after 30 s. */
const requestMs = 20_000;

const silentMeter: Meter = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

export interface ContextChanges {
  readonly dialect?: Partial<Dialect>;
  readonly server?: string;
  readonly login?: Config['ximss']['login'];
}

/** Throws Fault `bad-request` for a server URL that is none. */
export function ximssContextOf({ ximss, limits }: Config, clock: Clock, changes: ContextChanges = {}): XimssContext {
  const settings = {
    server: accepted(parseXimssServer, changes.server ?? ximss.server),
    domain: ximss.domain,
    starttls: ximss.starttls,
    login: changes.login ?? ximss.login,
    ca: ximss.caFile === null ? null : readFileSync(ximss.caFile, 'utf8'),
    keepAliveMs: ximss.keepAliveSeconds * second,
    requestTimeoutMs: Math.min(ximss.requestTimeoutSeconds * second, requestMs),
    maxDocumentBytes: 4 * limits.stanzaBytes,
    dialect: changes.dialect ?? ximss.dialect,
  };
  return makeXimssContext({ settings, clock, log: silentLog, meter: silentMeter });
}

/** Where the HTTP binding is. Throws Fault `bad-request` when the URL is not one of it. */
export function httpPlace(server: string, context: XimssContext): HttpPlace {
  const place = parseXimssServer(server);
  if (place?.binding !== 'http') throw new Fault('bad-request', { text: `${server} is not http:// or https://.` });
  const { host, port, basePath, isTls } = place;
  return { host, port, basePath, tls: isTls ? context.secureContext() : null };
}
