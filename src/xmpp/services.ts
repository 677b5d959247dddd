/** Every iq service of the component and its ghosts, in one list: what is listed here is what disco says. */
import type { Account, AddressBook } from '../core/address';
import { makeDisco } from './disco';
import { gatewayPrompt } from './gateway';
import type { IqService } from './iq';
import type { JabberOptions } from './options';
import { registration } from './register';
import { simpleServices } from './simple';
import type { Element } from './stanza';

export interface Services {
  readonly services: readonly IqService[];
  /** XEP-0115 */
  readonly caps: (peer: Account) => Element;
}

export function makeServices(options: JabberOptions, book: AddressBook): Services {
  const own = [...simpleServices(options), registration(options), gatewayPrompt(options, book)];
  const disco = makeDisco(own);
  return { services: [...own, ...disco.services], caps: disco.caps };
}
