/**
 * Before login (docs/XIMSS.md 2.1-2.3): listFeatures, signup, recoverPassword, readStrings, login with its
 * challenge/auth loop. A door belongs to one connection and remembers its Domain and the login in progress.
 * starttls itself is the TCP connection's business; here it is only offered.
 */
import { randomBytes } from 'node:crypto';
import type { Call } from './exchange';
import { pause, unknownOr } from './exchange';
import { refusals, type Refusal } from './refusal';
import { checkPassword, cramMd5, digestMd5, plain, type SaslEnv, type SaslStep } from './sasl';
import type { Account } from './store';
import type { Session } from './sessions';
import type { World } from './world';
import { el, type El } from './xml';

export interface Door {
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

const MAX_NONCES = 10_000;
const NONCE_LIFE_MS = 300_000;

/** Handles one pre-login request. Throws Refusal. */
export function atTheDoor(door: Door, call: Call): void | Promise<void> {
  const { request, world } = call;
  switch (request.name) {
    case 'listFeatures':
      return listFeatures(door, call);
    case 'starttls':
      if (door.startTls === null) throw refusals.noTls();
      return call.afterwards(door.startTls);
    case 'signup':
      return pause(world.settings.slowAnswerMs).then(() => signup(door, call));
    case 'recoverPassword':
      return pause(world.settings.slowAnswerMs).then(() => recoverPassword(door, call));
    case 'readStrings':
      return;
    case 'login':
      if (!door.mayLogin) throw refusals.badMethod();
      return login(door, call);
    case 'auth':
      return auth(door, call);
    default:
      throw unknownOr(world, request.name, refusals.notLoggedIn);
  }
}

function chooseDomain(door: Door, world: World, domain: string | undefined): string {
  if (domain === undefined) return door.domain;
  if (!world.accounts.isLocal(domain.toLowerCase())) throw refusals.unknownDomain();
  door.domain = domain.toLowerCase();
  return door.domain;
}

function listFeatures(door: Door, call: Call): void {
  const { settings } = call.world;
  const domain = chooseDomain(door, call.world, call.request.attrs['domain']);
  const mayStartTls = settings.tls !== null && settings.starttls && !door.isSecure;
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
  if (world.nonces.size >= MAX_NONCES && oldest.done !== true) world.nonces.delete(oldest.value);
  world.nonces.set(nonce, world.now());
  return nonce;
}

/** True once for each nonce handed out in the last minutes. */
export function useNonce(world: World, nonce: string): boolean {
  const madeAt = world.nonces.get(nonce);
  return world.nonces.delete(nonce) && madeAt !== undefined && world.now() - madeAt < NONCE_LIFE_MS;
}

function signup(door: Door, call: Call): void {
  const { world, request } = call;
  const domain = chooseDomain(door, world, request.attrs['domain']);
  const { userName, password, realName } = request.attrs;
  if (!world.settings.signup) throw refusals.noSignup();
  if (userName === undefined || !/^[^\s@/"'<>&]{1,128}$/.test(userName)) throw refusals.badParameter('userName');
  if (password === undefined || password === '') throw refusals.badParameter('password');
  if (world.accounts.find(userName, domain) !== undefined) throw refusals.accountExists();
  world.accounts.add(`${userName}@${domain}`, password, realName ?? '');
}

function recoverPassword(door: Door, call: Call): void {
  const { world, request } = call;
  const domain = chooseDomain(door, world, request.attrs['domain']);
  const account = world.accounts.find(request.attrs['userName'] ?? '', domain);
  if (account === undefined) throw refusals.unknownAccount();
  if (world.recovered.length < 1000) world.recovered.push(account.address);
}

function saslEnv(door: Door, world: World): SaslEnv {
  return {
    find: (name) => world.accounts.find(name, door.domain),
    domain: door.domain,
    rspauth: world.settings.dialect.rspauth === 'challenge',
  };
}

function login(door: Door, call: Call): void {
  const { world, request } = call;
  const { settings } = world;
  const method = request.attrs['method'];
  door.pending = null;
  if (!door.isSecure && !settings.loginWithoutTls) throw refusals.needsTls();
  const isClear = method === undefined || method === 'PLAIN' || method === 'LOGIN';
  if (isClear && !door.isSecure && !settings.plainWithoutTls) throw refusals.needsTls();
  const env = saslEnv(door, world);
  const { authData, password } = request.attrs;
  if (method === undefined) {
    if (!settings.dialect.methodless) throw refusals.badMethod();
    if (authData === undefined) throw refusals.badParameter('authData');
    if (password === undefined) throw refusals.badParameter('password');
    return admit(
      door,
      call,
      guarded(door, () => checkPassword(env, authData, password)),
    );
  }
  if (!settings.sasl.includes(method)) throw refusals.badMethod();
  switch (method) {
    case 'PLAIN':
      if (settings.dialect.plainIn === 'auth') return challenge(door, call, Buffer.alloc(0), plain(env));
      if (authData === undefined) throw refusals.badParameter('authData');
      return proceed(door, call, plain(env), authData);
    case 'CRAM-MD5': {
      const { challenge: bytes, next } = cramMd5(env);
      return challenge(door, call, bytes, next);
    }
    case 'DIGEST-MD5': {
      const { challenge: bytes, next } = digestMd5(env);
      return challenge(door, call, bytes, next);
    }
    default:
      throw refusals.badMethod();
  }
}

function auth(door: Door, call: Call): void {
  const { request, world } = call;
  const pending = door.pending;
  door.pending = null;
  if (pending === null) throw refusals.noChallenge();
  if (pending.id !== request.attrs['id']) {
    world.strict.note(null, 'auth: id differs from the id of login');
    throw refusals.noChallenge();
  }
  const value = request.attrs['value'];
  if (value === undefined) throw refusals.badParameter('value');
  proceed(door, call, pending.step, value);
}

function proceed(door: Door, call: Call, step: SaslStep, value: string): void {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw failed(door, refusals.badPassword());
  const outcome = guarded(door, () => step(Buffer.from(value, 'base64')));
  if ('account' in outcome) return admit(door, call, outcome.account);
  challenge(door, call, outcome.challenge, outcome.next);
}

function challenge(door: Door, call: Call, bytes: Buffer, step: SaslStep): void {
  door.pending = { id: call.request.attrs['id'] ?? '', step };
  call.data(el('challenge', { value: bytes.toString('base64') }));
  if (call.world.settings.dialect.loginResponses === 'one') call.hold();
}

function guarded<T>(door: Door, check: () => T): T {
  try {
    return check();
  } catch (error) {
    door.failedCount++;
    throw error;
  }
}

function failed(door: Door, refusal: Refusal): Refusal {
  door.failedCount++;
  return refusal;
}

function admit(door: Door, call: Call, account: Account): void {
  const version = call.world.settings.dialect.tcpLoginVersion ? (call.request.attrs['version'] ?? null) : null;
  const session = door.enter(account, version);
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
