/**
 * What `doctor` checks, as a list. Each check opens what it needs by itself and closes it again, so that the doctor
 * works beside a running bridge and on a machine where nothing works yet.
 */
import type { Config } from './config';
import type { Check } from './ops/doctor';
import type { Log } from './bridge/ports';

/** The checks in the order in which trouble should be looked for. */
export function doctorChecks(config: Config, _log: Log): readonly Check[] {
  return [
    {
      name: 'configuration',
      run: () =>
        Promise.resolve({ ok: true, detail: `${config.xmpp.domain} for the accounts of ${config.ximss.domain}` }),
    },
  ];
}
