/**
 * `/ximsslogin/` and `/auth/ximsslogin/` (docs/XIMSS.md 3.1): a login by parameters (password; nonce and authData; session
 * id), by HTTP Basic when no userName is given, or pre-login requests in a text/xml body. Client certificates and guests
 * are refused. Parameter names are matched without case, unknown ones ignored.
 */
import { createHmac } from 'node:crypto';
import { preloginRequest, sessionMessage, useNonce, type Prelogin } from '../operations/prelogin';
import { execute, type Wire } from '../operations/exchange';
import { isXmlBody, type HttpAnswer, type HttpRequest, type WritingFaults } from './message';
import { readBatch, type HttpSessions } from './session';
import { Refusal, refusals } from '../refusal';
import { checkPassword } from '../accounts/sasl';
import type { Account } from '../accounts/store';
import type { World } from '../world';
import { el, XmlError, type El } from '../xml';

export async function loginUrl(
  world: World,
  sessions: HttpSessions,
  request: HttpRequest,
  writing: WritingFaults,
): Promise<HttpAnswer> {
  if (request.method !== 'GET' && request.method !== 'POST')
    return { kind: 'status', status: 405, text: 'GET or POST' };
  if (request.method === 'POST' && isXmlBody(request.contentType)) {
    return beforeLogin(world, request, writing);
  }
  world.wireLog.note('in', null, `${request.method} ${request.path}`);
  const wantsXml = request.params.get('errorasxml') === '1';
  try {
    return enter(world, sessions, request, authenticate(world, request));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (wantsXml) return { kind: 'xml', root: el('XIMSS', {}, failure(error)) };
    if (error === unauthorized) {
      const headers = { 'WWW-Authenticate': `Basic realm="${world.settings.domains[0] ?? ''}"` };
      return { kind: 'status', status: 401, text: error.errorText, headers };
    }
    return { kind: 'status', status: 403, text: error.errorText };
  }
}

const unauthorized = new Refusal(530, 'authentication is required');

const failure = (refusal: Refusal): El =>
  el('response', { errorText: refusal.errorText, errorNum: String(refusal.errorNum) });

/** Who is logging in; throws Refusal. */
function authenticate(world: World, request: HttpRequest): Account {
  const { params } = request;
  const get = (name: string): string | undefined => params.get(name);
  const domain = world.settings.domains[0] ?? '';
  const find = (name: string): Account | undefined => world.accounts.find(name, domain);
  if (!request.isSecure && !world.settings.loginWithoutTls) throw refusals.needsTls();
  const userName = get('username');
  const sessionId = get('sessionid');
  const nonce = get('nonce');
  if (userName !== undefined && sessionId !== undefined) {
    const old = world.sessions.get(sessionId);
    if (old === undefined || old.account !== find(userName) || !isSameClient(world, sessionId, request)) {
      throw refusals.badPassword();
    }
    if (get('killold') === '1') world.sessions.end(old);
    return old.account;
  }
  if (userName !== undefined && nonce !== undefined) {
    const account = find(userName);
    const isFresh = useNonce(world, nonce);
    if (account === undefined || account.isDisabled || !isFresh) throw refusals.badPassword();
    const hex = createHmac('md5', account.password).update(nonce).digest('hex');
    const expected = Buffer.from(hex).toString('base64').replace(/=+$/, '');
    // A '+' that was not escaped arrives as a space.
    const given = (get('authdata') ?? '').replace(/ /g, '+').replace(/=+$/, '');
    if (given !== expected) throw refusals.badPassword();
    return account;
  }
  if (!request.isSecure && !world.settings.plainWithoutTls) throw refusals.needsTls();
  if (userName !== undefined) return checkPassword({ find }, userName, get('password') ?? '');
  if (get('loginasguest') === '1') throw refusals.badMethod();
  const basic = /^basic ([A-Za-z0-9+/=]+)$/i.exec(request.authorization)?.[1];
  if (basic === undefined) throw unauthorized;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw unauthorized;
  return checkPassword({ find }, text.slice(0, colon), text.slice(colon + 1));
}

/** 3.1: a session is tied to one client address unless DisableIPWatch was given. */
function isSameClient(world: World, sessionId: string, request: HttpRequest): boolean {
  const old = world.sessions.get(sessionId);
  return old === undefined || old.remoteAddress === '' || old.remoteAddress === request.remoteAddress;
}

function enter(world: World, sessions: HttpSessions, request: HttpRequest, account: Account): HttpAnswer {
  const { params } = request;
  if (params.get('killold') === '1') {
    for (const old of account.sessions) if (old.transport !== 'inside') world.sessions.end(old);
  }
  const session = sessions.open(account, {
    transport: request.isSecure ? 'https' : 'http',
    version: params.get('version') ?? null,
    remoteAddress: params.get('disableipwatch') === '1' ? '' : request.remoteAddress,
    usesCookie: params.get('disableusecookie') !== '1',
  });
  return { kind: 'xml', root: el('XIMSS', {}, sessionMessage(world, session)) };
}

/** A text/xml body: pre-login requests, answered together. */
async function beforeLogin(world: World, request: HttpRequest, writing: WritingFaults): Promise<HttpAnswer> {
  let batch: El[];
  try {
    batch = readBatch(world, null, request.body, world.settings.maxPreLoginDocumentBytes);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    world.strict.note(null, `malformed input: ${error.message}`);
    return { kind: 'status', status: 400, text: 'malformed XML' };
  }
  const answer: El[] = [];
  let override: HttpAnswer | null = null;
  const wire: Wire = {
    send: (message) => void answer.push(message),
    kill: () => void (override = { kind: 'cut' }),
    raw: (bytes) => void (writing.garbage = bytes),
    split: () => void (writing.isSplit = true),
    lost: () => wire,
    hang: () => void (override ??= { kind: 'hang' }),
    status: (status) => {
      override = { kind: 'status', status, text: 'status wanted by the test' };
      return true;
    },
  };
  const prelogin: Prelogin = {
    isSecure: request.isSecure,
    mayLogin: false,
    domain: world.settings.domains[0] ?? '',
    pending: null,
    failedCount: 0,
    startTls: null,
    enter: () => {
      throw refusals.badMethod();
    },
  };
  for (const one of batch) await execute(world, null, one, wire, (call) => preloginRequest(prelogin, call));
  return override ?? { kind: 'xml', root: el('XIMSS', {}, ...answer) };
}
