/** INFO, as Redis writes it. */
import { parseInfo } from '../../../src/store/redis/server-info';

test('INFO is read line by line', () => {
  expect(parseInfo('# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin:x\r\n\r\nnonsense\r\n')).toEqual(
    new Map([
      ['redis_version', '7.0.15'],
      ['executable', '/usr/bin:x'],
    ]),
  );
});
