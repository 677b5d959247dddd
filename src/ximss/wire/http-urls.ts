/** The URLs of an HTTP session (docs/XIMSS.md 3.2), and the one request that needs nothing but them. */
import type { Clock } from '../../bridge/ports';
import { withDeadline } from '../../core/async';
import type { Exchange, HttpRequest } from './http-client';

const killMs = 2_000;

/** How a document is known when it comes again: where it stood. */
export const placeOf = (urlId: string, respSeq: number, index: number): string => `${urlId} ${respSeq} ${index}`;

export const pathOf = (urlId: string): string => `/Session/${encodeURIComponent(urlId)}`;

/** Tells the server that a session is not wanted any more (3.2); whether that arrives does not matter. Never rejects. */
export async function killSession(
  clock: Pick<Clock, 'sleep'>,
  exchange: Exchange,
  urlId: string,
  cookie: string | null,
): Promise<void> {
  const headers = cookie === null ? {} : { Cookie: cookie };
  const request: HttpRequest = { method: 'POST', path: `${pathOf(urlId)}/KILL`, headers, body: '' };
  const never = new AbortController().signal;
  await withDeadline(clock, killMs, never, (signal) => exchange(request, signal)).catch(() => undefined);
}
