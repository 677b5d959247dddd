/** The far floor as the running bridge would build it from the configuration, with another dialect where one is tried. */
import { readFileSync } from 'node:fs';
import type { Clock, Log, Meter } from '../../bridge/ports';
import { accepted, parseXimssServer, type Config } from '../../config';
import { Fault } from '../../core/fault';
import type { Dialect } from '../../ximss/protocol/dialect';
import { makeXimssContext, type XimssContext } from '../../ximss/context';
import type { WebPlace } from './http-exchange';

const second = 1_000;
/** An answer that takes longer is no good answer; the doctor's checks end after 30 s. */
const REQUEST_MS = 20_000;

export const deafMeter: Meter = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
export const muteLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => muteLog,
};

export interface FloorChanges {
  readonly dialect?: Partial<Dialect>;
  readonly server?: string;
  readonly login?: Config['ximss']['login'];
}

/** Throws Fault `bad-request` for a server URL that is none. */
export function floorOf({ ximss, limits }: Config, clock: Clock, changes: FloorChanges = {}): XimssContext {
  const settings = {
    server: accepted(parseXimssServer, changes.server ?? ximss.server),
    domain: ximss.domain,
    starttls: ximss.starttls,
    login: changes.login ?? ximss.login,
    ca: ximss.caFile === null ? null : readFileSync(ximss.caFile, 'utf8'),
    keepAliveMs: ximss.keepAliveSeconds * second,
    requestTimeoutMs: Math.min(ximss.requestTimeoutSeconds * second, REQUEST_MS),
    maxDocumentBytes: 4 * limits.stanzaBytes,
    dialect: changes.dialect ?? ximss.dialect,
  };
  return makeXimssContext({ settings, clock, log: muteLog, meter: deafMeter });
}

/** Where the HTTP binding is. Throws Fault `bad-request` when the URL is not one of it. */
export function webPlace(server: string, floor: XimssContext): WebPlace {
  const place = parseXimssServer(server);
  if (place?.binding !== 'http') throw new Fault('bad-request', { text: `${server} is not http:// or https://.` });
  const { host, port, basePath, isTls } = place;
  return { host, port, basePath, tls: isTls ? floor.secureContext() : null };
}
