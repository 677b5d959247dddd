/** Stream errors as faults: which of them mean that there is no hope. RFC 6120 section 4.9. Pure. */
import { Fault, type FaultCode } from '../../core/fault';
import { ns } from '../stanza/ns';
import { childText, elements, type Element } from '../stanza/element';

/** What a stream error means to us; any other is a reason to come again. */
const codes: Readonly<Record<string, FaultCode>> = {
  conflict: 'stream-conflict',
  'not-authorized': 'stream-refused',
  'host-unknown': 'stream-refused',
  'host-gone': 'stream-refused',
  'invalid-namespace': 'stream-refused',
};

/** The fault of a `<stream:error/>`; the server's text is its cause: for the log, not for users. */
export function faultOfStreamError(error: Element): Fault {
  const condition = elements(error).find((child) => child.getNS() === ns.streamErrors && child.getName() !== 'text');
  const name = condition?.getName() ?? 'undefined-condition';
  const text = childText(error, 'text', ns.streamErrors);
  const code = Object.hasOwn(codes, name) ? codes[name] : undefined;
  return new Fault(code ?? 'unavailable', { cause: text === null ? name : `${name}: ${text}` });
}
