/** Every iq service of the component and its ghosts, in one list: what is listed here is what disco says. */
import { randomUUID } from 'node:crypto';
import type { Account, AddressBook } from '../../core/address';
import { makeAdhoc } from './adhoc';
import { makeDisco } from './disco';
import { gatewayPrompt } from './gateway-prompt';
import type { IqService } from '../iq';
import type { JabberMiddle } from '../../bridge/ports';
import type { JabberOptions } from '../options';
import { avatarService } from './avatar';
import { makeProfiles, type ShownAvatar } from './profile';
import { vcardServices } from './vcard';
import { registrationService } from './register';
import { directorySearch } from './search';
import { lastActivityService } from './last-activity';
import { pingService } from './ping';
import { timeService } from './time';
import { versionService } from './version';
import type { Element } from '../stanza/element';

export interface Services {
  readonly services: readonly IqService[];
  /** XEP-0115 */
  readonly caps: (peer: Account) => Element;
  readonly shownAvatar: ShownAvatar;
}

export function makeServices(settings: JabberOptions, middle: JabberMiddle, book: AddressBook): Services {
  const options = { ...settings, ...middle };
  const adhoc = options.commands ? makeAdhoc({ ...options, ...options.commands, newId: randomUUID }) : null;
  const { profileOf, directory } = options;
  const profiles = profileOf && makeProfiles(profileOf, options.stanzaBytes);
  const own = [
    pingService(),
    versionService(options.version),
    timeService(options.clock),
    lastActivityService(options.clock),
    registrationService(options),
    gatewayPrompt(options, book),
    ...(adhoc ? [adhoc.service] : []),
    ...(profiles ? [...vcardServices(profiles.find), avatarService(profiles.find)] : []),
    ...(directory ? [directorySearch({ ...options, directory }, book)] : []),
  ];
  const disco = makeDisco(own, adhoc ?? undefined);
  return {
    services: [...own, ...disco.services],
    caps: disco.caps,
    shownAvatar: profiles?.shownAvatar ?? ((hash) => hash),
  };
}
