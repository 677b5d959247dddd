/** XEP-0092: name and version of this program; the operating system is nobody's business. */
import type { IqService } from '../iq';
import { ns } from '../stanza/ns';
import { payload, textEl } from '../stanza/element';

const programName = 'xmpp-ximss-bridge';

export function versionService(version: string): IqService {
  return {
    name: 'query',
    xmlns: ns.version,
    of: 'gateway',
    get: () => payload('query', ns.version, {}, textEl('name', programName), textEl('version', version)),
  };
}
