/**
 * What `doctor` checks, as a list. Each check opens what it needs by itself and closes it again, so that the doctor
 * works beside a running bridge and on a machine where nothing works yet. The checks themselves are in src/doctor/.
 */
import type { Log } from '../bridge/ports';
import type { Config } from '../config';
import { accountChecks } from './checks/accounts';
import { jabberChecks } from './checks/jabber';
import { checkRedis, type RedisState } from './checks/redis';
import { runningResult, whoListens, type Running } from './checks/running-bridge';
import { ximssChecks } from './checks/ximss';
import { systemClock as clock } from '../ops/clock';
import type { Check } from './runner';

export interface DoctorOptions {
  /** log in with the accounts of the configuration */
  readonly accounts: boolean;
}

/** The checks in the order in which trouble should be looked for. */
export function doctorChecks(config: Config, _log: Log, wishes: DoctorOptions = { accounts: false }): readonly Check[] {
  let running: Running = { kind: 'none' };
  let redis: RedisState | null = null;
  const lookOnce = async (): Promise<RedisState> => (redis ??= await checkRedis(config, clock));
  /** A bridge whose stream is up, or one that only its lease tells of. */
  const isTaken = (): boolean => (running.kind === 'bridge' ? running.isStreamUp : redis?.isLed === true);
  return [
    {
      name: 'configuration',
      run: () =>
        Promise.resolve({ ok: true, detail: `${config.xmpp.domain} for the accounts of ${config.ximss.domain}` }),
    },
    {
      name: 'bridge',
      async run(signal) {
        running = await whoListens(config.http.listen, signal);
        return runningResult(running, (await lookOnce()).isLed, config.http.listen);
      },
    },
    { name: 'Redis', run: async () => (await lookOnce()).result },
    ...jabberChecks({ config, clock, isTaken }),
    ...ximssChecks(config, clock),
    ...accountChecks(config, clock, wishes.accounts),
  ];
}
