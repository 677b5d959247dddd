/**
 * The operator's HTTP listener (fastify): /healthz, /readyz, /metrics, and what the console adds. It refuses everything
 * but /healthz and /readyz to those whom authorize.ts refuses, before a body is read; takes no body but JSON of 64 KiB;
 * bounds headers, time and connections. Never logs query strings or headers.
 */
import { fastify } from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { Log } from '../../core/runtime';
import { Fault, toFault } from '../../core/fault';
import type { FaultCode } from '../../core/fault';
import type { Metrics } from '../metrics';
import { refusalOf, urlOf } from './authorize';
import { readinessOf } from './readiness';
import type { Readiness } from './readiness';

export interface ListenerOptions {
  /** port 0 takes any free one */
  readonly listen: { readonly host: string; readonly port: number };
  readonly token: string | null;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly ready: () => Readiness | Promise<Readiness>;
  readonly log: Log;
  /** adds its routes beside the built-in ones */
  readonly routes?: (app: FastifyInstance) => void;
}

export interface HttpListener {
  readonly port: number;
  /** Ends open connections too. May be called twice. Never rejects. */
  readonly stop: () => Promise<void>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: answered to everybody, without a token */
    readonly isOpen?: boolean;
  }
}

const bodyMaxBytes = 64 * 1024;
const headersMaxBytes = 16 * 1024;
const headersMs = 5_000;
const requestMs = 30_000;
const idleMs = 15_000;
const connectionsMax = 200;

/** Listens. Rejects Fault `internal` with a text that names the address and the reason (in use, not allowed). */
export async function startListener(options: ListenerOptions): Promise<HttpListener> {
  const { log } = options;
  const app = makeApp(options);
  const { host, port } = options.listen;
  try {
    await app.listen({ host, port });
  } catch (thrown) {
    await app.close();
    const { code, message } = thrown as NodeJS.ErrnoException; // what node:net rejects with
    const reason = code === 'EADDRINUSE' ? 'the port is in use' : (code ?? message);
    throw new Fault('internal', { text: `http.listen ${host}:${port}: ${reason}`, cause: thrown });
  }
  app.server.on('error', (err) => log.warn({ err }, 'http listener trouble'));
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  log.info({ host, port: bound }, 'http listener up');
  let stopping: Promise<void> | null = null;
  return {
    port: bound,
    stop: () =>
      (stopping ??= app.close().catch((err: unknown) => log.warn({ err }, 'the http listener did not close cleanly'))),
  };
}

function makeApp(options: ListenerOptions): FastifyInstance {
  const { token, metrics, ready, routes, log } = options;
  const app = fastify({
    bodyLimit: bodyMaxBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    forceCloseConnections: true,
    http: { maxHeaderSize: headersMaxBytes, headersTimeout: headersMs },
    // a path that climbs (`/a/../b`) is routed as the path it means
    rewriteUrl: ({ url = '/' }) => {
      const whole = urlOf(url);
      return whole === null ? url : whole.pathname + whole.search;
    },
    frameworkErrors: (_error, _request, reply: FastifyReply) => void reply.code(400).send('bad request\n'),
    // queries and bodies are read by zod: fastify's own compilers of JSON schema would only cost memory
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
  app.server.maxConnections = connectionsMax;
  app.setReplySerializer((payload) => `${JSON.stringify(payload)}\n`);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)));
    } catch {
      done(new Fault('bad-request', { text: 'The body is no JSON.' }));
    }
  });
  app.addHook('onRequest', (request, reply) => guard(request, reply, token));
  app.setErrorHandler((thrown: unknown, _request, reply) => {
    const fault = faultOf(thrown);
    if (fault.code === 'internal') log.error({ err: fault.cause }, 'http request failed');
    void reply.code(statusOf[fault.code] ?? 500).send({ code: fault.code, text: fault.text });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('not found\n'));

  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    methodsOf.set(url, methods);
  });
  app.get('/healthz', { config: { isOpen: true } }, () => ({ alive: true }));
  app.get('/readyz', { config: { isOpen: true } }, async (_request, reply) => {
    const { status, body } = await readinessOf(ready);
    return reply.code(status).send(body);
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  routes?.(app);
  for (const [url, methods] of [...methodsOf]) refuseOthers(app, url, [...methods]);
  return app;
}

function noSchemas(): never {
  throw new TypeError('routes have no JSON schema');
}

async function guard(request: FastifyRequest, reply: FastifyReply, token: string | null): Promise<unknown> {
  void reply.headers({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  });
  const url = urlOf(request.originalUrl, request.headers.host);
  if (url === null) return reply.code(400).send('bad request\n');
  if (request.routeOptions.config?.isOpen === true) return undefined;
  const refusal = refusalOf(request.headers, url, token);
  if (refusal === null) return undefined;
  return reply
    .code(refusal.status)
    .headers({ ...refusal.headers })
    .send(`${refusal.text}\n`);
}

/** 405 for the methods that a known path does not have. */
function refuseOthers(app: FastifyInstance, url: string, methods: readonly string[]): void {
  const others: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
  app.route({
    method: others.filter((method) => !methods.includes(method)),
    url,
    // before the body is looked at
    preParsing: async (_request, reply) =>
      reply.code(405).header('allow', methods.join(', ')).send('method not allowed\n'),
    handler: () => undefined,
  });
}

const statusOf: Partial<Record<FaultCode, number>> = {
  'bad-request': 400,
  'jid-malformed': 400,
  'not-acceptable': 400,
  'too-large': 413,
  'not-found': 404,
  'not-authorized': 409,
  'not-allowed': 409,
  'not-linked': 409,
  poisoned: 409,
  'lane-full': 409,
  'login-refused': 502,
  'needs-user': 409,
  refused: 409,
  unavailable: 502,
  timeout: 504,
  'try-later': 429,
  'too-many-sessions': 503,
  'no-tls': 502,
  'rate-limited': 429,
  'store-away': 503,
  stopping: 503,
};

/** What a handler or fastify itself threw; its own refusals of a body become ours. */
function faultOf(thrown: unknown): Fault {
  const { code, statusCode } = thrown as Partial<FastifyError>; // looked at only, whatever it is
  if (thrown instanceof Fault || typeof code !== 'string' || !code.startsWith('FST_ERR_CTP_')) return toFault(thrown);
  if (statusCode === 413) return new Fault('too-large', { text: 'The body is larger than what is taken here.' });
  if (statusCode === 415) return new Fault('bad-request', { text: 'The body must be application/json.' });
  return new Fault('bad-request', { text: 'The body cannot be read.' });
}
