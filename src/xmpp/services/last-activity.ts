/** XEP-0012: how long the component has been running. Nothing is told of ghosts: their presence says what is known. */
import type { Clock } from '../../core/runtime';
import type { IqService } from '../iq';
import { ns } from '../stanza/ns';
import { payload } from '../stanza/element';

export function lastActivityService(clock: Clock): IqService {
  const startedAt = clock.monotonic();
  const uptimeSeconds = (): number => Math.floor((clock.monotonic() - startedAt) / 1000);
  return {
    name: 'query',
    xmlns: ns.lastActivity,
    of: 'gateway',
    get: () => payload('query', ns.lastActivity, { seconds: String(uptimeSeconds()) }),
  };
}
