/** The console's API and page over real HTTP, on an operator interface with a memory store. */
import { request } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../../src/core/fault';
import type { HttpListener } from '../../../src/ops/http/listener';
import { startConsole } from '../../../src/ops/http/console';
import { makeLog } from '../../../src/ops/log';
import { makeMetrics } from '../../../src/ops/metrics';
import { methodOf, pathOf } from '../../../src/ops/http/routes';
import { adminNames } from '../../../src/core/admin/table';
import { policy } from '../../../src/ops/http/page';
import {
  account,
  jid,
  juliet,
  letter,
  makeOperatorScene,
  toFar,
  type OperatorScene,
} from '../../bridge/operator/operator-scene';

const consoleDir = join(__dirname, '../../../src/ops/console');
const scripts = readdirSync(consoleDir).filter((name) => name.endsWith('.js'));
const script = scripts.map((name) => readFileSync(join(consoleDir, name), 'utf8')).join('\n');
let scene: OperatorScene;
let listener: HttpListener;
const metrics = makeMetrics({ process: false });
const logged: string[] = [];

async function start(users: readonly string[] = ['juliet', 'nurse'], token: string | null = null): Promise<void> {
  logged.splice(0);
  const log = makeLog({ level: 'debug', stream: { write: (line: string) => void logged.push(line) } });
  scene = makeOperatorScene(users);
  listener = await startConsole({
    listen: { host: '127.0.0.1', port: 0 },
    token,
    metrics,
    log,
    ready: () => ({ stream: true, standsBy: false, redis: true, ximss: { links: 0, online: 0, reason: null } }),
    operator: scene.operator,
    version: '1.2.3',
  });
}
beforeEach(() => start());
afterEach(() => listener.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** node:http and not fetch: fetch may not set Host and Origin. */
function ask(
  path: string,
  over: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = over;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: listener.port, path, method, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
      },
    );
    outgoing.on('error', reject).end(body);
  });
}
const get = async (path: string): Promise<unknown> => JSON.parse((await ask(path)).body);
const jsonHeaders = { 'content-type': 'application/json' };
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(path, { method: 'POST', headers: { ...jsonHeaders, ...headers }, body: JSON.stringify(body) });
const parsed = (answer: Answer): unknown => JSON.parse(answer.body);
const deadIds = async (): Promise<string[]> =>
  (await scene.run('dead list', { count: 500 })).entries.map(({ id }) => id);

