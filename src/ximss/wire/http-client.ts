/**
 * One HTTP exchange, bounded: no redirects, a limit on the body, an end by signal. Connections are kept alive and shared
 * by all sessions of a far port. It knows nothing of XIMSS; the binding's rules are in http.ts and http-login.ts.
 */
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Fault } from '../../core/fault';
import { abortFault } from '../../core/async';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** path and query, below the base path of the server */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** `name=value` of each Set-Cookie */
  readonly cookies: readonly string[];
  readonly body: Uint8Array;
}

/** Rejects `unavailable` for anything that broke, `xml-limit` for a body that is too long, or the signal's Fault. */
export type Exchange = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

export interface HttpClient {
  readonly exchange: Exchange;
  /** Closes idle connections; running exchanges end by their signals. */
  close(): void;
}

export interface HttpTarget {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
  readonly lookup?: LookupFunction | undefined;
  readonly secureContext: () => SecureContext;
  readonly bodyLimitBytes: number;
}

const freeSocketCount = 64;

/** A client for one server. */
export function makeHttpClient(target: HttpTarget): HttpClient {
  const { host, port, isTls } = target;
  const pool = { keepAlive: true, maxFreeSockets: freeSocketCount, noDelay: true };
  const name = isIP(host) === 0 ? { servername: host } : {};
  const agent = isTls
    ? new HttpsAgent({ ...pool, ...name, secureContext: target.secureContext(), rejectUnauthorized: true })
    : new HttpAgent(pool);
  const send = isTls ? requestHttps : requestHttp;

  const exchange: Exchange = (request, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortFault(signal));
      const length = request.body === null ? {} : { 'Content-Length': String(Buffer.byteLength(request.body)) };
      const options: RequestOptions = {
        ...(target.lookup ? { lookup: target.lookup } : {}),
        host,
        port,
        agent,
        method: request.method,
        path: target.basePath + request.path,
        headers: { ...request.headers, ...length },
      };
      const outgoing = send(options);
      const done = (settle: () => void): void => {
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const fail = (error: unknown): void =>
        done(() => {
          outgoing.destroy();
          reject(error instanceof Fault ? error : new Fault('unavailable', { cause: error }));
        });
      const onAbort = (): void => fail(abortFault(signal));
      signal.addEventListener('abort', onAbort);
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        collect(incoming, target.bodyLimitBytes).then((body) => {
          const cookies = (incoming.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0] ?? '');
          done(() => resolve({ status: incoming.statusCode ?? 0, cookies, body }));
        }, fail);
      });
      outgoing.end(request.body ?? undefined);
    });

  return { exchange, close: () => agent.destroy() };
}

/** The whole body. Rejects `xml-limit` when it is too long, with the stream's error, or when it was cut. */
function collect(incoming: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    incoming.on('data', (part: Buffer) => {
      length += part.length;
      if (length > limitBytes) return reject(new Fault('xml-limit', { cause: 'HTTP body' }));
      parts.push(part);
    });
    incoming.on('end', () => resolve(Buffer.concat(parts)));
    incoming.on('error', reject);
    incoming.on('close', () => reject(new Error('the answer was cut'))); // after `end` this changes nothing
  });
}
