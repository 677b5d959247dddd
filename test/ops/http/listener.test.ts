import { request } from 'node:http';
import { connect } from 'node:net';
import type { Log } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';
import { startListener } from '../../../src/ops/http/listener';
import type { HttpListener, ListenerOptions } from '../../../src/ops/http/listener';
import type { Readiness } from '../../../src/ops/http/readiness';
import { makeLog } from '../../../src/ops/log';
import { makeMetrics } from '../../../src/ops/metrics';

const logged: string[] = [];
const log: Log = makeLog({ level: 'info', stream: { write: (line: string) => void logged.push(line) } });
const up: Readiness = { stream: true, standsBy: false, redis: true, ximss: { links: 0, online: 0, reason: null } };
let listener: HttpListener | undefined;

async function start(changes: Partial<ListenerOptions> = {}): Promise<HttpListener> {
  const metrics = makeMetrics({ process: false });
  listener = await startListener({
    listen: { host: '127.0.0.1', port: 0 },
    token: null,
    metrics,
    ready: () => up,
    log,
    ...changes,
  });
  return listener;
}

beforeEach(() => void logged.splice(0));
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** node:http and not fetch: fetch may not set Host and Origin. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const port = listener?.port ?? 0;
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    outgoing.on('error', reject).end();
  });
}

describe('readiness', () => {
  const states: [string, ListenerOptions['ready'], number, object][] = [
    ['all up is ready', () => up, 200, { ready: true, stream: 'up', redis: 'up' }],
    ['a lost stream is not', () => ({ ...up, stream: false }), 503, { ready: false, stream: 'down', redis: 'up' }],
    ['a lost Redis is not', () => ({ ...up, redis: false }), 503, { ready: false, stream: 'up', redis: 'down' }],
    [
      'XIMSS down is degraded, still ready',
      () => ({ ...up, ximss: { links: 2, online: 0, reason: null } }),
      200,
      { ready: true, ximss: { links: 2, online: 0, state: 'down' } },
    ],
    [
      'some sessions down too',
      () => ({ ...up, ximss: { links: 2, online: 1, reason: null } }),
      200,
      { ximss: { state: 'degraded' } },
    ],
    [
      'a XIMSS server that cannot be used is told with its reason',
      () => ({ ...up, ximss: { links: 0, online: 0, reason: 'nothing listens there' } }),
      200,
      { ready: true, ximss: { state: 'down', reason: 'nothing listens there' } },
    ],
    [
      'no links at all is up',
      () => ({ ...up, ximss: { links: 0, online: 0, reason: null } }),
      200,
      { ximss: { state: 'up' } },
    ],
    ['a check that fails is not', () => Promise.reject(new Fault('store-away')), 503, { ready: false }],
  ];
  test.each(states)('%s', async (_, ready, status, body) => {
    await start({ ready });
    const answer = await ask('/readyz');
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject(body);
  });

  test('the process is alive whatever else is down', async () => {
    await start({ ready: () => ({ ...up, stream: false, redis: false }) });
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: '{"alive":true}\n' });
  });
});

describe('routes', () => {
  test('/metrics shows the metrics', async () => {
    await start();
    const answer = await ask('/metrics');
    expect(answer.body).toContain('# TYPE bridge_stanzas_total counter');
    expect(answer.headers['content-type']).toContain('text/plain');
  });

  const table: [string, string, string, number][] = [
    ['an unknown path', 'GET', '/nothing', 404],
    ['the root', 'GET', '/', 404],
    ['another method', 'POST', '/healthz', 405],
    ['HEAD', 'HEAD', '/healthz', 200],
    ['a query', 'GET', '/healthz?x=1', 200],
    ['two slashes', 'GET', '//healthz', 404],
    ['a path that climbs', 'GET', '/console/../healthz', 200],
    ['an exact extra route', 'GET', '/console', 200],
    ['below a prefix', 'GET', '/board/assets/x.js', 200],
    ['beside a prefix', 'GET', '/boards', 404],
    ['a handler that breaks', 'GET', '/broken', 500],
    ['a handler that writes by itself', 'GET', '/own', 204],
  ];
  test.each(table)('%s', async (_, method, path, status) => {
    await start({
      routes: (app) => {
        app.get('/console', () => ({}));
        app.all('/board/*', () => ({}));
        app.get('/broken', () => Promise.reject(new Error('secret detail')));
        app.get('/own', (_request, reply) => reply.code(204).send());
      },
    });
    const answer = await ask(path, {}, method);
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain('secret');
  });
});

