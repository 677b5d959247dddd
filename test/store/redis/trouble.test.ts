/** What an operator reads when Redis cannot be used. */
import { troubleOf } from '../../../src/store/redis/trouble';

test.each<[string, unknown, RegExp, boolean]>([
  [
    'nothing listens',
    new Error('connect ECONNREFUSED 127.0.0.1:1'),
    /^does not run, .*redis\.url.*ECONNREFUSED/,
    false,
  ],
  ['on no address', Object.assign(new Error(''), { code: 'ECONNREFUSED' }), /redis\.url \(ECONNREFUSED\)$/, false],
  ['no socket', new Error('connect ENOENT /run/redis.sock'), /no such socket as in redis\.url/, false],
  ['a socket of others', new Error('connect EACCES /run/redis.sock'), /unixsocketperm/, true],
  ['no such host', new Error('getaddrinfo ENOTFOUND redis'), /^is not found: see the host in redis\.url/, false],
  ['silence', new Error('connect ETIMEDOUT'), /^does not answer: .*redis\.url.*rediss:/, false],
  ['a password is wanted', new Error('NOAUTH Authentication required.'), /password: write it into redis\.url/, true],
  ['a wrong one', new Error('WRONGPASS invalid username-password pair or user is disabled.'), /redis\.url/, true],
  ['too few rights', new Error("NOPERM this user has no permissions to run the 'info' command"), /ACL/, true],
  ['protected mode', new Error('DENIED Redis is running in protected mode because. In this'), /because\)$/, true],
  ['no such database', new Error('ERR DB index is out of range'), /number in redis\.url/, true],
  ['an own authority', new Error('self-signed certificate'), /redis\.caFile/, true],
  ['something else', new Error('gone fishing'), /^cannot be used: gone fishing$/, false],
  ['nothing', null, /^cannot be used: no answer$/, false],
])('%s', (_what, error, words, isFinal) => {
  const trouble = troubleOf(error, 'redis.url');
  expect(trouble.text).toMatch(words);
  expect(trouble.isFinal).toBe(isFinal);
});
