/**
 * The operator's HTTP listener: /healthz, /readyz, /metrics, and whatever routes a console adds to the table. Small on
 * purpose: exact paths or prefixes, no bodies of its own. It refuses everything but /healthz and /readyz without the
 * token when one is set, and when none is set, requests that a web page of another origin could have sent
 * (foreign Host or Origin). Never logs query strings or headers.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Log } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import type { Metrics } from '../metrics';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One row of the route table. The first that fits answers. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'ANY';
  readonly path: string;
  /** true: `path` and everything below it */
  readonly isPrefix?: boolean;
  /** true: no token asked */
  readonly isOpen?: boolean;
  /** A reply, or null when the handler answers by itself, now or later, through `response`. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<Reply | null> | Reply | null;
}

export interface Readiness {
  readonly stream: boolean;
  readonly redis: boolean;
  /** sessions with the far side: their being down is degraded, not unready */
  readonly ximss?: { readonly links: number; readonly online: number };
}

export interface AdminOptions {
  /** `host:port` or `[ipv6]:port`; port 0 takes any free one */
  readonly listen: string;
  readonly token: string | null;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly ready: () => Readiness | Promise<Readiness>;
  readonly log: Log;
  /** looked at before the built-in ones */
  readonly routes?: readonly Route[];
}

export interface Admin {
  readonly port: number;
  /** Ends open connections too. May be called twice. Never rejects. */
  readonly stop: () => Promise<void>;
}

const READY_MS = 2_000;
const HEADER_BYTES = 16 * 1024;
const HEADERS_MS = 5_000;
const REQUEST_MS = 30_000;
const IDLE_MS = 15_000;
const CONNECTIONS_MAX = 200;

/** Listens. Rejects Fault `internal` with a text that names the address and the reason (in use, not allowed). */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port } = splitListen(options.listen);
  const routes = [...(options.routes ?? []), ...builtIn(options)];
  const server = createServer({ maxHeaderSize: HEADER_BYTES, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS });
  server.keepAliveTimeout = IDLE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  server.on('request', (request, response) => void answer(request, response, routes, options));
  await listen(server, host, port);
  server.on('error', (err) => options.log.warn({ err }, 'http listener trouble'));
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  options.log.info({ host, port: bound }, 'http listener up');
  let stopping: Promise<void> | null = null;
  return {
    port: bound,
    stop: () => (stopping ??= close(server)),
  };
}

function builtIn({ metrics, ready }: AdminOptions): Route[] {
  return [
    { method: 'GET', path: '/healthz', isOpen: true, handle: () => json(200, { alive: true }) },
    { method: 'GET', path: '/readyz', isOpen: true, handle: async () => readiness(ready) },
    {
      method: 'GET',
      path: '/metrics',
      handle: async () => ({ status: 200, type: metrics.contentType, body: await metrics.text() }),
    },
  ];
}

/** 200 when the stream is online and Redis answers; the far side only changes the word. */
async function readiness(ready: AdminOptions['ready']): Promise<Reply> {
  const state = await within(ready, READY_MS);
  if (state === null) return json(503, { ready: false, reason: 'no answer' });
  const { stream, redis, ximss } = state;
  const word = (isUp: boolean): string => (isUp ? 'up' : 'down');
  const far = ximss === undefined ? {} : { ximss: { ...ximss, state: farWord(ximss) } };
  const isReady = stream && redis;
  return json(isReady ? 200 : 503, { ready: isReady, stream: word(stream), redis: word(redis), ...far });
}

function farWord({ links, online }: { readonly links: number; readonly online: number }): string {
  if (online >= links) return 'up';
  return online === 0 ? 'down' : 'degraded';
}

async function within<T>(ask: () => T | Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), ms)));
    return await Promise.race([Promise.resolve(ask()), late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly Route[],
  options: AdminOptions,
): Promise<void> {
  try {
    const reply = await dispatch(request, response, routes, options);
    if (reply !== null) send(request, response, reply);
  } catch (err) {
    options.log.error({ err }, 'http request failed');
    if (response.headersSent) response.destroy();
    else send(request, response, text(500, 'internal error'));
  }
}

async function dispatch(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly Route[],
  { token }: AdminOptions,
): Promise<Reply | null> {
  const url = urlOf(request);
  if (url === null) return text(400, 'bad request');
  const here = routes.filter((route) => fits(route, url.pathname));
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = here.find((candidate) => candidate.method === 'ANY' || candidate.method === method);
  if (!route?.isOpen) {
    const refusal = token === null ? refuseForeign(request, url) : refuseStranger(request, url, token);
    if (refusal !== null) return refusal;
  }
  if (route) return route.handle(request, response, url);
  return here.length === 0 ? text(404, 'not found') : text(405, 'method not allowed');
}

function fits({ path, isPrefix }: Route, pathname: string): boolean {
  return pathname === path || (isPrefix === true && pathname.startsWith(path.endsWith('/') ? path : `${path}/`));
}

function urlOf(request: IncomingMessage): URL | null {
  const host = request.headers.host ?? 'localhost';
  const target = request.url ?? '/';
  const whole = `http://${host}${target}`; // `//x/y` stays a path
  return target.startsWith('/') && /^[^/\\?#@\s]+$/.test(host) && URL.canParse(whole) ? new URL(whole) : null;
}

/** Bearer, or Basic with the token as password, so that a browser can ask for it (RFC 6750, RFC 7617). */
function refuseStranger(request: IncomingMessage, url: URL, token: string): Reply | null {
  if (!isSameOrigin(request, url)) return text(403, 'request of another origin');
  const [scheme = '', credentials = ''] = (request.headers.authorization ?? '').split(/ +/, 2);
  const given =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(credentials, 'base64').toString('utf8').replace(/^[^:]*:/, '') // prettier-ignore
      : scheme.toLowerCase() === 'bearer'
        ? credentials
        : '';
  if (isEqual(given, token)) return null;
  return { ...text(401, 'token required'), headers: { 'www-authenticate': 'Basic realm="bridge", charset="UTF-8"' } };
}

/** Without a token the loopback is the only guard: a page that made its name point to 127.0.0.1 must not pass. */
function refuseForeign(request: IncomingMessage, url: URL): Reply | null {
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isLocalName = isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
  if (!isLocalName) return text(403, 'unknown host');
  return isSameOrigin(request, url) ? null : text(403, 'request of another origin');
}

function isSameOrigin(request: IncomingMessage, url: URL): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === url.host;
}

/** Compares digests, so that neither content nor length shows in the time it takes. */
function isEqual(given: string, wanted: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** A JSON reply. */
export function json(status: number, value: unknown): Reply {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

/** A reply of one line of text. */
export function text(status: number, body: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    ...reply.headers,
    'content-type': reply.type,
    'content-length': Buffer.byteLength(reply.body),
  });
  response.end(request.method === 'HEAD' ? undefined : reply.body);
}

function splitListen(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(at + 1)) };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'the port is in use' : (cause.code ?? cause.message);
      reject(new Fault('internal', { text: `http.listen ${host}:${port}: ${reason}`, cause }));
    });
    server.listen(port, host, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
