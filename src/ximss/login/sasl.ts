/**
 * Client side of the SASL mechanisms, pure: text and bytes in, bytes out. RFC 4616 PLAIN, RFC 2195 CRAM-MD5, RFC 2831
 * DIGEST-MD5 with qop=auth. It sees passwords and keeps none; the `cnonce` is an argument. Refuses a server that
 * answers DIGEST-MD5 with a wrong proof of its own knowledge (`rspauth`).
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../core/fault';

export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** The RFC 4616 message, without authorization identity. */
export function plainMessage({ name, password }: Credentials): Buffer {
  return Buffer.from(`\0${name}\0${password}`, 'utf8');
}

/**
 * How letters outside ASCII are hashed. standard: as the RFC says, which for DIGEST-MD5 is ISO 8859-1 where the text fits
 * and for CRAM-MD5 UTF-8. other: what servers do that read it otherwise, UTF-8 always and ISO 8859-1.
 */
export type Hashing = 'standard' | 'other';

/** RFC 2195: name, space, lower-case hex HMAC of the challenge. */
export function cramMd5Response(
  { name, password }: Credentials,
  challenge: Uint8Array,
  hashing: Hashing = 'standard',
): Buffer {
  return Buffer.from(`${name} ${hmacMd5Hex(password, challenge, hashing)}`, 'utf8');
}

/** HMAC-MD5 in lower-case hex, key = password; also the `authData` of a login by nonce (docs/XIMSS.md 3.1). */
export function hmacMd5Hex(password: string, text: Uint8Array | string, hashing: Hashing = 'standard'): string {
  const key = Buffer.from(password, hashing === 'standard' ? 'utf8' : 'latin1');
  return createHmac('md5', key).update(text).digest('hex');
}

export interface DigestAnswer {
  readonly response: Buffer;
  /** True when the server's last challenge proves that it knows the password too (RFC 2831 section 2.1.3). */
  isProvedBy(challenge: Uint8Array): boolean;
}

export interface DigestOptions {
  /** the name of the server, for digest-uri */
  readonly host: string;
  /** fresh randomness */
  readonly cnonce: string;
  readonly hashing?: Hashing;
}

/**
 * RFC 2831 section 2.1.2. Throws `unavailable` when the challenge is none, or offers no qop=auth.
 */
export function digestMd5Answer(
  { name, password }: Credentials,
  challenge: Uint8Array,
  { host, cnonce, hashing = 'standard' }: DigestOptions,
): DigestAnswer {
  const { fields, realms } = parseDigest(Buffer.from(challenge).toString('utf8'));
  const nonce = fields.get('nonce');
  const qops = (fields.get('qop') ?? 'auth').split(/[\s,]+/);
  const isSound = nonce !== undefined && qops.includes('auth') && fields.get('algorithm')?.toLowerCase() === 'md5-sess';
  if (!isSound) throw new Fault('unavailable', { cause: 'a DIGEST-MD5 challenge that cannot be answered' });
  const realm = realms[0] ?? name.slice(name.indexOf('@') + 1);
  const isUtf8 = hashing === 'other' || fields.get('charset')?.toLowerCase() === 'utf-8';
  const hashed = (text: string): Buffer => (hashing === 'other' ? Buffer.from(text, 'utf8') : part(text, isUtf8));
  const uri = `ximss/${host}`;
  const secret = md5(
    Buffer.concat([hashed(name), Buffer.from(':'), hashed(realm), Buffer.from(':'), hashed(password)]),
  );
  const ha1 = md5(Buffer.concat([secret, Buffer.from(`:${nonce}:${cnonce}`)])).toString('hex');
  const proof = (a2: string): string =>
    md5(`${ha1}:${nonce}:00000001:${cnonce}:auth:${md5(a2).toString('hex')}`).toString('hex');
  const said = [
    ...(isUtf8 ? ['charset=utf-8'] : []),
    `username=${quote(name)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    'nc=00000001',
    `cnonce=${quote(cnonce)}`,
    `digest-uri=${quote(uri)}`,
    `response=${proof(`AUTHENTICATE:${uri}`)}`,
    'qop=auth',
  ];
  const isProvedBy = (last: Uint8Array): boolean => {
    const given = parseDigest(Buffer.from(last).toString('utf8')).fields.get('rspauth') ?? '';
    return isSameText(given, proof(`:${uri}`));
  };
  return { response: Buffer.from(said.join(','), isUtf8 ? 'utf8' : 'latin1'), isProvedBy };
}

const md5 = (data: string | Uint8Array): Buffer => createHash('md5').update(data).digest();

/** RFC 2831 section 2.1.2.1: what fits ISO 8859-1 is hashed in that charset, the rest in UTF-8. */
function part(text: string, isUtf8: boolean): Buffer {
  return Buffer.from(text, isUtf8 && /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1');
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

function isSameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

const pair = /\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]*))\s*(?:,|$)/gs;

function parseDigest(text: string): { fields: Map<string, string>; realms: string[] } {
  const fields = new Map<string, string>();
  const realms: string[] = [];
  for (const [, key = '', quoted, bare = ''] of text.slice(0, 2048).matchAll(pair)) {
    const value = quoted === undefined ? bare : quoted.replace(/\\(.)/gs, '$1');
    const name = key.toLowerCase();
    if (name === 'realm') realms.push(value);
    if (!fields.has(name)) fields.set(name, value);
  }
  return { fields, realms };
}
