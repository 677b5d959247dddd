/**
 * Before login (docs/XIMSS.md 2.1-2.3): listFeatures, signup, recoverPassword, readStrings, login with its
 * challenge/auth loop. A prelogin state belongs to one connection and remembers its Domain and the login in progress.
 * starttls itself is the TCP connection's business; here it is only offered.
 */
import { randomBytes } from 'node:crypto';
import type { Call } from './exchange';
import { pause, unknownOr } from './exchange';
import { refusals, type Refusal } from '../refusal';
import { checkPassword, cramMd5, digestMd5, plain, type SaslEnv, type SaslStep } from '../accounts/sasl';
import type { Account, Session } from '../accounts/store';
import type { World } from '../world';
import { el, type El } from '../xml';

export interface Prelogin {
  isSecure: boolean;
  /** Whether `login` is possible here (TCP) or belongs to the login URL (HTTP). */
  readonly mayLogin: boolean;
  domain: string;
  pending: { id: string; step: SaslStep } | null;
  failedCount: number;
  /** Opens the session on this connection; throws Refusal at the licence limit. */
  enter(account: Account, version: string | null): Session;
  /** Begins the TLS handshake; null where there is none to begin. */
  startTls: (() => void) | null;
}

const maxNonces = 10_000;
const nonceLifeMs = 300_000;

/** Handles one pre-login request. Throws Refusal. */
export function preloginRequest(prelogin: Prelogin, call: Call): void | Promise<void> {
  const { request, world } = call;
  switch (request.name) {
    case 'listFeatures':
      return listFeatures(prelogin, call);
    case 'starttls':
      if (prelogin.startTls === null) throw refusals.noTls();
      return call.afterwards(prelogin.startTls);
    case 'signup':
      return pause(world.settings.slowAnswerMs).then(() => signup(prelogin, call));
    case 'recoverPassword':
      return pause(world.settings.slowAnswerMs).then(() => recoverPassword(prelogin, call));
    case 'readStrings':
      return;
    case 'login':
      if (!prelogin.mayLogin) throw refusals.badMethod();
      return inTurn(world, () => login(prelogin, call));
    case 'auth':
      return auth(prelogin, call);
    default:
      throw unknownOr(world, request.name, refusals.notLoggedIn);
  }
}

function chooseDomain(prelogin: Prelogin, world: World, domain: string | undefined): string {
  if (domain === undefined) return prelogin.domain;
  if (!world.accounts.isLocal(domain.toLowerCase())) throw refusals.unknownDomain();
  prelogin.domain = domain.toLowerCase();
  return prelogin.domain;
}

function listFeatures(prelogin: Prelogin, call: Call): void {
  const { settings } = call.world;
  const domain = chooseDomain(prelogin, call.world, call.request.attrs['domain']);
  const mayStartTls = settings.tls !== null && settings.starttls && !prelogin.isSecure;
  const children: El[] = [
    ...(mayStartTls ? [el('starttls')] : []),
    ...settings.sasl.map((name) => el('sasl', {}, name)),
    el('nonce', {}, newNonce(call.world)),
    el('language', {}, 'english'),
    ...(settings.signup ? [el('signup')] : []),
  ];
  call.data(el('features', { domain }, ...children));
}

/** 32 hex digits, remembered until used, grown old, or crowded out. */
function newNonce(world: World): string {
  const nonce = randomBytes(16).toString('hex').toUpperCase();
  const oldest = world.nonces.keys().next();
  if (world.nonces.size >= maxNonces && oldest.done !== true) world.nonces.delete(oldest.value);
  world.nonces.set(nonce, world.now());
  return nonce;
}

/** True once for each nonce handed out in the last minutes. */
export function useNonce(world: World, nonce: string): boolean {
  const madeAt = world.nonces.get(nonce);
  return world.nonces.delete(nonce) && madeAt !== undefined && world.now() - madeAt < nonceLifeMs;
}

