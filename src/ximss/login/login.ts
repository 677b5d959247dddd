/**
 * From an open TCP connection to a logged-in session (docs/XIMSS.md 2.1-2.4): features, STARTTLS as the
 * configuration demands, the strongest login that both sides know, one challenge loop. A refused password, a second
 * factor, a licence limit each get their own Fault. It never falls back to a weaker login after the server has seen an
 * answer of ours, and never sends a clear-text password without TLS when TLS is required.
 */
import { randomBytes } from 'node:crypto';
import { Fault, toFault } from '../../core/fault';
import type { Dialect } from '../protocol/dialect';
import { attr, el, type Element } from '../wire/element';
import { listFeatures, readFeatures, readSession, type Features, type SessionInfo } from '../protocol/operations';
import { cramMd5Response, digestMd5Answer, plainMessage, type Credentials, type DigestAnswer } from './sasl';
import type { Dialogue } from '../protocol/request';
import type { Session } from '../session/session';
import type { TcpTransport } from '../wire/tcp';

export type LoginMethod = 'digest-md5' | 'cram-md5' | 'plain';

export interface LoginSettings {
  readonly host: string;
  readonly domain: string;
  readonly starttls: 'required' | 'preferred' | 'never';
  readonly login: 'auto' | LoginMethod;
  readonly dialect: Dialect;
}

/** Logs in. Rejects not-authorized, needs-user, too-many-sessions, no-tls, unavailable, timeout. */
export async function logIn(
  session: Session,
  transport: TcpTransport,
  credentials: Credentials,
  settings: LoginSettings,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const features = await negotiateTls(session, transport, settings, signal);
  const methods = methodsFor(settings.login, features.sasl, settings.dialect);
  for (const [index, method] of methods.entries()) {
    const attempt = new Attempt(session, credentials, settings, transport.isEncrypted);
    try {
      const info = readSession(await attempt.run(method));
      requireAdmission(info);
      return info;
    } catch (error) {
      const fault = toFault(error);
      const mayTryNext = fault.code === 'refused' && !attempt.hasAnswered && index < methods.length - 1;
      if (!mayTryNext) throw loginFault(fault);
    }
  }
  throw new Fault('not-authorized', { cause: 'no login method' });
}

/** Features and, as the configuration demands, TLS; the features are then those that were said inside TLS. Rejects no-tls. */
export async function negotiateTls(
  session: Session,
  transport: TcpTransport,
  settings: LoginSettings,
  signal: AbortSignal,
): Promise<Features> {
  const features = await featuresOf(session, settings);
  if (transport.isEncrypted || settings.starttls === 'never') return features;
  if (await startTls(session, transport, features, settings, signal)) return featuresOf(session, settings);
  if (settings.starttls === 'required') throw new Fault('no-tls');
  return features;
}

async function featuresOf(session: Session, settings: LoginSettings): Promise<Features> {
  try {
    return await session.perform(listFeatures(settings.domain));
  } catch (error) {
    const fault = toFault(error);
    if (fault.code === 'refused' && limitWords.test(fault.text)) throw loginFault(fault);
    if (fault.code !== 'refused') throw fault;
    return readFeatures(null);
  }
}

/** True when TLS is up, false when the server does not offer or refuses it. */
async function startTls(
  session: Session,
  transport: TcpTransport,
  features: Features,
  settings: LoginSettings,
  signal: AbortSignal,
): Promise<boolean> {
  if (!features.hasStarttls) return false;
  transport.expectTls(true);
  try {
    await session.request(el(settings.dialect.starttlsElement), 'repeatable');
  } catch (error) {
    const fault = toFault(error);
    if (fault.code !== 'refused') throw fault;
    transport.expectTls(false);
    return false;
  }
  await transport.startTls(signal);
  return true;
}

/** Methods to try, strongest first (dialect A3). The last of `auto` is clear text, which needs no advertisement. */
export function methodsFor(
  configured: 'auto' | LoginMethod,
  offered: readonly string[],
  dialect: Pick<Dialect, 'challengeMethods'>,
): readonly LoginMethod[] {
  if (configured !== 'auto') return [configured];
  const known: readonly LoginMethod[] = ['digest-md5', 'cram-md5'];
  const allowed = known.filter((method) => dialect.challengeMethods === 'all' || method === dialect.challengeMethods);
  const usable = allowed.filter((method) => offered.includes(method.toUpperCase()));
  return usable.length > 0 ? usable : ['plain'];
}

