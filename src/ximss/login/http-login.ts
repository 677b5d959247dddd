/**
 * The login URL of the HTTP binding (docs/XIMSS.md 3.1): operations before login in a text/xml body, then a login by
 * nonce, by form, or by HTTP Basic. The password stands in no URL, and not in clear text without TLS when TLS is
 * required. It does not log in by the id of an earlier session (3.1): that would end it with all it still holds.
 */
import { Fault, toFault } from '../../core/fault';
import { untilAborted, withDeadline } from '../../core/async';
import { childrenOf, serialise, withId, type Element } from '../wire/element';
import type { XimssContext } from '../context';
import { killSession } from '../wire/http-urls';
import { readRoot } from '../wire/http-answer';
import type { HttpAnswer, HttpClient, HttpRequest } from '../wire/http-client';
import { waysFor } from './login';
import { loginFault } from './login-fault';
import { listFeatures, readFeatures, readSession, type Features, type SessionInfo } from '../protocol/operations';
import { hmacMd5Hex, type Credentials } from './sasl';
import { refusalOf, type Operation } from '../protocol/request';
import type { LoginMemory, LoginWay } from './types';

export interface HttpLogin {
  readonly info: SessionInfo & { readonly urlId: string };
  readonly cookie: string | null;
}

const path = '/ximsslogin/';

/** One operation before login. Rejects its refusal, `unavailable`, or the signal's Fault. */
export async function requestBeforeLoginHttp<R>(
  context: XimssContext,
  client: HttpClient,
  operation: Operation<R>,
  signal: AbortSignal,
): Promise<R> {
  const answer = await client.exchange(
    {
      method: 'POST',
      path,
      headers: { 'Content-Type': 'text/xml; charset=utf-8' },
      body: `<XIMSS>${serialise(withId(operation.request, '1'))}</XIMSS>`,
    },
    signal,
  );
  const documents = childrenOf(readRoot(answer, context.httpCodec));
  const response = documents.find(({ name }) => name === 'response');
  if (response === undefined) throw new Fault('unavailable', { cause: 'no response' });
  const refusal = refusalOf(response, context.dialect);
  if (refusal !== null) throw refusal;
  return operation.parse(documents);
}

export interface HttpLoginOptions {
  /** the server has answered, encrypted as it must be */
  readonly onReached?: (() => void) | undefined;
  readonly memory?: LoginMemory | undefined;
}

/**
 * Logs in; whether the user must act first stands in the info. Rejects not-authorized, login-refused, too-many-sessions,
 * no-tls, unavailable, timeout.
 */
export async function logInHttp(
  context: XimssContext,
  client: HttpClient,
  credentials: Credentials,
  signal: AbortSignal,
  { onReached, memory }: HttpLoginOptions = {},
): Promise<HttpLogin> {
  const ways = memory?.way == null ? waysIn(context, credentials) : [memory.way];
  let wrongPassword: Fault | null = null;
  for (const [index, way] of ways.entries()) {
    const features = await featuresOf(context, client, signal); // a nonce is good for one login
    requireLoginWay(context, features);
    onReached?.();
    try {
      const login = await sendLogin(context, client, loginRequest(context, credentials, features, way), signal);
      if (memory !== undefined) memory.way = way;
      return login;
    } catch (error) {
      const fault = loginFault(toFault(error), context.dialect);
      if (fault.code === 'not-authorized') wrongPassword = fault;
      const mayTryNext = index < ways.length - 1 && ['not-authorized', 'login-refused'].includes(fault.code);
      if (mayTryNext) continue;
      if (memory !== undefined) memory.way = null;
      throw wrongPassword ?? fault;
    }
  }
  throw new Fault('unavailable', { cause: 'no login method' });
}

/** One way for a password in ASCII; for another both hashings of a challenge, then clear text inside TLS. */
function waysIn({ settings }: XimssContext, { name, password }: Credentials): readonly LoginWay[] {
  if (!/[^\0-\x7f]/.test(name + password)) return [{ method: 'cram-md5', hashing: 'standard' }];
  return waysFor(['cram-md5'], settings.login === 'auto' && settings.server.isTls);
}

