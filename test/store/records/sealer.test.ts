/** Sealing of passwords and the key file. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Log } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';
import { makeSealer, openSealer } from '../../../src/store/records/sealer';
import { silentLog } from '../../support/silence';
import { makeTempDir, removeTempDir } from '../../support/temp';

const key = (byte: number): Buffer => Buffer.alloc(32, byte);
const user = 'juliet@x.org';

describe('seals', () => {
  const sealer = makeSealer([key(1)]);

  test('any secret opens again for its user, and no two seals are equal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (secret, owner) => {
        const sealed = sealer.seal(owner, secret);
        expect(sealer.open(owner, sealed)).toBe(secret);
        expect(sealer.seal(owner, secret)).not.toBe(sealed);
        expect(sealed).toMatch(/^v1:[0-9a-f]{8}:[\w-]+$/);
      }),
    );
  });

  test('the secret is not in the seal, in any encoding of it', () => {
    const sealed = sealer.seal(user, 'correct horse battery');
    const body = Buffer.from(sealed.split(':')[2] ?? '', 'base64url');
    expect(sealed + body.toString('latin1')).not.toMatch(/horse/);
  });

  const good = sealer.seal(user, 'secret');
  const flipped = `${good.slice(0, 30)}${good[30] === 'A' ? 'B' : 'A'}${good.slice(31)}`;
  test.each([
    ['for another user', 'romeo@x.org', good, /belongs to another user/],
    ['with one bit changed', user, flipped, /damaged/],
    ['cut short', user, good.slice(0, 20), /damaged/],
    ['with nothing in it', user, `${good.slice(0, 12)}AA`, /damaged/],
    ['that is none', user, 'secret', /damaged/],
    ['of another key', user, makeSealer([key(2)]).seal(user, 'secret'), /key [0-9a-f]{8} .* is not in the key file/],
  ])('a seal %s does not open, and the fault says why', (_, owner, sealed, text) => {
    expect(() => sealer.open(owner, sealed)).toThrow(Fault);
    expect(() => sealer.open(owner, sealed)).toThrow(text);
  });

  test('a new key seals, the old one still opens; a seal of a key that is gone is told from a damaged one', () => {
    const changed = makeSealer([key(2), key(1)]);
    expect(changed.open(user, good)).toBe('secret');
    expect(changed.seal(user, 'x').slice(0, 12)).not.toBe(good.slice(0, 12));
    expect(makeSealer([key(3)]).knowsKey(good)).toBe(false);
    expect(changed.knowsKey(good)).toBe(true);
    expect(changed.knowsKey('nonsense')).toBe(true);
  });

  test('no key, no sealer', () => {
    expect(() => makeSealer([])).toThrow(Fault);
  });
});

describe('the key file', () => {
  let dir: string;
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_, message) => void warnings.push(message) };
  beforeEach(() => {
    dir = makeTempDir('seal');
    warnings.length = 0;
  });
  afterEach(() => removeTempDir(dir));
  const file = (name: string, text: string, mode = 0o600): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const line = key(7).toString('base64');

  test('is made once under the data directory, for its owner alone', () => {
    const dataDir = join(dir, 'deep', 'data');
    const sealed = openSealer({ path: null, dataDir, log }).seal(user, 'secret');
    const path = join(dataDir, 'secret.key');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, 'utf8');
    expect(openSealer({ path: null, dataDir, log }).open(user, sealed)).toBe('secret');
    expect(openSealer({ path, dataDir: '/nowhere', log }).open(user, sealed)).toBe('secret');
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(Buffer.from(text, 'base64')).toHaveLength(32);
  });

  test('may hold comments and older keys', () => {
    const path = file('k', `# ours\n${line}\n\n${key(8).toString('base64')}\r\n`);
    const old = makeSealer([key(8)]).seal(user, 'secret');
    expect(openSealer({ path, dataDir: dir, log }).open(user, old)).toBe('secret');
  });

  test.each<[string, () => string, RegExp]>([
    ['that does not exist is not made when it is named', () => join(dir, 'none'), /does not exist/],
    ['that is empty', () => file('k', ''), /openssl rand/],
    ['with a key too short', () => file('k', 'AAAA\n'), /32 bytes/],
    ['that everybody can read', () => file('k', line, 0o604), /chmod 600/],
    ['that everybody can write', () => file('k', line, 0o602), /chmod 600/],
    ['that is a directory', () => dir, /cannot be read|open to every user/],
  ])('%s: refused, and the text says what to do', (_, make, text) => {
    const path = make();
    const open = (): unknown => openSealer({ path, dataDir: dir, log });
    expect(open).toThrow(Fault);
    expect(open).toThrow(text);
  });

  const asOther = process.getuid?.() === 0 ? test : test.skip; // only root can become somebody else
  asOther.each<[string, () => string | null, RegExp]>([
    [
      'that belongs to somebody else',
      () => file('k', line),
      /key file .*\/k cannot be read by the user .*12345.*secretKeyFile/,
    ],
    ['in a directory of somebody else', () => file('k', line), /key file .*\/k cannot be read by the user .*12345/],
    ['that cannot be made', () => null, /key file .*secret\.key cannot be (made|read) by the user .*12345.*dataDir/],
  ])(
    '%s ended in "the gateway made a mistake" under an arbitrary user id: it is named, with what to do',
    (what, make, text) => {
      const path = make();
      chmodSync(dir, what.includes('directory') ? 0o700 : 0o755);
      process.seteuid?.(12_345);
      try {
        const open = (): unknown => openSealer({ path, dataDir: dir, log });
        expect(open).toThrow(Fault);
        expect(open).toThrow(text);
      } finally {
        process.seteuid?.(0);
      }
    },
  );

  test('that its group can read is used, with a warning', () => {
    openSealer({ path: file('k', line, 0o640), dataDir: dir, log });
    expect(warnings).toHaveLength(1);
  });
});
