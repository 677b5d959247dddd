/**
 * What the server says when it refuses logins, as few lines as there are different words: a maintenance text that
 * thousands of accounts hear is one warning in ten minutes, each account's own only at debug. So is what comes from a server
 * that says something else each time, beyond some lines.
 */
import type { Account } from '../../core/address';
import type { Fault } from '../../core/fault';
import type { XimssContext } from '../context';

const quietMs = 600_000;
/** Different words that are warned of in that time. */
const wordsMaxCount = 32;

/** A function to be called with each refusal. Never throws. */
export function makeRefusalLog({ log, clock }: Pick<XimssContext, 'log' | 'clock'>) {
  const saidAt = new Map<string, number>();
  return (account: Account, fault: Fault): void => {
    const now = clock.monotonic();
    const key = `${fault.code} ${fault.number ?? ''} ${fault.text}`;
    const fields = { account, fault: fault.code, number: fault.number, text: fault.text };
    const before = saidAt.get(key);
    if (before !== undefined && now - before < quietMs) return log.debug(fields, 'the server refused a login');
    saidAt.delete(key);
    const [[oldest, oldestAt] = ['', -Infinity]] = saidAt;
    if (saidAt.size >= wordsMaxCount && now - oldestAt < quietMs)
      return log.debug(fields, 'the server refused a login');
    if (saidAt.size >= wordsMaxCount) saidAt.delete(oldest);
    saidAt.set(key, now);
    log.warn(fields, 'the server refused a login; more of the same words are logged at debug');
  };
}
