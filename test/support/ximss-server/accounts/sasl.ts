/**
 * Server side of the SASL mechanisms, pure: bytes in, bytes out, Refusal on failure. RFC 4616 PLAIN, RFC 2195 CRAM-MD5,
 * RFC 2831 DIGEST-MD5. GSSAPI and LOGIN are not implemented: no XIMSS client was seen using them.
 *
 * DIGEST-MD5 on the XIMSS wire (assumption A3: same challenge/auth loop, payloads unchanged): the first `challenge` holds
 * realm, nonce, qop="auth", algorithm=md5-sess, charset=utf-8; the `auth` holds the digest-response; a second `challenge`
 * holds `rspauth=…`; the client confirms it with an empty `auth`; then session and the one response.
 * With dialect.rspauth = 'none' the session follows the digest-response at once.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { refusals } from '../refusal';
import type { Account } from './store';

export interface SaslEnv {
  /** Looks an account up by `user` or `user@domain`. */
  find(name: string): Account | undefined;
  domain: string;
  rspauth: boolean;
  /** in which passwords of DIGEST-MD5 are hashed */
  charsets: readonly ('latin1' | 'utf8')[];
}

export type SaslStep = (response: Buffer) => { challenge: Buffer; next: SaslStep } | { account: Account };

const md5 = (data: string | Buffer): Buffer => createHash('md5').update(data).digest();

function usable(account: Account | undefined): Account {
  if (account === undefined || account.isDisabled) throw refusals.badPassword();
  return account;
}

/** Clear-text check, also for the method-less login. Throws Refusal. */
export function checkPassword(env: Pick<SaslEnv, 'find'>, name: string, password: string): Account {
  const account = usable(env.find(name));
  if (account.password !== password) throw refusals.badPassword();
  return account;
}

/** RFC 4616; an authorization identity other than the own name is refused (assumption A5). */
export function plain(env: SaslEnv): SaslStep {
  return (response) => {
    const parts = response.toString('utf8').split('\0');
    const [authzid, name, password] = parts;
    if (parts.length !== 3 || name === undefined || password === undefined) throw refusals.badPassword();
    const account = checkPassword(env, name, password);
    if (authzid !== undefined && authzid !== '' && env.find(authzid) !== account) throw refusals.badPassword();
    return { account };
  };
}

/** RFC 2195. */
export function cramMd5(env: SaslEnv): { challenge: Buffer; next: SaslStep } {
  const challenge = `<${randomBytes(9).toString('hex')}.${Date.now()}@${env.domain}>`;
  const next: SaslStep = (response) => {
    const text = response.toString('utf8');
    const space = text.lastIndexOf(' ');
    const account = usable(env.find(text.slice(0, Math.max(space, 0))));
    const expected = createHmac('md5', account.password).update(challenge).digest('hex');
    if (text.slice(space + 1) !== expected) throw refusals.badPassword();
    return { account };
  };
  return { challenge: Buffer.from(challenge), next };
}

/** RFC 2831, qop auth only. */
export function digestMd5(env: SaslEnv): { challenge: Buffer; next: SaslStep } {
  const nonce = randomBytes(16).toString('hex');
  const challenge = `realm="${env.domain}",nonce="${nonce}",qop="auth",algorithm=md5-sess,charset=utf-8`;
  const next: SaslStep = (response) => {
    const fields = digestFields(response.toString('utf8'));
    const get = (name: string): string => fields.get(name) ?? '';
    const name = get('username');
    const account = usable(env.find(name.includes('@') || get('realm') === '' ? name : `${name}@${get('realm')}`));
    const isSound = get('nonce') === nonce && get('nc') === '00000001' && (fields.get('qop') ?? 'auth') === 'auth';
    if (!isSound || get('cnonce') === '' || !get('digest-uri').includes('/')) throw refusals.badPassword();
    if (fields.has('authzid') && env.find(get('authzid')) !== account) throw refusals.badPassword();
    const session = [nonce, get('cnonce'), ...(fields.has('authzid') ? [get('authzid')] : [])].join(':');
    // RFC 2831 2.1.2.1 hashes names that fit ISO 8859-1 in that charset; many clients use UTF-8 always. Both are taken.
    for (const charset of env.charsets) {
      const secret = md5(Buffer.from(`${name}:${get('realm')}:${account.password}`, charset));
      const ha1 = md5(Buffer.concat([secret, Buffer.from(':' + session)])).toString('hex');
      const proof = (a2: string): string =>
        md5(`${ha1}:${nonce}:00000001:${get('cnonce')}:auth:${md5(a2).toString('hex')}`).toString('hex');
      if (get('response') !== proof(`AUTHENTICATE:${get('digest-uri')}`)) continue;
      if (!env.rspauth) return { account };
      const rspauth = Buffer.from(`rspauth=${proof(`:${get('digest-uri')}`)}`);
      return { challenge: rspauth, next: (last) => confirmed(last, account) };
    }
    throw refusals.badPassword();
  };
  return { challenge: Buffer.from(challenge), next };
}

function confirmed(last: Buffer, account: Account): { account: Account } {
  if (last.length > 0) throw refusals.badPassword();
  return { account };
}

function digestFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const match of text.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]*))\s*(?:,|$)/g)) {
    const value = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '';
    if (match[1] !== undefined) fields.set(match[1].toLowerCase(), value);
  }
  return fields;
}
