/**
 * What a refused login means (docs/XIMSS.md 1.3, A21). Numbers are not documented, so the server's words decide: only
 * those that clearly say "wrong password" count as one. Everything else may pass: it is tried again, and the operator
 * sees the words. Pure.
 */
import { Fault } from '../../core/fault';
import type { Dialect } from '../protocol/dialect';

const fullHouseWords = /licen[cs]e|too many|limit/i;

/** True when the server has no place for one more session, or for one more try. */
export const isFullHouse = (fault: Fault): boolean => fault.code === 'refused' && fullHouseWords.test(fault.text);

/** An entry of digits is an errorNum; any other matches a text that has one of each group of words, in any letter case. */
function saysWrongPassword(fault: Fault, { wrongPassword }: Pick<Dialect, 'wrongPassword'>): boolean {
  const text = fault.text.toLowerCase();
  const hasOneOf = (group: string): boolean => group.split('|').some((word) => word !== '' && text.includes(word));
  return wrongPassword
    .toLowerCase()
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .some((entry) => (/^\d+$/.test(entry) ? fault.number === Number(entry) : entry.split(/\s+/).every(hasOneOf)));
}

/** not-authorized, too-many-sessions, or login-refused with the server's words; other faults as they are. */
export function loginFault(fault: Fault, dialect: Pick<Dialect, 'wrongPassword'>): Fault {
  if (fault.code !== 'refused') return fault;
  const detail = { text: fault.text, cause: fault, ...(fault.number === undefined ? {} : { number: fault.number }) };
  if (isFullHouse(fault)) return new Fault('too-many-sessions', detail);
  if (saysWrongPassword(fault, dialect)) return new Fault('not-authorized', detail);
  return new Fault('login-refused', detail);
}