describe('who may ask', () => {
  const basic = (password: string): string => `Basic ${Buffer.from(`operator:${password}`).toString('base64')}`;
  const withToken: [string, string, Record<string, string>, number][] = [
    ['health without the token', '/healthz', {}, 200],
    ['readiness without the token', '/readyz', {}, 200],
    ['metrics without the token', '/metrics', {}, 401],
    ['metrics with the token', '/metrics', { authorization: 'Bearer t:0ken' }, 200],
    ['the scheme in other letters', '/metrics', { authorization: 'bearer t:0ken' }, 200],
    ['the token as a password', '/metrics', { authorization: basic('t:0ken') }, 200],
    ['a path that climbs from an open one', '/healthz/../metrics', {}, 401],
    ['the same in other letters', '/healthz/%2e%2e/metrics', {}, 401],
    ['an open path with an encoded slash', '/healthz%2f..%2fmetrics', {}, 401],
    ['a wrong token', '/metrics', { authorization: 'Bearer t:0kem' }, 401],
    ['the beginning of the token', '/metrics', { authorization: 'Bearer t:0ke' }, 401],
    ['an empty token', '/metrics', { authorization: 'Bearer ' }, 401],
    ['another scheme', '/metrics', { authorization: 'Digest t:0ken' }, 401],
    ['an unknown path tells nothing', '/nothing', {}, 401],
    ['any host name with the token', '/metrics', { authorization: 'Bearer t:0ken', host: 'bridge.example.org' }, 200],
    ['a page of another origin', '/metrics', { authorization: basic('t:0ken'), origin: 'https://evil.example' }, 403],
  ];
  test.each(withToken)('with a token set: %s', async (_, path, headers, status) => {
    await start({ token: 't:0ken' });
    expect((await ask(path, headers)).status).toBe(status);
  });

  const without: [string, string, Record<string, string>, number][] = [
    ['this host', '/metrics', {}, 200],
    ['localhost', '/metrics', { host: 'localhost:9114' }, 200],
    ['IPv6', '/metrics', { host: '[::1]:9114' }, 200],
    ['a name that someone pointed here', '/metrics', { host: 'evil.example' }, 403],
    ['that name, for health', '/healthz', { host: 'evil.example' }, 200],
    ['a page of another origin', '/metrics', { host: 'localhost', origin: 'https://evil.example' }, 403],
    ['a page of the console itself', '/metrics', { host: 'localhost', origin: 'http://localhost' }, 200],
    ['a host that is no host', '/metrics', { host: 'a b' }, 400],
  ];
  test.each(without)('without a token: %s', async (_, path, headers, status) => {
    await start();
    expect((await ask(path, headers)).status).toBe(status);
  });
});

test('another method is told which ones there are', async () => {
  await start();
  expect(await ask('/metrics', {}, 'DELETE')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
});

test('a port in use is told with the address', async () => {
  const { port } = await start();
  const second = startListener({ ...options(), listen: { host: '127.0.0.1', port } });
  await expect(second).rejects.toThrow(`http.listen 127.0.0.1:${port}: the port is in use`);
});

test('stop ends open connections and may be called twice', async () => {
  const { port, stop } = await start();
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  await Promise.all([stop(), stop()]);
  await closed;
});

test('a broken handler is logged without its query', async () => {
  await start({ routes: (app) => void app.get('/broken', () => Promise.reject(new Error('x'))) });
  await ask('/broken?token=hunter2');
  expect(logged.join('')).toContain('http request failed');
  expect(logged.join('')).not.toContain('hunter2');
});

function options(): Omit<ListenerOptions, 'listen'> {
  return { token: null, metrics: makeMetrics({ process: false }), ready: () => up, log };
}
