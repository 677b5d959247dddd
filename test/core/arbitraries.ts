/** Generators for the core's tests: addresses and texts that look for trouble. */
import fc from 'fast-check';
import { parseAccount, parseJid, type Account, type BareJid } from '../../src/core/address';
import { toFault, type FaultCode } from '../../src/core/fault';

/** Built from the pieces of XEP-0106 escapes, so that near collisions are common. */
const nastyPiece = fc.constantFrom(
  ...['\\', '5c', '40', '20', '2f', '3a', '27', '5', 'c', '4', '0', '2', 'a', 'B', '.', '-', '+', '%', '~', '#', '='],
  ...[
    '"',
    '&',
    "'",
    '/',
    ':',
    '<',
    '>',
    '\u0301',
    '\u0327',
    '\u0338',
    'é',
    'Ж',
    'И\u0306',
    'σ',
    'Σ',
    'İ',
    'ı',
    'ö',
    '漢',
  ],
);
const nastyLocal = fc.array(nastyPiece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));

export const homeDomain = 'example.net';
export const componentDomain = 'ximss.example.org';
const domain = fc.constantFrom(
  homeDomain,
  'Example.NET',
  componentDomain,
  'other.net',
  'a.b',
  'пример.рф',
  '[::1]',
  'net',
);

/** Texts that are nearly always accounts, some not. */
export const accountText = fc.tuple(nastyLocal, domain).map(([local, at]) => `${local}@${at}`);

export const account: fc.Arbitrary<Account> = accountText
  .map((text) => parseAccount(text))
  .filter((parsed) => parsed !== null);

/** JIDs on the component's domain, made without the mapping. */
export const ghostLike: fc.Arbitrary<BareJid> = nastyLocal
  .map((local) => parseJid(`${local}@${componentDomain}`)?.bare ?? null)
  .filter((parsed) => parsed !== null);

/** Any UTF-16, lone surrogates included. */
export const anyText = fc
  .string({ unit: 'binary', maxLength: 60 })
  .chain((text) => fc.constantFrom('', '\ud800', '\udc00', '\0', '\ufffe', '\u001b').map((bad) => bad + text + bad));

export function mustAccount(text: string): Account {
  const parsed = parseAccount(text);
  if (parsed === null) throw new Error(`not an account: ${text}`);
  return parsed;
}

export function mustJid(text: string): BareJid {
  const parsed = parseJid(text);
  if (parsed === null) throw new Error(`not a JID: ${text}`);
  return parsed.bare;
}

/** The code of the Fault that the call throws, null when it does not throw. */
export function faultCodeOf(call: () => unknown): FaultCode | null {
  try {
    call();
    return null;
  } catch (thrown) {
    return toFault(thrown).code;
  }
}
