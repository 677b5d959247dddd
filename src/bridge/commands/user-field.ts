/** The field in which an operator names a user, and what was typed there. */
import { parseJid, type BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { typed, type Answers, type Field } from './types';

/** The field; an optional one may stay empty. */
export function userField(label: string, isRequired: boolean): Field {
  return { var: 'user', type: 'jid-single', label, isRequired };
}

/** The user that was typed, null for none. Throws Fault jid-malformed. */
export function userOf(answers: Answers): BareJid | null {
  const text = typed(answers, 'user');
  if (text === '') return null;
  const jid = parseJid(text);
  if (jid === null) throw new Fault('jid-malformed');
  return jid.bare;
}
