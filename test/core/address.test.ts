import fc from 'fast-check';
import {
  domainOf,
  escapeLocal,
  localOf,
  makeAddressBook,
  parseAccount,
  parseDomain,
  parseJid,
  unescapeLocal,
} from '../../src/core/address';
import { gatewayPeer } from '../../src/core/model';
import {
  account,
  accountText,
  anyText,
  componentDomain,
  faultCodeOf,
  ghostLike,
  homeDomain,
  mustAccount,
  mustJid,
} from './arbitraries';

const book = makeAddressBook({ componentDomain, homeDomain });
const long = (bytes: number): string => 'x'.repeat(bytes);

describe('parseJid', () => {
  test.each<[string, string, string | null, string | null]>([
    ['a full JID', 'juliet@example.org/balcony', 'juliet@example.org', 'balcony'],
    ['a domain', 'example.org', 'example.org', null],
    ['a domain with a resource', 'example.org/x', 'example.org', 'x'],
    ['a final dot is dropped', 'juliet@example.org.', 'juliet@example.org', null],
    ['capitals are folded, not in the resource', 'Juliet@EXAMPLE.org/Balcony', 'juliet@example.org', 'Balcony'],
    ['the first slash ends the bare part', 'a@b/c/d@e', 'a@b', 'c/d@e'],
    ['an at sign after the slash belongs to the resource', 'b/c@d', 'b', 'c@d'],
    ['Cyrillic is folded', 'ПЁТР@Пример.РФ', 'пётр@пример.рф', null],
    ['a decomposed letter is composed', 'e\u0301@b', '\u00e9@b', null],
    ['fullwidth letters become plain', 'ｊＵliet@b', 'juliet@b', null],
    ['a sigma is folded the same way anywhere', 'ΑΣ@b', 'ασ@b', null],
    ['an ideographic full stop is a dot', 'a@b\u3002c', 'a@b.c', null],
    ['an A-label stays what it is', 'a@XN--e1afmkfd.org', 'a@xn--e1afmkfd.org', null],
    ['IPv4', 'a@192.0.2.1', 'a@192.0.2.1', null],
    ['IPv6', 'a@[2001:DB8::1]/x', 'a@[2001:db8::1]', 'x'],
    ['a single label', 'a@localhost', 'a@localhost', null],
    ['an escaped local part stays escaped', 'o\\27neil@b', 'o\\27neil@b', null],
    ['the hex of an escape is folded', 'a\\2Fb@b', 'a\\2fb@b', null],
    ['other spaces in a resource become plain', 'a@b/c\u00a0d', 'a@b', 'c d'],
    ['emoji in a resource', 'a@b/😀', 'a@b', '😀'],
    ['a local part of 1023 bytes', `${long(1023)}@b`, `${long(1023)}@b`, null],
  ])('%s', (_, text, bare, resource) => {
    expect(parseJid(text)).toEqual({ bare, resource });
  });

  test.each([
    ['nothing', ''],
    ['an empty local part', '@b'],
    ['an empty resource', 'a@b/'],
    ['an empty domain', 'a@'],
    ['only a slash', '/'],
    ['two at signs', 'a@b@c'],
    ['a space', 'a b@c'],
    ['a quote', 'a"b@c'],
    ['an apostrophe', "a'b@c"],
    ['an ampersand', 'a&b@c'],
    ['a colon', 'a:b@c'],
    ['angle brackets', '<a>@c'],
    ['a control character', 'a\u0007@c'],
    ['a lone surrogate', 'a\ud800@c'],
    ['a lone surrogate in the resource', 'a@c/\udc00'],
    ['NUL in the resource', 'a@c/\0'],
    ['a soft hyphen', 'a\u00adb@c'],
    ['a zero width joiner', 'a\u200db@c'],
    ['a variation selector', 'a\ufe0fb@c'],
    ['a ligature', 'ﬁ@c'],
    ['a no-break space', 'a\u00a0b@c'],
    ['an empty label', 'a@b..c'],
    ['two final dots', 'a@b..'],
    ['a label that begins with a hyphen', 'a@-b.c'],
    ['a label that begins with a mark', 'a@\u0301b.c'],
    ['a label of 64', `a@${long(64)}.c`],
    ['a domain with a space', 'a@b c'],
    ['an open bracket', 'a@[::1'],
    ['an IPv6 literal with a zone', 'a@[fe80::1%eth0]'],
    ['a bracketed name', 'a@[example.org]'],
    ['a local part of 1024 bytes', `${long(1024)}@b`],
    ['a local part of 1024 bytes in 512 letters', `${'ж'.repeat(512)}@b`],
    ['a resource of 1024 bytes', `a@b/${long(1024)}`],
    ['a domain of 1024 bytes', `a@${`${long(31)}.`.repeat(32)}y`],
  ])('refuses %s', (_, text) => {
    expect(parseJid(text)).toBeNull();
  });

  test('prepared is prepared: a second pass changes nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          accountText,
          fc.tuple(accountText, anyText).map(([a, r]) => `${a}/${r}`),
        ),
        (text) => {
          const jid = parseJid(text);
          fc.pre(jid !== null);
          const again = jid.resource === null ? jid.bare : `${jid.bare}/${jid.resource}`;
          expect(parseJid(again)).toEqual(jid);
          expect(jid.bare).not.toMatch(/\s/);
        },
      ),
    );
  });

  test('any text is no address, or one that is read again as itself', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const [jid, account, domain] = [parseJid(text), parseAccount(text), parseDomain(text)];
        if (jid !== null) expect(parseJid(jid.bare)).toEqual({ bare: jid.bare, resource: null });
        if (account !== null) expect(parseAccount(account)).toBe(account);
        if (domain !== null) expect(parseDomain(domain)).toBe(domain);
      }),
    );
  });

  test('a bare JID falls into local part and domain', () => {
    expect([localOf(mustJid('a@b.c')), domainOf(mustJid('a@b.c'))]).toEqual(['a', 'b.c']);
    expect([localOf(mustJid('b.c')), domainOf(mustJid('b.c'))]).toEqual([null, 'b.c']);
    expect([localOf(gatewayPeer), domainOf(gatewayPeer)]).toEqual([null, '']);
  });
});

