/**
 * Seals passwords at rest: AES-256-GCM (NIST SP 800-38D), a fresh 96-bit nonce each, the Jabber user as associated data,
 * so that a sealed password moved to another user does not open. The key file holds one key per line (32 bytes, base64):
 * the first seals, all open, so a key is changed by putting a new line above the old one. A seal names its key; a missing
 * key is told from a damaged seal. Nothing here logs or shows a key or a password.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log, Sealing } from '../../bridge/ports';
import { Fault, toFault } from '../../core/fault';

export interface Sealer {
  /** Sealed text for this user. Never throws. */
  seal(user: string, secret: string): string;
  /** The secret again. Throws Fault `internal`: its text says whether the key is missing or the seal is damaged. */
  open(user: string, sealed: string): string;
  /** Is the key there that sealed this text? True also for a text that is no seal at all. */
  knowsKey(sealed: string): boolean;
  /** names of the keys, which tell nothing of them; the one that seals is the first */
  readonly keyIds: readonly string[];
}

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const form = /^v1:([0-9a-f]{8}):([A-Za-z0-9_-]+)$/;

/**
 * Reads the key file; with `path` null it is `dataDir/secret.key`, and made (0600) when it is missing.
 * Throws Fault `store-away` when it cannot be read, holds no key, or is open to other users.
 */
export function openSealer(options: {
  readonly path: string | null;
  readonly dataDir: string;
  readonly log: Log;
}): Sealer {
  const file = options.path ?? join(options.dataDir, 'secret.key');
  if (options.path === null) makeKeyFile(file, options.log);
  checkMode(file, options.log);
  return makeSealer(parseKeys(file));
}

/** A sealer of keys; the first one seals. Throws when there is none. */
export function makeSealer(keys: readonly Buffer[]): Sealer {
  const byId = new Map(keys.map((key) => [keyId(key), key]));
  const [first] = keys;
  if (first === undefined) throw new Fault('store-away', { text: 'There is no key to seal passwords with.' });
  const ownId = keyId(first);

  function seal(user: string, secret: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', first ?? '', nonce).setAAD(Buffer.from(user));
    const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `v1:${ownId}:${sealed.toString('base64url')}`;
  }

  function open(user: string, text: string): string {
    const [, id, body] = form.exec(text) ?? [];
    if (id === undefined || body === undefined) throw new Fault('internal', { text: 'A stored password is damaged.' });
    const key = byId.get(id);
    if (key === undefined)
      throw new Fault('internal', { text: `The key ${id} that sealed a password is not in the key file.` });
    const bytes = Buffer.from(body, 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(user)).setAuthTag(bytes.subarray(-tagBytes));
      return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
    } catch (thrown) {
      throw new Fault('internal', { text: 'A stored password is damaged, or belongs to another user.', cause: thrown });
    }
  }

  const knowsKey = (text: string): boolean => {
    const id = form.exec(text)?.[1];
    return id === undefined || byId.has(id);
  };
  return { seal, open, knowsKey, keyIds: [...byId.keys()] };
}

/** The same for whole texts that leave the store; what cannot be opened is the fault of whoever brings it. */
export function makeSealing(sealer: Sealer): Sealing {
  return {
    seal: (purpose, text) => sealer.seal(purpose, text),
    open(purpose, sealed) {
      if (!sealer.knowsKey(sealed))
        throw new Fault('not-acceptable', { reason: 'sealKeyMissing', value: sealed.split(':')[1] ?? '' });
      try {
        return sealer.open(purpose, sealed);
      } catch (thrown) {
        throw new Fault('not-acceptable', { reason: 'sealDamaged', cause: toFault(thrown) });
      }
    },
  };
}

/** Names a key without telling anything of it. */
function keyId(key: Buffer): string {
  return createHash('sha256').update('key id').update(key).digest('hex').slice(0, 8);
}

/** Made whole in a file beside it and linked into place, so that two starting processes agree on one. */
function makeKeyFile(file: string, log: Log): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (statSync(file, { throwIfNoEntry: false })) return;
    writeFileSync(draft, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
    chmodSync(draft, 0o600);
    linkSync(draft, file);
    log.info({ file }, 'a key to seal passwords was made, keep a copy of it');
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw unusable(file, `cannot be made${forUser()}`, thrown);
  } finally {
    if (existsSync(draft)) rmSync(draft, { force: true });
  }
}

function checkMode(file: string, log: Log): void {
  let mode: number;
  try {
    mode = statSync(file).mode;
  } catch (thrown) {
    throw unusable(file, codeOf(thrown) === 'ENOENT' ? 'does not exist' : `cannot be read${forUser()}`, thrown);
  }
  if ((mode & 0o007) !== 0) throw unusable(file, `is open to every user of this machine; run: chmod 600 ${file}`, null);
  if ((mode & 0o070) !== 0) log.warn({ file }, 'the key file is open to its group, mode 0600 is better');
}

/** What the operating system says of a failed call. */
function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : null;
}

/** What to do about a file that this user may not use. */
function forUser(): string {
  const id = process.geteuid?.() ?? 'unknown';
  return ` by the user who runs the bridge (user id ${id}): give it and its directory to that user, or set dataDir or secretKeyFile to what that user may use`;
}

function parseKeys(file: string): readonly Buffer[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw unusable(file, `cannot be read${forUser()}`, thrown);
  }
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => Buffer.from(line, 'base64'));
  if (keys.length === 0 || keys.some((key) => key.length !== keyBytes)) {
    throw unusable(file, 'must hold one key of 32 bytes in base64 per line (openssl rand -base64 32)', null);
  }
  return keys;
}

function unusable(file: string, why: string, cause: unknown): Fault {
  return new Fault('store-away', { text: `The key file ${file} ${why}.`, cause });
}