function signup(prelogin: Prelogin, call: Call): void {
  const { world, request } = call;
  const domain = chooseDomain(prelogin, world, request.attrs['domain']);
  const { userName, password, realName } = request.attrs;
  if (!world.settings.signup) throw refusals.noSignup();
  if (userName === undefined || !/^[^\s@/"'<>&]{1,128}$/.test(userName)) throw refusals.badParameter('userName');
  if (password === undefined || password === '') throw refusals.badParameter('password');
  if (world.accounts.find(userName, domain) !== undefined) throw refusals.accountExists();
  world.accounts.add(`${userName}@${domain}`, password, realName ?? '');
}

function recoverPassword(prelogin: Prelogin, call: Call): void {
  const { world, request } = call;
  const domain = chooseDomain(prelogin, world, request.attrs['domain']);
  const account = world.accounts.find(request.attrs['userName'] ?? '', domain);
  if (account === undefined) throw refusals.unknownAccount();
  if (world.recovered.length < 1000) world.recovered.push(account.address);
}

/** As fast as the server takes logins; at once when it takes any number. */
function inTurn(world: World, act: () => void): void | Promise<void> {
  const { loginsPerSecond } = world.settings;
  if (loginsPerSecond === Infinity) return act();
  const now = world.now();
  const at = Math.max(now, world.logins.nextAtMs);
  world.logins.nextAtMs = at + 1_000 / loginsPerSecond;
  return pause(at - now).then(act);
}

function saslEnv(prelogin: Prelogin, world: World): SaslEnv {
  return {
    find: (name) => world.accounts.find(name, prelogin.domain),
    domain: prelogin.domain,
    rspauth: world.settings.dialect.rspauth === 'challenge',
    charsets: world.settings.dialect.digestCharsets,
  };
}

function login(prelogin: Prelogin, call: Call): void {
  const { world, request } = call;
  const { settings } = world;
  const method = request.attrs['method'];
  prelogin.pending = null;
  if (!prelogin.isSecure && !settings.loginWithoutTls) throw refusals.needsTls();
  const isClear = method === undefined || method === 'PLAIN' || method === 'LOGIN';
  if (isClear && !prelogin.isSecure && !settings.plainWithoutTls) throw refusals.needsTls();
  const env = saslEnv(prelogin, world);
  const { authData, password } = request.attrs;
  if (method === undefined) {
    if (!settings.dialect.methodless) throw refusals.badMethod();
    if (authData === undefined) throw refusals.badParameter('authData');
    if (password === undefined) throw refusals.badParameter('password');
    return admit(
      prelogin,
      call,
      guarded(prelogin, () => checkPassword(env, authData, password)),
    );
  }
  if (!settings.sasl.includes(method)) throw refusals.badMethod();
  switch (method) {
    case 'PLAIN':
      if (settings.dialect.plainIn === 'auth') return challenge(prelogin, call, Buffer.alloc(0), plain(env));
      if (authData === undefined) throw refusals.badParameter('authData');
      return proceed(prelogin, call, plain(env), authData);
    case 'CRAM-MD5': {
      const { challenge: bytes, next } = cramMd5(env);
      return challenge(prelogin, call, bytes, next);
    }
    case 'DIGEST-MD5': {
      const { challenge: bytes, next } = digestMd5(env);
      return challenge(prelogin, call, bytes, next);
    }
    default:
      throw refusals.badMethod();
  }
}

function auth(prelogin: Prelogin, call: Call): void {
  const { request, world } = call;
  const pending = prelogin.pending;
  prelogin.pending = null;
  if (pending === null) throw refusals.noChallenge();
  if (pending.id !== request.attrs['id']) {
    world.strict.note(null, 'auth: id differs from the id of login');
    throw refusals.noChallenge();
  }
  const value = request.attrs['value'];
  if (value === undefined) throw refusals.badParameter('value');
  proceed(prelogin, call, pending.step, value);
}

function proceed(prelogin: Prelogin, call: Call, step: SaslStep, value: string): void {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw failed(prelogin, refusals.badPassword());
  const outcome = guarded(prelogin, () => step(Buffer.from(value, 'base64')));
  if ('account' in outcome) return admit(prelogin, call, outcome.account);
  challenge(prelogin, call, outcome.challenge, outcome.next);
}

function challenge(prelogin: Prelogin, call: Call, bytes: Buffer, step: SaslStep): void {
  prelogin.pending = { id: call.request.attrs['id'] ?? '', step };
  call.data(el('challenge', { value: bytes.toString('base64') }));
  if (call.world.settings.dialect.loginResponses === 'one') call.hold();
}

function guarded<T>(prelogin: Prelogin, check: () => T): T {
  try {
    return check();
  } catch (error) {
    prelogin.failedCount++;
    throw error;
  }
}

function failed(prelogin: Prelogin, refusal: Refusal): Refusal {
  prelogin.failedCount++;
  return refusal;
}

function admit(prelogin: Prelogin, call: Call, account: Account): void {
  const version = call.world.settings.dialect.tcpLoginVersion ? (call.request.attrs['version'] ?? null) : null;
  const session = prelogin.enter(account, version);
  call.data(sessionMessage(call.world, session));
}

/** The `session` message (2.4), without id. */
export function sessionMessage(world: World, session: Session): El {
  const { account } = session;
  const message = el('session', {
    urlID: session.urlID,
    userName: account.address,
    realName: account.realName,
    version: world.settings.version,
    changePassword: account.mustChangePassword ? '1' : undefined,
    x2auth: account.secondFactor.length > 0 ? '1' : undefined,
  });
  message.children = account.secondFactor.map((name) => el('x2auth', {}, name));
  return message;
}