describe('parseAccount', () => {
  test.each<[string, string, string | null]>([
    ['plain', 'romeo@example.net', 'romeo@example.net'],
    ['folded', 'ROMEO@Example.NET', 'romeo@example.net'],
    ['detail behind a plus', 'supportchat+12@example.net', 'supportchat+12@example.net'],
    ['characters that a JID cannot have', '"o\'neil/x:y<z>&"@other.net', '"o\'neil/x:y<z>&"@other.net'],
    ['a backslash', 'a\\40b@example.net', 'a\\40b@example.net'],
    ['Cyrillic', 'Пётр@пример.рф', 'пётр@пример.рф'],
    ['no domain', 'romeo', null],
    ['no name', '@example.net', null],
    ['nothing, which is the gateway and not an account', '', null],
    ['two at signs', 'a@b@c', null],
    ['a space', 'a b@c', null],
    ['a mark that would join the escape before it', 'a<\u0327b@c', null],
    ['a ligature, which servers take apart', 'ﬁ@c', null],
    ['a fullwidth letter, which servers make plain', 'ｒomeo@c', null],
    ['a sharp s, which old servers write ss', 'straße@c', null],
    ['a final sigma, which old servers write as another', 'ας@c', null],
    ['too long for a local part once escaped', `${'/'.repeat(338)}@other.net`, null],
    ['just fitting', `${'/'.repeat(337)}@other.ne`, `${'/'.repeat(337)}@other.ne`],
  ])('%s', (_, text, expected) => {
    expect(parseAccount(text)).toBe(expected);
  });

  test('is idempotent', () => {
    fc.assert(fc.property(account, (parsed) => expect(parseAccount(parsed)).toBe(parsed)));
  });
});

