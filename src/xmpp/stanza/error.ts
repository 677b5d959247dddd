/**
 * Stanza errors: written from faults, in the reader's language and labelled with it; read into conditions. Another server's own words
 * carry no label: nobody knows their language. Pure. RFC 6120 section 8.3.
 */
import { faultText, stanzaErrorOf, type ErrorType, type FaultData, type StanzaError } from '../../core/fault';
import type { Language } from '../../core/i18n';
import { excerpt } from '../../core/text';
import { attr, childOf, el, elements, payload, type Child, type Element } from './element';
import { ns } from './ns';

const errorTypes: readonly ErrorType[] = ['auth', 'cancel', 'continue', 'modify', 'wait'];
/** Longest text of an error that goes out, in characters. */
const textMax = 1024;

/** `<error/>`; `detail` is an application-specific condition (RFC 6120 section 8.3.4). */
export function errorEl(fault: FaultData, language: Language, detail: Child = null): Element {
  const { type, condition } = stanzaErrorOf(fault);
  const said = fault.stanza ? { text: fault.stanza.text, language: null } : faultText(fault, language);
  const text = said.text === '' ? null : excerpt(said.text, textMax);
  return el(
    'error',
    { type },
    payload(condition, ns.stanzaErrors),
    text === null ? null : payload('text', ns.stanzaErrors, { 'xml:lang': said.language }, text),
    detail,
  );
}

/** The error of a stanza of type error; what is missing or unknown becomes cancel/undefined-condition. Never throws. */
export function readError(stanza: Element): StanzaError {
  const error = childOf(stanza, 'error');
  const inside = error ? elements(error).filter((child) => child.getNS() === ns.stanzaErrors) : [];
  const said = error && attr(error, 'type');
  return {
    type: errorTypes.find((type) => type === said) ?? 'cancel',
    condition: inside.find((child) => child.getName() !== 'text')?.getName() ?? 'undefined-condition',
    text: inside.find((child) => child.getName() === 'text')?.getText() ?? '',
  };
}

/** The error reply to a stanza: addresses swapped, id kept, no payload repeated. Not for errors and iq results. */
export function errorReply(stanza: Element, fault: FaultData, language: Language, detail: Child = null): Element {
  const attrs = { type: 'error', id: attr(stanza, 'id'), from: attr(stanza, 'to'), to: attr(stanza, 'from') };
  return el(stanza.getName(), attrs, errorEl(fault, language, detail));
}
