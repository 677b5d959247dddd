/**
 * One login over TCP as a dialogue (docs/XIMSS.md 2.3): the request, challenges and answers, the session. It decides
 * nothing about what follows a refusal; that is login.ts.
 */
import { randomBytes } from 'node:crypto';
import { Fault, toFault } from '../../core/fault';
import type { Dialogue } from '../protocol/request';
import type { Session } from '../session/session';
import { attr, el, type Element } from '../wire/element';
import {
  cramMd5Response,
  digestMd5Answer,
  plainMessage,
  type Credentials,
  type DigestAnswer,
  type Hashing,
} from './sasl';
import type { LoginMethod, LoginSettings, LoginWay } from './types';

/** One try in one way. A server that proves itself must do so rightly (RFC 2831 section 2.1.3); one that ends without is accepted. */
export class LoginAttempt implements Dialogue {
  /** True once something made from the password has left. */
  hasAnswered = false;
  private digest: DigestAnswer | null = null;
  private failure: Fault | null = null;
  private method: LoginMethod = 'plain';
  private hashing: Hashing = 'standard';
  private wasChallenged = false;
  private wasPlainRepeated = false;
  private found: Element | null = null;

  constructor(
    private readonly session: Session,
    private readonly credentials: Credentials,
    private readonly settings: LoginSettings,
  ) {}

  /** The `session` document; null when the server sent none. Rejects `refused` with the server's words, `unavailable`. */
  async run({ method, hashing }: LoginWay): Promise<Element | null> {
    this.method = method;
    this.hashing = hashing;
    try {
      await this.session.request(this.request(method), 'repeatable', this);
    } catch (error) {
      throw this.failure ?? error;
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
    if (method === 'cram-md5' && !this.hasAnswered) {
      return cramMd5Response(this.credentials, challenge, this.hashing);
    }
    if (method === 'plain' && !this.wasPlainRepeated) {
      this.wasPlainRepeated = true; // a server may ask for the message it did not look for in authData (A4)
      return plainMessage(this.credentials);
    }
    if (method !== 'digest-md5') throw new Fault('unavailable', { cause: 'a challenge too many' });
    if (this.digest === null) {
      const cnonce = randomBytes(16).toString('hex');
      this.digest = digestMd5Answer(this.credentials, challenge, {
        host: this.settings.host,
        cnonce,
        hashing: this.hashing,
      });
      return this.digest.response;
    }
    if (!this.digest.isProvedBy(challenge)) {
      throw new Fault('unavailable', { cause: 'the server does not know the password it asked for' });
    }
    return Buffer.alloc(0);
  }
}