describe('XEP-0106', () => {
  test.each([
    ['space is not a big problem inside', 'space cadet', 'space\\20cadet'],
    ['a quotation mark', 'call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
    ['an ampersand', 'at&t guy', 'at\\26t\\20guy'],
    ['an apostrophe', "d'artagnan", 'd\\27artagnan'],
    ['a slash', '/.fanboy', '\\2f.fanboy'],
    ['colons', '::foo::', '\\3a\\3afoo\\3a\\3a'],
    ['angle brackets', '<foo>', '\\3cfoo\\3e'],
    ['an at sign', 'user@host', 'user\\40host'],
    ['a backslash that starts no escape stays', 'c:\\net', 'c\\3a\\net'],
    ['two of them as well', 'c:\\\\net', 'c\\3a\\\\net'],
    ['a backslash that looks like an escape', 'c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
    ['and one that is one', 'c:\\5commas', 'c\\3a\\5c5commas'],
    ['an escaped text once more', 'a\\5c40b', 'a\\5c5c40b'],
    ['a backslash before something escaped', '\\@', '\\\\40'],
  ])('%s', (_, plain, escaped) => {
    expect(escapeLocal(plain)).toBe(escaped);
    expect(unescapeLocal(escaped)).toBe(plain);
  });

  test.each([
    ['a space at the start', ' a'],
    ['a space at the end', 'a '],
    ['nothing', ''],
  ])('%s cannot be escaped', (_, text) => expect(escapeLocal(text)).toBeNull());

  test.each([
    ['\\20 at the start', '\\20a'],
    ['\\20 at the end', 'a\\20'],
    ['nothing', ''],
  ])('%s is not unescaped', (_, text) => expect(unescapeLocal(text)).toBeNull());

  test.each(['\\21', '\\4', '\\zz', '\\', 'a\\5d'])('%s is no escape', (text) =>
    expect(unescapeLocal(text)).toBe(text),
  );

  test('unescaping undoes escaping, for any text without a space at the ends', () => {
    const piece = fc.constantFrom('\\', '5', 'c', '4', '0', '2', '@', ' ', '/', "'", 'ж', 'x');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((p) => p.join('')),
          anyText,
        ),
        (text) => {
          const escaped = escapeLocal(text);
          fc.pre(escaped !== null);
          expect(unescapeLocal(escaped)).toBe(text);
          expect(escaped).not.toMatch(/[ "&'/:<>@]/);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('the address book', () => {
  test.each([
    ['a home account', 'romeo@example.net', 'romeo@ximss.example.org'],
    ['capitals', 'Romeo@EXAMPLE.net', 'romeo@ximss.example.org'],
    ['another domain', 'romeo@other.net', 'romeo\\40other.net@ximss.example.org'],
    ['a domain that ends like home', 'romeo@notexample.net', 'romeo\\40notexample.net@ximss.example.org'],
    ['a subdomain of home', 'romeo@a.example.net', 'romeo\\40a.example.net@ximss.example.org'],
    ['the component domain as a far one', 'romeo@ximss.example.org', 'romeo\\40ximss.example.org@ximss.example.org'],
    ['a home name that looks escaped', 'a\\40b@example.net', 'a\\5c40b@ximss.example.org'],
    [
      'a home name that looks like an escaped far one',
      'romeo\\40other.net@example.net',
      'romeo\\5c40other.net@ximss.example.org',
    ],
    ['a home name that looks twice escaped', 'a\\5c40b@example.net', 'a\\5c5c40b@ximss.example.org'],
    ['an IPv6 domain', 'romeo@[::1]', 'romeo\\40[\\3a\\3a1]@ximss.example.org'],
  ])('%s', (_, text, ghost) => {
    expect(book.ghostOf(mustAccount(text))).toBe(ghost);
    expect(book.accountOf(mustJid(ghost))).toBe(mustAccount(text));
  });

  test.each<[string, string, string | null]>([
    ['the long form of a home account', 'romeo\\40example.net@ximss.example.org', 'romeo@example.net'],
    ['the long form in capitals', 'ROMEO\\40EXAMPLE.NET@ximss.example.org', 'romeo@example.net'],
    ['the gateway', 'ximss.example.org', ''],
    ['another domain', 'romeo@example.org', null],
    ['a domain that ends like ours', 'romeo@my.ximss.example.org', null],
    ['two escaped at signs', 'a\\40b\\40c@ximss.example.org', null],
    ['an escaped space', 'a\\20b@ximss.example.org', null],
    ['an escaped space at the start', '\\20b@ximss.example.org', null],
    ['no name before the at sign', '\\40b@ximss.example.org', null],
    ['a far domain that is none', 'a\\40-@ximss.example.org', null],
  ])('reads %s', (_, ghost, expected) => {
    expect(book.accountOf(mustJid(ghost))).toBe(expected);
  });

  test('the gateway has the bare domain', () => {
    expect(book.ghostOf(gatewayPeer)).toBe(componentDomain);
    expect(book.component).toBe(componentDomain);
  });

  test('what is ours', () => {
    const ours = ['ximss.example.org', 'a@ximss.example.org'].map((jid) => book.isOurs(mustJid(jid)));
    const others = ['example.org', 'a@example.org', 'my.ximss.example.org'].map((jid) => book.isOurs(mustJid(jid)));
    expect([ours, others]).toEqual([
      [true, true],
      [false, false, false],
    ]);
  });

  test.each([
    ['component', { componentDomain: 'a b', homeDomain }],
    ['home', { componentDomain, homeDomain: '' }],
  ])('refuses a %s domain that is none', (_, names) => {
    expect(faultCodeOf(() => makeAddressBook(names))).toBe('jid-malformed');
  });

  test('account to ghost and back is the account, and the ghost is a prepared JID that the server leaves alone', () => {
    fc.assert(
      fc.property(account, (parsed) => {
        const ghost = book.ghostOf(parsed);
        expect(book.accountOf(ghost)).toBe(parsed);
        expect(parseJid(ghost)).toEqual({ bare: ghost, resource: null });
        expect(ghost.normalize('NFKC').toLowerCase().normalize('NFKC')).toBe(ghost);
        expect(book.isOurs(ghost)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('ghost to account and back is a ghost of the same account', () => {
    fc.assert(
      fc.property(ghostLike, (ghost) => {
        const parsed = book.accountOf(ghost);
        fc.pre(parsed !== null);
        expect(book.accountOf(book.ghostOf(parsed))).toBe(parsed);
      }),
      { numRuns: 2000 },
    );
  });

  test('two accounts never share a ghost: random near collisions', () => {
    fc.assert(
      fc.property(account, account, (a, b) => {
        expect(book.ghostOf(a) === book.ghostOf(b)).toBe(a === b);
      }),
      { numRuns: 2000 },
    );
  });

  test('two accounts never share a ghost: every name of up to five pieces of an escape', () => {
    const pieces = ['\\', '5', 'c', '4', '0', '/'];
    let names = [''];
    const accounts: string[] = [];
    for (let length = 1; length <= 5; length++) {
      names = names.flatMap((name) => pieces.map((piece) => name + piece));
      accounts.push(...names.flatMap((name) => [`${name}@example.net`, `${name}@c`, `${name}@4.0`]));
    }
    const ghosts = new Set(accounts.map((text) => book.ghostOf(mustAccount(text))));
    expect(ghosts.size).toBe(accounts.length);
  });

  test('works when component and home have the same name', () => {
    const same = makeAddressBook({ componentDomain: homeDomain, homeDomain });
    fc.assert(fc.property(account, (parsed) => expect(same.accountOf(same.ghostOf(parsed))).toBe(parsed)));
  });
});
