/** XEP-0202: the time of this machine, in UTC. */
import { formatDateTime } from '../../core/text';
import type { Clock } from '../../core/runtime';
import type { IqService } from '../iq';
import { ns } from '../stanza/ns';
import { payload, textEl } from '../stanza/element';

export function timeService(clock: Clock): IqService {
  return {
    name: 'time',
    xmlns: ns.time,
    of: 'gateway',
    get: () => payload('time', ns.time, {}, textEl('tzo', 'Z'), textEl('utc', formatDateTime(clock.now()))),
  };
}
