/** Why something failed, in a word for the log that holds nothing from the wire: a fixed text of ours or an error code. */
import { Fault } from '../../core/fault';

export function causeWord(fault: Fault | null): string | undefined {
  const { cause } = fault ?? {};
  if (cause instanceof Fault) return causeWord(cause) ?? cause.code;
  if (cause instanceof Error) return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return typeof cause === 'string' ? cause : undefined;
}
