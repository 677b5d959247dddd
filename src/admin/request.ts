/**
 * Asks a running bridge for one of the operator's commands, over its API. Every question ends by itself. It knows the table of
 * commands and where each is; what it means is the bridge's business.
 */
import { request } from 'node:http';
import type { Reach } from '../config/reach';
import { adminCommand, type AdminName } from '../core/admin/table';
import { methodOf, pathOf } from '../ops/http/routes';

/** unreachable: nobody answered as a bridge does. */
export type Answer =
  | { readonly kind: 'done'; readonly output: unknown }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string }
  | { readonly kind: 'unreachable'; readonly text: string };

const answerMs = 120_000;

/** Never rejects. */
export function askBridge(reach: Reach, name: AdminName, input: object, who: string): Promise<Answer> {
  const method = methodOf(name);
  const query = method === 'GET' ? queryOf(name, input) : '';
  const body = method === 'GET' ? null : JSON.stringify(input);
  const headers = {
    'x-operator-face': 'shell',
    'x-operator-name': encodeURIComponent(who),
    ...(reach.token === null ? {} : { authorization: `Bearer ${reach.token}` }),
    ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve) => {
    const { host, port } = reach;
    const signal = AbortSignal.timeout(answerMs);
    const failed = (error: Error): void =>
      resolve({ kind: 'unreachable', text: `no bridge answers at ${host}:${port} (${error.message})` });
    const asked = request(
      { host, port, path: pathOf(name) + query, method, headers, agent: false, signal },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('error', failed);
        answer.on('end', () => resolve(answerOf(answer.statusCode ?? 0, text)));
      },
    );
    asked.on('error', failed);
    asked.end(body ?? undefined);
  });
}

function queryOf(name: AdminName, input: object): string {
  const given: Readonly<Record<string, unknown>> = { ...input };
  const pairs = adminCommand(name).args.flatMap(({ name: key }) => {
    const value = given[key];
    const isGiven = typeof value === 'string' || typeof value === 'number' || value === true;
    return isGiven ? [[key, String(value)] as [string, string]] : [];
  });
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

function answerOf(status: number, text: string): Answer {
  const found = parse(text);
  if (status === 200 && found !== undefined) return { kind: 'done', output: found };
  if (typeof found === 'object' && found !== null && 'code' in found && 'text' in found)
    return { kind: 'refused', code: String(found.code), text: String(found.text) };
  const why = status === 401 ? 'the token is not the one of the bridge (http.token)' : text.trim().slice(0, 200);
  if (status === 401 || status === 403) return { kind: 'refused', code: 'forbidden', text: why };
  return { kind: 'unreachable', text: `what answers is no bridge (status ${status})` };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
