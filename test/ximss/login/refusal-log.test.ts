/** Refused logins make few lines, whatever the server says. */
import { makeRefusalLog } from '../../../src/ximss/login/refusal-log';
import { Fault } from '../../../src/core/fault';
import { manualClock } from '../../support/clock';
import { recordingLog } from '../../support/silence';
import { account } from '../support';

function scene() {
  const clock = manualClock();
  const { log, lines } = recordingLog();
  const refused = makeRefusalLog({ log, clock });
  const warned = (): number => lines.filter(({ level }) => level === 'warn').length;
  const refuse = (name: string, text: string): void =>
    refused(account(`${name}@example.net`), new Fault('login-refused', { text, number: 1 }));
  return { clock, refuse, warned, lines };
}

test('the same words are one warning in ten minutes, however many accounts hear them', () => {
  const { clock, refuse, warned, lines } = scene();
  for (let n = 0; n < 10_000; n += 1) refuse(`u${n}`, 'maintenance');
  expect([warned(), lines.length]).toEqual([1, 10_000]);
  clock.advance(600_000);
  refuse('u0', 'maintenance');
  expect(warned()).toBe(2);
});

test('a server that refuses each login with another text does not fill the log', () => {
  const { clock, refuse, warned } = scene();
  for (let n = 0; n < 10_000; n += 1) refuse('u', `no, for the reason ${n}`);
  expect(warned()).toBe(32);
  clock.advance(600_000);
  refuse('u', 'no, for another reason');
  expect(warned()).toBe(33);
});