describe('the page', () => {
  test.each<[string, RegExp]>([
    ['/', /^text\/html; charset=utf-8$/],
    ['/console.css', /^text\/css; charset=utf-8$/],
    ...scripts.map((name): [string, RegExp] => [`/${name}`, /^text\/javascript; charset=utf-8$/]),
  ])('%s is served from memory, with the strict policy', async (path, type) => {
    const { status, headers } = await ask(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(type);
    expect(headers['content-security-policy']).toBe(policy);
    expect(headers['x-frame-options']).toBe('DENY');
  });

  test('the policy allows nothing inline and nothing from elsewhere', () => {
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  test('it loads nothing from elsewhere, has nothing inline, and holds no data', async () => {
    const { body } = await ask('/');
    expect(body).not.toMatch(/https?:|<style|<script>| style=| on[a-z]+=/);
    const named = [...body.matchAll(/(?:src|href)="([^"#][^"]*)"/g)].map(([, url]) => url);
    expect(named).toEqual(['data:,', 'console.css', 'console.js']);
    expect(body).not.toContain(juliet);
  });

  test('the script writes no markup, runs no text, and speaks to its own server only', () => {
    const imported = [...script.matchAll(/from '([^']+)'/g)].map(([, from = '']) => from.slice(2));
    expect(scripts).toEqual(expect.arrayContaining(imported));
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function/);
    expect(script.match(/https?:\/\/[^']+/g)).toEqual(['http://www.w3.org/2000/svg']);
  });

  test('every id and every list that the script asks for is on the page', async () => {
    const { body } = await ask('/');
    const ids = [...script.matchAll(/byId\('([a-z-]+)'\)/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(10);
    for (const id of ids) expect(body).toContain(`id="${id}"`);
    const paths = [...script.matchAll(/'(\/api\/[a-z/]+)'/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(8);
    for (const path of paths) expect([200, 400, 405]).toContain((await ask(path)).status);
  });
});

describe('who may', () => {
  test.each<[string, Record<string, string>, number]>([
    ['a page of another origin', { origin: 'https://evil.example' }, 403],
    ['a name that someone pointed here', { host: 'evil.example' }, 403],
    ['the console itself', { host: 'localhost', origin: 'http://localhost' }, 200],
  ])('change something without a token set: %s', async (_what, headers, status) => {
    expect((await post('/api/links/reconnect', { users: [juliet] }, headers)).status).toBe(status);
    expect(scene.acts).toHaveLength(status === 200 ? 2 : 0);
  });

  test.each<[string, string]>([
    ['/', 'GET'],
    ['/console.js', 'GET'],
    ['/api/status', 'GET'],
    ['/api/dead/show?id=1-1', 'GET'],
    ['/api/openapi.json', 'GET'],
    ['/api/dead/drop', 'POST'],
  ])('with a token set %s asks for it', async (path, method) => {
    await listener.stop();
    await start(['juliet'], 't0ken');
    const headers = { ...jsonHeaders, authorization: 'Bearer t0ken' };
    expect((await ask(path, { method })).status).toBe(401);
    expect([200, 400, 404]).toContain((await ask(path, { method, headers, body: '' })).status);
  });

  test.each<[string, string | undefined]>([
    ['a form', 'application/x-www-form-urlencoded'],
    ['plain text, as a foreign page may send it', 'text/plain'],
    ['nothing said', undefined],
  ])('a change needs a JSON body: %s', async (_what, type) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    const answer = await ask('/api/links/reconnect', {
      method: 'POST',
      headers,
      body: JSON.stringify({ users: [juliet] }),
    });
    expect(answer.status).toBe(400);
    expect(scene.acts).toEqual([]);
  });

  test.each(adminNames.filter((name) => methodOf(name) === 'POST').map(pathOf))(
    'GET changes nothing: %s',
    async (path) => {
      expect([404, 405]).toContain((await ask(path)).status);
      expect(scene.acts).toEqual([]);
    },
  );
});

test('status and traffic', async () => {
  metrics.meter.count('envelopes_accepted_total', { dir: 'toFar' }, 3);
  metrics.meter.observe('delivery_seconds', 0.02, { dir: 'toFar' });
  await scene.wait(letter('a'));
  expect(await get('/api/status')).toMatchObject({
    version: '1.2.3',
    domain: 'ximss.test',
    isStreamUp: true,
    isStoreUp: true,
    links: { total: 2, online: 2 },
    lanes: { envelopes: 1, lanes: 1, dead: 0 },
    drains: { delayed: 3 },
  });
  expect(await get('/api/traffic')).toMatchObject({
    toFar: {
      accepted: 3,
      latency: expect.arrayContaining([
        [0.025, 1],
        [null, 1],
      ]) as unknown,
    },
    toJabber: { accepted: 0 },
  });
});

test('links: pages, filters; never a password', async () => {
  expect(await get('/api/links/list?count=1')).toMatchObject({
    entries: [{ user: juliet, status: 'online' }],
    next: juliet,
  });
  expect(await get(`/api/links/list?count=1&after=${juliet}`)).toMatchObject({
    entries: [{ user: jid('nurse') }],
    next: null,
  });
  expect(await get('/api/links/list?find=NURSE%40far&status=')).toMatchObject({
    entries: [{ account: account('nurse') }],
  });
  expect(await get('/api/links/list?status=refused')).toEqual({ entries: [], next: null });
  expect((await ask('/api/links/list')).body).not.toContain('PASSWORD');
});

test('lanes: of all, of one user', async () => {
  await scene.wait(letter('a'));
  expect(await get('/api/lanes?user=')).toMatchObject({ entries: [{ lane: toFar, waiting: 1 }], next: null });
  expect(await get(`/api/lanes?user=${juliet}%2Fphone`)).toMatchObject({ entries: [{ user: juliet }] });
  expect(await get(`/api/lanes?user=${jid('nurse')}`)).toEqual({ entries: [], next: null });
});

describe('dead letters', () => {
  test('listed without texts; one is shown with its text when asked for', async () => {
    await scene.addDead(letter('a'), letter('b'));
    const list = await ask('/api/dead/list?count=1');
    expect(parsed(list)).toMatchObject({ entries: [{ envelope: { envelopeId: 'b', history: [{}, {}] } }] });
    expect(list.body).not.toContain('SECRET');
    const [id = ''] = await deadIds();
    expect(await get(`/api/dead/show?id=${id}`)).toMatchObject({ id, text: 'SECRET of b' });
    expect(scene.logged.join() + logged.join('')).not.toContain('SECRET');
  });

  test('sent again in the order in which they lay, and what cannot be is told', async () => {
    await scene.addDead(letter('a'), letter('b'));
    const ids = await deadIds();
    const answer = await post('/api/dead/resend', { ids: [...ids, '1-1'] });
    expect(parsed(answer)).toMatchObject({ done: 2, failed: [{ id: '1-1', code: 'not-found' }] });
    const stored = await scene.store.lanes.head(toFar, 5);
    expect(stored.map((one) => 'envelope' in one && one.envelope.id)).toEqual(['a', 'b']);
    expect(scene.logged.join()).toContain('"face":"api"');
  });

  test('dropped', async () => {
    await scene.addDead(letter('a'), letter('b'));
    const [first = ''] = await deadIds();
    expect(parsed(await post('/api/dead/drop', { ids: [first, '1-1'] }))).toMatchObject({
      done: 1,
      failed: [{ id: '1-1' }],
    });
    expect(await deadIds()).toHaveLength(1);
  });
});

test('trace by any id', async () => {
  await scene.wait(letter('a'));
  expect(await get('/api/trace?id=m-a')).toMatchObject({
    entries: [{ place: 'waiting', envelopeId: 'a', lane: toFar }],
  });
  expect(await get(`/api/trace?id=m-a&user=${jid('nurse')}`)).toEqual({ entries: [] });
});

test('rosters: what would be done, and doing it', async () => {
  const romeo = account('romeo');
  scene.plan({ actions: [{ do: 'removeServer', account: romeo }], skipped: [account('a')] });
  const change = { contact: romeo, what: ['removeServer'] };
  const dry = { changes: [change], changesCount: 1, skipped: [account('a')], skippedCount: 1 };
  expect(await get(`/api/rosters/show?user=${juliet}`)).toEqual(dry);
  expect(parsed(await post('/api/rosters/compare', { user: juliet }))).toEqual(dry);
  expect(parsed(await post('/api/rosters/compare', { user: juliet, mayTake: 1 }))).toMatchObject({ skippedCount: 0 });
  expect(scene.acts).toEqual([`compare ${juliet} null`, `compare ${juliet} 1`]);
});

test('all refused logins are tried again, the others are left alone', async () => {
  scene.operator.onSession(juliet, 'refused', new Fault('not-authorized'));
  scene.status.set(juliet, 'refused');
  expect(parsed(await post('/api/links/reconnect', { refused: true }))).toEqual({ done: 1, failed: [] });
  expect(scene.acts).toEqual([`reconnect ${juliet}`]);
});

test('reconnect and announce', async () => {
  expect(parsed(await post('/api/links/reconnect', { users: [juliet] }))).toEqual({ done: 1, failed: [] });
  expect(parsed(await post('/api/announce', { text: 'noon', to: 'online' }))).toEqual({ queued: 2, refused: 0 });
  expect(scene.acts).toEqual([
    `close ${juliet}`,
    `open ${juliet}`,
    ...[juliet, jid('nurse')].map((user) => `say ${user} headline noon`),
  ]);
});

describe('what is wrong is said', () => {
  test.each<[string, string, number, string]>([
    ['no such dead letter', '/api/dead/show?id=1-1', 404, 'not-found'],
    ['a letter id that is none', '/api/dead/show?id=..%2f', 404, 'not-found'],
    ['a user that is none', '/api/lanes?user=a%20b', 400, 'bad-request'],
    ['rosters of nobody', '/api/rosters/show', 400, 'bad-request'],
    ['rosters of a user without a link', `/api/rosters/show?user=${jid('someone')}`, 409, 'not-linked'],
    ['too many at once', '/api/lanes?count=501', 400, 'bad-request'],
    ['a count that is none', '/api/links/list?count=x', 400, 'bad-request'],
    ['a status that is none', '/api/links/list?status=happy', 400, 'bad-request'],
    ['no id', '/api/trace', 400, 'bad-request'],
    ['a parameter that is not known', '/api/status?x=1', 400, 'bad-request'],
    ['a parameter twice', '/api/links/list?find=a&find=b', 400, 'bad-request'],
    ['an empty id', '/api/trace?id=', 400, 'bad-request'],
  ])('%s', async (_what, path, status, code) => {
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    expect(parsed(answer)).toMatchObject({ code, text: expect.stringMatching(/./) as string });
  });

  test.each<[string, string, unknown, number]>([
    ['a flag that is none', '/api/links/reconnect', { refused: 'yes' }, 400],
    ['a key too many', '/api/links/reconnect', { users: [juliet], force: true }, 400],
    ['a number of contacts that is none', '/api/rosters/compare', { user: juliet, mayTake: -1 }, 400],
    ['no ids', '/api/dead/drop', { ids: [] }, 400],
    ['another shape', '/api/dead/drop', ['1-1'], 400],
    ['an empty announcement', '/api/announce', { text: ' ', to: 'online' }, 400],
    ['an audience that is none', '/api/announce', { text: 'x', to: 'all' }, 400],
    ['a prototype', '/api/links/reconnect', JSON.parse('{"__proto__":{"all":true}}') as unknown, 400],
    ['a body that is too large', '/api/announce', { text: 'x'.repeat(70_000), to: 'online' }, 413],
  ])('%s', async (_what, path, body, status) => {
    expect((await post(path, body)).status).toBe(status);
    expect(scene.acts).toEqual([]);
  });

  test('no JSON at all', async () => {
    const answer = await ask('/api/announce', { method: 'POST', headers: jsonHeaders, body: '{' });
    expect([answer.status, parsed(answer)]).toMatchObject([400, { text: 'The body is no JSON.' }]);
  });

  test('the store is away: 503, and the status still answers', async () => {
    scene.store.setAway(true);
    expect((await ask('/api/lanes')).status).toBe(503);
    expect((await post('/api/dead/resend', { ids: ['1-1'] })).status).toBe(503);
    expect(await get('/api/status')).toMatchObject({ isStoreUp: false, lanes: null });
  });

  test('a mistake of ours is logged and shows nothing of itself', async () => {
    Object.assign(scene.operator, { run: () => Promise.reject(new TypeError('INSIDE')) });
    const answer = await ask('/api/lanes');
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('INSIDE');
    expect(logged.join('')).toContain('http request failed');
  });

  test('a refusal keeps its own words', async () => {
    Object.assign(scene.operator, { run: () => Promise.reject(new Fault('rate-limited', { text: 'Slowly!' })) });
    expect(await ask('/api/lanes')).toMatchObject({ status: 429, body: expect.stringContaining('Slowly!') as string });
  });
});
