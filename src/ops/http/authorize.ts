/**
 * Who may ask the operator's HTTP listener. With a token: whoever shows it, from no foreign page. Without one the listener
 * is on the loopback only, and that is the guard: requests that a web page of another origin could have sent (foreign
 * Host or Origin) are refused, so that a name which someone pointed at 127.0.0.1 does not pass (DNS rebinding). Pure.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

export interface Refusal {
  readonly status: 401 | 403;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The whole URL of a request, its path without `..`; null when path or Host cannot be one. */
export function urlOf(target: string, host = 'localhost'): URL | null {
  const whole = `http://${host}${target}`; // `//x/y` stays a path
  return target.startsWith('/') && /^[^/\\?#@\s]+$/.test(host) && URL.canParse(whole) ? new URL(whole) : null;
}

/** Why the request must not be answered, null when it may. Bearer, or Basic with the token as password, so that a browser can ask for it (RFC 6750, RFC 7617). */
export function refusalOf(headers: IncomingHttpHeaders, url: URL, token: string | null): Refusal | null {
  if (token === null && !isLocalName(url)) return { status: 403, text: 'unknown host' };
  if (!isSameOrigin(headers, url)) return { status: 403, text: 'request of another origin' };
  if (token === null || isEqual(givenToken(headers), token)) return null;
  return {
    status: 401,
    text: 'token required',
    headers: { 'www-authenticate': 'Basic realm="bridge", charset="UTF-8"' },
  };
}

function givenToken({ authorization = '' }: IncomingHttpHeaders): string {
  const [scheme = '', credentials = ''] = authorization.split(/ +/, 2);
  switch (scheme.toLowerCase()) {
    case 'basic':
      return basic(credentials).replace(/^[^:]*:/, '');
    case 'bearer':
      return credentials;
    default:
      return '';
  }
}

/** The name beside the token in Basic credentials: whatever was typed there, '' when nothing was. */
export function givenName({ authorization = '' }: IncomingHttpHeaders): string {
  const [scheme = '', credentials = ''] = authorization.split(/ +/, 2);
  return scheme.toLowerCase() === 'basic' ? (basic(credentials).split(':')[0] ?? '') : '';
}

function basic(credentials: string): string {
  return Buffer.from(credentials, 'base64').toString('utf8');
}

function isLocalName(url: URL): boolean {
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
}

/** A browser says either of the two with each request that a page makes (Fetch Metadata: also without Origin). */
function isSameOrigin(
  { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode }: IncomingHttpHeaders,
  url: URL,
): boolean {
  if (site === 'cross-site' && mode !== 'navigate') return false;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === url.host;
}

/** Compares digests, so that neither content nor length shows in the time it takes. */
function isEqual(given: string, wanted: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