/** Asks what the server offers. Rejects `no-tls` when nobody could log in as the configuration demands, `unavailable`. */
export async function probeHttp(context: XimssContext, client: HttpClient, signal: AbortSignal): Promise<void> {
  requireLoginWay(context, await featuresOf(context, client, signal));
}

async function featuresOf(context: XimssContext, client: HttpClient, signal: AbortSignal): Promise<Features> {
  try {
    return await requestBeforeLoginHttp(context, client, listFeatures(context.settings.domain), signal);
  } catch (error) {
    const fault = toFault(error);
    if (fault.code !== 'refused') throw fault;
    return readFeatures(null);
  }
}

const mayChallenge = ({ settings: { login }, dialect }: XimssContext): boolean =>
  login !== 'plain' && !(login === 'auto' && dialect.challengeMethods === 'none');

/** Throws `no-tls` when a password would have to go in clear text, `unavailable` when the configured login is not offered. */
function requireLoginWay(context: XimssContext, { nonce }: Features): void {
  const { login, starttls, server } = context.settings;
  if (mayChallenge(context) && nonce !== null) return;
  if (login !== 'auto' && login !== 'plain') {
    throw new Fault('unavailable', { cause: 'the server offers no login by nonce' });
  }
  if (!server.isTls && starttls === 'required') throw new Fault('no-tls');
}

/** The login that the configuration and the server allow: nonce if there is one, else clear text. */
function loginRequest(
  context: XimssContext,
  { name, password }: Credentials,
  { nonce }: Features,
  { method, hashing }: LoginWay,
): HttpRequest {
  if (method !== 'plain' && mayChallenge(context) && nonce !== null) {
    const authData = Buffer.from(hmacMd5Hex(password, nonce, hashing)).toString('base64');
    return form(context, { userName: name, nonce, authData });
  }
  if (context.dialect.clearTextLogin === 'method-less') return form(context, { userName: name, password });
  const basic = Buffer.from(`${name}:${password}`, 'utf8').toString('base64');
  const { headers, ...request } = form(context, {}, `/auth${path}`);
  return { ...request, headers: { ...headers, Authorization: `Basic ${basic}` } };
}

function form(context: XimssContext, fields: Readonly<Record<string, string>>, to: string = path): HttpRequest {
  const { protocolVersion } = context.dialect;
  const version = protocolVersion === 'omit' ? {} : { version: protocolVersion };
  return {
    method: 'POST',
    path: to,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ errorAsXML: '1', ...version, ...fields }).toString(),
  };
}

/**
 * Sends a login and reads its answer. When the caller gives up first, the answer is awaited all the same, so that a
 * session which nobody wants does not stay on the server and in its licence.
 */
async function sendLogin(
  context: XimssContext,
  client: HttpClient,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpLogin> {
  const { clock, settings } = context;
  const never = new AbortController().signal;
  const answer = withDeadline(clock, settings.requestTimeoutMs, never, (inner) => client.exchange(request, inner));
  const login = answer.then((it) => readLogin(it, context));
  try {
    return await untilAborted(login, signal);
  } catch (error) {
    if (signal.aborted) {
      login.then(
        ({ info, cookie }) => killSession(clock, client.exchange, info.urlId, cookie),
        () => undefined,
      );
    }
    throw error;
  }
}

/** The session of a login's answer. Throws its refusal; 401 is a wrong password, 403 a refusal without words. */
function readLogin(answer: HttpAnswer, context: XimssContext): HttpLogin {
  if (answer.status === 401) throw new Fault('not-authorized');
  if (answer.status === 403) throw new Fault('login-refused');
  const documents = childrenOf(readRoot(answer, context.httpCodec));
  for (const document of documents) {
    const refusal = document.name === 'response' ? refusalOf(document, context.dialect) : null;
    if (refusal !== null) throw refusal;
  }
  const session: Element | null = documents.find(({ name }) => name === 'session') ?? null;
  const info = readSession(session);
  if (info.urlId === null || info.urlId === '') throw new Fault('unavailable', { cause: 'a login without session id' });
  return { info: { ...info, urlId: info.urlId }, cookie: answer.cookies[0] ?? null };
}