/** One try with one method. */
class Attempt implements Dialogue {
  /** True once something made from the password has left. */
  hasAnswered = false;
  private digest: DigestAnswer | null = null;
  private isProved = false;
  private failure: Fault | null = null;
  private method: LoginMethod = 'plain';
  private wasChallenged = false;
  private wasPlainRepeated = false;
  private found: Element | null = null;

  constructor(
    private readonly session: Session,
    private readonly credentials: Credentials,
    private readonly settings: LoginSettings,
    private readonly isEncrypted: boolean,
  ) {}

  async run(method: LoginMethod): Promise<Element | null> {
    this.method = method;
    try {
      await this.session.request(this.request(method), 'repeatable', this);
    } catch (error) {
      throw this.failure ?? error;
    }
    // With TLS the certificate has proved the server; in clear text its rspauth must (RFC 2831 section 2.1.3).
    if (this.digest !== null && !this.isProved && !this.isEncrypted) {
      throw new Fault('unavailable', { cause: 'the server did not prove that it knows the password' });
    }
    return this.found;
  }

  onData(document: Element): boolean {
    if (document.name === 'challenge') this.onChallenge(document);
    else if (document.name === 'session') this.found = document;
    else return false;
    return true;
  }

  /** One response ends the whole dialogue (2.3). Should a server answer `login` and `auth` each, the last is meant. */
  isComplete(): boolean {
    return !this.wasChallenged || this.found !== null;
  }

  private request(method: LoginMethod): Element {
    if (method !== 'plain') return el('login', { method: method.toUpperCase() });
    const { name, password } = this.credentials;
    this.hasAnswered = true;
    if (this.settings.dialect.clearTextLogin === 'method-less') return el('login', { authData: name, password });
    return el('login', { method: 'PLAIN', authData: plainMessage(this.credentials).toString('base64') });
  }

  private onChallenge(document: Element): void {
    this.wasChallenged = true;
    try {
      const response = this.respond(this.method, Buffer.from(attr(document, 'value') ?? '', 'base64'));
      this.hasAnswered = true;
      this.session.continue(el('auth', { value: response.toString('base64') }), this);
    } catch (error) {
      this.failure = toFault(error);
      this.session.destroy(this.failure);
    }
  }

  private respond(method: LoginMethod, challenge: Buffer): Buffer {
    if (method === 'cram-md5' && !this.hasAnswered) return cramMd5Response(this.credentials, challenge);
    if (method === 'plain' && !this.wasPlainRepeated) {
      this.wasPlainRepeated = true; // a server may ask for the message it did not look for in authData (A4)
      return plainMessage(this.credentials);
    }
    if (method !== 'digest-md5') throw new Fault('unavailable', { cause: 'a challenge too many' });
    if (this.digest === null) {
      const cnonce = randomBytes(16).toString('hex');
      this.digest = digestMd5Answer(this.credentials, challenge, this.settings.host, cnonce);
      return this.digest.response;
    }
    if (!this.digest.isProvedBy(challenge)) {
      throw new Fault('unavailable', { cause: 'the server does not know the password it asked for' });
    }
    this.isProved = true;
    return Buffer.alloc(0);
  }
}

/** Throws needs-user when the account has something to do before it may be used (2.4). */
export function requireAdmission(info: SessionInfo): void {
  if (info.mustChangePassword || info.needsSecondFactor) throw new Fault('needs-user');
}

const limitWords = /licen[cs]e|too many|limit/i;
const passingWords = /temporar|try (?:again|later)|overload|busy|unavailable|time-?out/i;

/** What a refused login means. Numbers are not documented (assumption A1); only the words can tell a full house. */
export function loginFault(fault: Fault): Fault {
  if (fault.code !== 'refused') return fault;
  const detail = { text: fault.text, cause: fault, ...(fault.number === undefined ? {} : { number: fault.number }) };
  if (limitWords.test(fault.text)) return new Fault('too-many-sessions', { cause: fault });
  if (passingWords.test(fault.text)) return new Fault('unavailable', detail);
  return new Fault('not-authorized', detail);
}
