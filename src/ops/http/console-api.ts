/**
 * The console on the operator's listener: a JSON API under /api/ and one page at / that uses it. Who may ask is
 * authorize.ts' business (token, or loopback and same origin); a change also wants a JSON body, which a foreign page's
 * form cannot send. Errors are JSON with the Fault's code and text. It decides nothing: every verb is the operator port's.
 *
 * | method | path              | query or body                  | answer                                         |
 * | ------ | ----------------- | ------------------------------ | ---------------------------------------------- |
 * | GET    | /api/overview     |                                | states, counts, drains, traffic                |
 * | GET    | /api/links        | find, status, after, count     | page of links with their sessions              |
 * | POST   | /api/reconnect    | {user} or {status: refused}    | {count} of links that are tried again          |
 * | GET    | /api/rosters      | user                           | what a comparison of the rosters would change  |
 * | POST   | /api/rosters      | {user, mayTake}                | the same, done                                 |
 * | GET    | /api/lanes        | user, after, count             | page of lanes that hold something              |
 * | GET    | /api/dead         | before, count                  | page of dead letters, without texts            |
 * | GET    | /api/dead/ID      |                                | one dead letter with its text                  |
 * | POST   | /api/dead/resend  | {ids}                          | {resent, failed: [{id, code, text}]}           |
 * | POST   | /api/dead/drop    | {ids}                          | {dropped}                                      |
 * | GET    | /api/trace        | id, user                       | {entries}                                      |
 * | POST   | /api/announce     | {text, to: everybody, online}  | {queued, refused}                              |
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Operator } from '../../bridge/ports';
import { parseJid } from '../../core/address';
import type { BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import { startListener } from './listener';
import type { HttpListener, ListenerOptions } from './listener';
import type { Metrics } from '../metrics';
import { addPage } from './page';
import { readTraffic } from './throughput';

export interface ConsoleOptions {
  readonly operator: Operator;
  readonly metrics: Pick<Metrics, 'read'>;
  /** shown at the top of the page */
  readonly about: { readonly version: string; readonly domain: string };
}

/** The operator's listener with the console on it. Rejects as startListener does. */
export function startConsole({
  operator,
  about,
  ...listener
}: Omit<ListenerOptions, 'routes'> & ConsoleOptions): Promise<HttpListener> {
  const { metrics } = listener;
  return startListener({ ...listener, routes: (app) => addConsole(app, { operator, metrics, about }) });
}

/** characters of an announcement; the listener bounds the whole body */
const announcementMax = 64 * 1024;
const idsMax = 500;
/** who asks, for the log: the listener knows a token, not a person */
const by = 'console';

const count = z.coerce.number().int().min(1).max(500).default(50);
const text = z.string().max(1_000);
const id = z.string().max(100);
const optional = text.nullish().transform((value) => (value === undefined || value === '' ? null : value));
const user = text.transform((value, context): BareJid => {
  const jid = parseJid(value.trim());
  if (jid !== null) return jid.bare;
  context.addIssue({ code: 'custom', message: 'is no JID' });
  return z.NEVER;
});
const maybeUser = z
  .preprocess((value) => (value === '' ? undefined : value), user.optional())
  .transform((jid) => jid ?? null);

const queries = {
  links: z.object({
    find: text.default('').transform((value) => value.trim().toLowerCase()),
    status: z.preprocess(
      (value) => (value === '' ? undefined : value),
      z.enum(['online', 'connecting', 'waiting', 'deferred', 'refused', 'closed']).optional(),
    ),
    after: optional,
    count,
  }),
  lanes: z.object({ user: maybeUser, after: optional, count }),
  dead: z.object({ before: optional, count }),
  trace: z.object({ id: text.trim(), user: maybeUser }),
  user: z.object({ user }),
};
const bodies = {
  reconnect: z.union([z.strictObject({ user }), z.strictObject({ status: z.literal('refused') })]),
  rosters: z.strictObject({
    user,
    mayTake: z
      .int()
      .min(0)
      .nullish()
      .transform((value) => value ?? null),
  }),
  ids: z.strictObject({ ids: z.array(id).min(1).max(idsMax) }),
  announce: z.strictObject({ text: z.string().max(announcementMax), to: z.enum(['everybody', 'online']) }),
};

/** Adds the page and the API to the listener. */
export function addConsole(app: FastifyInstance, { operator, metrics, about }: ConsoleOptions): void {
  const get = <T>(path: string, query: z.ZodType<T>, act: (query: T) => unknown): void => {
    app.get(path, (request) => act(parse(query, request.query, 'the query')));
  };
  const post = <T>(path: string, body: z.ZodType<T>, act: (body: T) => unknown): void => {
    app.post(path, (request) => act(parse(body, request.body, 'the body')));
  };

  addPage(app);
  get('/api/overview', z.object({}), async () => ({
    ...about,
    ...(await operator.overview()),
    traffic: await readTraffic(metrics),
  }));
  get('/api/links', queries.links, ({ status, ...query }) => operator.links({ ...query, status: status ?? null }));
  post('/api/reconnect', bodies.reconnect, async (body) => {
    if ('status' in body) return { count: operator.reconnectRefused(by) };
    await operator.reconnect(body.user, by);
    return { count: 1 };
  });
  get('/api/rosters', queries.user, (query) => operator.rosters(query.user));
  post('/api/rosters', bodies.rosters, (body) => operator.compare(body.user, body.mayTake, by));
  get('/api/lanes', queries.lanes, (query) => operator.lanes(query));
  get('/api/dead', queries.dead, (query) => operator.deadLetters(query));
  app.get<{ Params: { id: string } }>('/api/dead/:id', ({ params }) => operator.open(params.id, by));
  post('/api/dead/resend', bodies.ids, ({ ids }) => resendAll(operator, ids));
  post('/api/dead/drop', bodies.ids, async ({ ids }) => ({ dropped: await operator.drop(ids, by) }));
  get('/api/trace', queries.trace, async (query) => ({ entries: await operator.trace(query) }));
  post('/api/announce', bodies.announce, (body) => operator.announce(body.text, body.to, by));
}

/** Oldest first, as they lay in their lanes; what fails is told and the rest goes on, unless the store is away. */
async function resendAll(operator: Operator, ids: readonly string[]): Promise<object> {
  const failed: object[] = [];
  let resent = 0;
  for (const one of [...ids].sort(byAge)) {
    try {
      await operator.resend(one, by);
      resent += 1;
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'store-away' || fault.code === 'internal') throw fault;
      failed.push({ id: one, code: fault.code, text: fault.text });
    }
  }
  return { resent, failed };
}

/** Dead letters' ids are two numbers: time and order within it. */
function byAge(a: string, b: string): number {
  const [[atA = 0, nthA = 0], [atB = 0, nthB = 0]] = [a.split('-').map(Number), b.split('-').map(Number)];
  return atA - atB || nthA - nthB;
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Fault('bad-request', { text: `${what}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim() });
}
