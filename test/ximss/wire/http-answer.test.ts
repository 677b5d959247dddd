/** What a failed exchange says about the request. */
import { Fault } from '../../../src/core/fault';
import { mayHaveArrived } from '../../../src/ximss/wire/http-answer';

test.each([
  [undefined, true],
  [new Error('x'), true],
  [Object.assign(new Error('x'), { code: 'ECONNRESET' }), true],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), false],
  [Object.assign(new Error('x'), { code: 'ENOTFOUND' }), false],
])('a failure with cause %s: may the request have arrived? %s', (cause, expected) => {
  expect(mayHaveArrived(new Fault('unavailable', { cause }))).toBe(expected);
});
