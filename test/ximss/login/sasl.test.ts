import fc from 'fast-check';
import { Fault } from '../../../src/core/fault';
import { cramMd5Response, digestMd5Answer, hmacMd5Hex, plainMessage } from '../../../src/ximss/login/sasl';
import { cramMd5, digestMd5, plain } from '../../support/ximss-server/accounts/sasl';
import { Accounts, type Account } from '../../support/ximss-server/accounts/store';

test('RFC 2195 section 2, the example', () => {
  const challenge = Buffer.from('<1896.697170952@postoffice.reston.mci.net>');
  expect(cramMd5Response({ name: 'tim', password: 'tanstaaftanstaaf' }, challenge).toString()).toBe(
    'tim b913a602c7eda7a495b4e6e7334d3890',
  );
});

test('RFC 2831 section 4, the values of the first example under our digest-uri', () => {
  const challenge = 'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8';
  const answer = digestMd5Answer({ name: 'chris', password: 'secret' }, Buffer.from(challenge), {
    host: 'h',
    cnonce: 'OA6MHXh6VqTrRk',
  });
  expect(answer.response.toString()).toMatch(
    /^charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="ximss\/h",response=[0-9a-f]{32},qop=auth$/,
  );
  expect(answer.isProvedBy(Buffer.from('rspauth=ea40f60335c427b5527b84dbabcdfffd'))).toBe(false);
  expect(answer.isProvedBy(Buffer.from(''))).toBe(false);
});

test.each([
  ['no nonce', 'realm="x",qop="auth",algorithm=md5-sess'],
  ['only integrity', 'nonce="x",qop="auth-int",algorithm=md5-sess'],
  ['another algorithm', 'nonce="x",qop="auth",algorithm=md5'],
  ['nothing', ''],
])('a challenge with %s cannot be answered', (_, challenge) => {
  expect(() =>
    digestMd5Answer({ name: 'a@b', password: 'c' }, Buffer.from(challenge), { host: 'h', cnonce: 'n' }),
  ).toThrow(Fault);
});

test('the hash of a login by nonce is lower-case hex of the nonce as it stands', () => {
  expect(hmacMd5Hex('key', 'The quick brown fox jumps over the lazy dog')).toBe('80070713463e7749b90c2dc24911e275');
});

describe('any name and password is understood by the other side', () => {
  const word = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => !/[\0\ud800-\udfff]/u.test(text));
  const server = (name: string, password: string) => {
    const accounts = new Accounts(['example.net']);
    const owner: Account = accounts.add('someone@example.net', password);
    return {
      owner,
      env: {
        find: (asked: string) => (asked === name ? owner : undefined),
        domain: 'example.net',
        rspauth: true,
        charsets: ['latin1', 'utf8'] as const,
      },
    };
  };
  test('PLAIN, CRAM-MD5', () => {
    fc.assert(
      fc.property(
        word.filter((text) => !text.includes(' ')),
        word,
        (name, password) => {
          const { owner, env } = server(name, password);
          expect(plain(env)(plainMessage({ name, password }))).toEqual({ account: owner });
          const { challenge, next } = cramMd5(env);
          expect(next(cramMd5Response({ name, password }, challenge))).toEqual({ account: owner });
        },
      ),
    );
  });

  // RFC 2831 hashes each part in ISO 8859-1 if it fits, else in UTF-8; the test server takes one charset for all parts
  const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);
  const isOneCharset = (a: string, b: string): boolean =>
    isAscii(a) || isAscii(b) || /[^\0-\xff]/.test(a) === /[^\0-\xff]/.test(b);
  test('DIGEST-MD5, and the proof of the server', () => {
    fc.assert(
      fc.property(word, word, (local, password) => {
        fc.pre(isOneCharset(local, password));
        const name = `${local}@example.net`;
        const { owner, env } = server(name, password);
        const { challenge, next } = digestMd5(env);
        const answer = digestMd5Answer({ name, password }, challenge, { host: 'example.net', cnonce: 'abc' });
        const proof = next(answer.response);
        if (!('challenge' in proof)) throw new Error('no proof');
        expect(answer.isProvedBy(proof.challenge)).toBe(true);
        expect(answer.isProvedBy(Buffer.from(proof.challenge.toString().replace(/.$/, '!')))).toBe(false);
        expect(proof.next(Buffer.alloc(0))).toEqual({ account: owner });
      }),
    );
  });
});
