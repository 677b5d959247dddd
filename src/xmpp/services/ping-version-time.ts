/** Small questions with small answers: XEP-0199 ping, 0092 version, 0202 time, 0012 last activity (how long we run). */
import { formatDateTime } from '../../core/text';
import type { IqService } from '../iq';
import { NS } from '../stanza/ns';
import type { JabberOptions } from './options';
import { payload, textEl } from '../stanza/element';

const NAME = 'xmpp-ximss-bridge';

export function simpleServices({ clock, version }: Pick<JabberOptions, 'clock' | 'version'>): IqService[] {
  const startedAt = clock.monotonic();
  const uptimeSeconds = (): number => Math.floor((clock.monotonic() - startedAt) / 1000);
  return [
    { name: 'ping', xmlns: NS.ping, of: 'both', get: () => null },
    {
      name: 'query',
      xmlns: NS.version,
      of: 'gateway',
      get: () => payload('query', NS.version, {}, textEl('name', NAME), textEl('version', version)),
    },
    {
      name: 'time',
      xmlns: NS.time,
      of: 'gateway',
      get: () => payload('time', NS.time, {}, textEl('tzo', 'Z'), textEl('utc', formatDateTime(clock.now()))),
    },
    {
      name: 'query',
      xmlns: NS.lastActivity,
      of: 'gateway',
      get: () => payload('query', NS.lastActivity, { seconds: String(uptimeSeconds()) }),
    },
  ];
}
