/** Times, places and faults in the words of a reader's language, as the commands show them. */
import { faultText, type FaultData } from '../../core/fault';
import type { Language, Texts } from '../../core/i18n';
import type { Trace } from '../ports';

/** A fault in words: the other network's own when it gave some, else ours. '' for none. */
export function faultWords(fault: FaultData | null, language: Language): string {
  return fault === null ? '' : faultText(fault, language).text;
}

/** A time for people of any zone, '' for none. */
export function timeWords(ms: number | null): string {
  return ms === null ? '' : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Where a message is. */
export function placeWords({ place, ahead }: Pick<Trace, 'place' | 'ahead'>, texts: Texts['commands']): string {
  return place === 'waiting' && ahead !== null ? texts.ahead(ahead) : texts.places[place];
}
