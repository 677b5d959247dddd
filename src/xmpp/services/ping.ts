/** XEP-0199: the component and its ghosts answer pings. */
import type { IqService } from '../iq';
import { ns } from '../stanza/ns';

export function pingService(): IqService {
  return { name: 'ping', xmlns: ns.ping, of: 'both', get: () => null };
}
