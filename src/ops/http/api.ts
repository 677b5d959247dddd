/**
 * The JSON API under /api/, made from core/admin/table.ts: `links list` is GET /api/links/list with its arguments in the query,
 * `links add` is POST /api/links/add with a JSON object. Who may ask is authorize.ts' business (token, or loopback and same
 * origin); a change also wants a JSON body, which a foreign page's form cannot send. Errors are JSON with the Fault's code
 * and text. It decides nothing: every command is the operator's. /api/openapi.json describes it.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Asker, Operator } from '../../bridge/ports';
import { readInput, sealedMaxChars, valueOfText } from '../../core/admin/input';
import { adminCommand, adminNames, faces, type AdminName, type Face } from '../../core/admin/table';
import { Fault } from '../../core/fault';
import { givenName } from './authorize';
import { describeApi } from './openapi';
import { methodOf, pathOf } from './routes';

export interface ApiOptions {
  readonly operator: Pick<Operator, 'run'>;
  readonly version: string;
}

/** Adds a route for each command, and the description of all. */
export function addApi(app: FastifyInstance, { operator, version }: ApiOptions): void {
  for (const name of adminNames) {
    app.route({
      method: methodOf(name),
      url: pathOf(name),
      ...(adminCommand(name).args.some(({ kind }) => kind === 'sealed') ? { bodyLimit: sealedMaxChars } : {}),
      handler: (request) => operator.run(name, readInput(name, givenOf(name, request)), askerOf(request)),
    });
  }
  app.get('/api/openapi.json', () => describeApi(version));
}

function givenOf(name: AdminName, { query, body, headers }: FastifyRequest): unknown {
  if (methodOf(name) === 'GET') return fromQuery(name, query as Readonly<Record<string, unknown>>); // fastify's own parser made it
  // also without a body: a form of a foreign page could send that
  if (headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw new Fault('bad-request', { text: 'The body must be application/json.' });
  return body ?? {};
}

/** A parameter that stands there without a value is one that was left out. */
function fromQuery(name: AdminName, query: Readonly<Record<string, unknown>>): unknown {
  const { args } = adminCommand(name);
  const pairs = Object.entries(query).map(([key, value]) => {
    const argument = args.find((one) => one.name === key);
    if (argument === undefined || typeof value !== 'string') return [key, value] as const;
    return [key, valueOfText(argument, value)] as const;
  });
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
}

const nameMax = 100;

/** Who asks, by their own account: whoever has the token may say anything, and it decides nothing. */
function askerOf({ headers }: FastifyRequest): Asker {
  const said = headers['x-operator-face'];
  const face: Face = faces.find((one) => one === said && (one === 'console' || one === 'shell')) ?? 'api';
  const given = headers['x-operator-name'];
  const name = (typeof given === 'string' ? given : givenName(headers)).replace(/[^\x20-\x7e]/g, '?').trim();
  return { face, name: name.slice(0, nameMax) || 'unnamed' };
}
