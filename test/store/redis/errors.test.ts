/** What a failed command means, also in the words of a Cluster whose errors are not followed. */
import { isWrongNode, lacksScript, storeFault } from '../../../src/store/redis/errors';

test.each([
  ['OOM command not allowed', 'store-away'],
  ['MISCONF Errors writing to the AOF file', 'store-away'],
  ['READONLY You can not write', 'store-away'],
  ['WRONGTYPE Operation against a key', 'internal'],
  ['ERR user_script:1: mistake', 'internal'],
])('a reply "%s" is the fault %s', (message, code) => {
  const error = new Error(message);
  error.name = 'ReplyError';
  expect(storeFault(error).code).toBe(code);
  expect(storeFault(new Error(message)).code).toBe('store-away'); // no reply: the connection
});

const unfollowed = (reply: string): Error =>
  new Error(`Too many Cluster redirections. Last error: ReplyError: ${reply}`);

test.each([
  ['MOVED 3999 127.0.0.1:6381', 'store-away', true],
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'store-away', true],
  ['CLUSTERDOWN Hash slot not served', 'store-away', true],
  ['CROSSSLOT Keys in request do not hash to the same slot', 'internal', false],
])('a Cluster answers "%s": %s, nothing was done: %s', (reply, code, isUndone) => {
  expect(storeFault(unfollowed(reply))).toMatchObject({ code, isUndone });
});

test('a command that timed out in a Cluster may have been done', () => {
  const error = new Error('Too many Cluster redirections. Last error: Error: Command timed out');
  expect(storeFault(error)).toMatchObject({ code: 'store-away', isUndone: false });
});

test('a primary that does not have the slot, or the script, says so', () => {
  expect(isWrongNode(unfollowed('MOVED 1 a:1'))).toBe(true);
  expect(isWrongNode(unfollowed('NOSCRIPT No matching script'))).toBe(false);
  expect(lacksScript(unfollowed('NOSCRIPT No matching script'))).toBe(true);
});
