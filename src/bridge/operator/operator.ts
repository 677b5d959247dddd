/**
 * The operator's commands, each with its handler: one way in for all faces, which writes what was changed or revealed into
 * the audit log. It knows neither HTTP nor XMPP and checks no permission. What a user is told of their own messages comes
 * from the same parts.
 */
import { adminCommand, type AdminInput, type AdminName } from '../../core/admin/table';
import { toFault } from '../../core/fault';
import type { LinkChanges } from '../accounts/link-changes';
import type { Links } from '../accounts/links';
import type { Provision } from '../accounts/provision';
import type { Contacts } from '../contacts/types';
import type { AuditStore, Backlog, Clock, FarPort, Log, Meter } from '../ports';
import type { Operator, ProcessControl, ProcessView, Scheduler, Sealing } from '../ports';
import type { Announce } from './announce';
import { makeAudit } from './audit';
import { makeDeadLetterHandlers } from './dead-letters';
import { makeExportHandlers } from './export-links';
import type { Handler, Handlers } from './handlers';
import { makeOperatorLanes } from './lanes';
import { makeOperatorLinks, type OperatorLinks } from './links';
import { makeRosterHandlers } from './rosters';
import { makeStatusHandlers } from './status';

export interface OperatorOptions {
  readonly backlog: Backlog;
  readonly scheduler: Pick<Scheduler, 'schedule'> & {
    counts(): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number }>;
  };
  readonly processes: () => Promise<readonly ProcessView[]>;
  readonly links: Pick<Links, 'users' | 'linkOf' | 'isLinked' | 'isAllowed'>;
  readonly changes: LinkChanges;
  readonly provision: Pick<Provision, 'made' | 'take'>;
  readonly far: Pick<FarPort, 'open' | 'close' | 'status' | 'reconnect' | 'absence'>;
  readonly announce: Announce;
  readonly contacts: Pick<Contacts, 'plan' | 'reconcile'>;
  readonly audit: AuditStore;
  readonly sealing: Sealing;
  readonly process: ProcessControl;
  /** the far network's home domain */
  readonly homeDomain: string;
  /** events that wait at the intake */
  readonly intakeWaitingCount: () => number;
  readonly isStreamUp: () => boolean;
  readonly isStoreUp: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface OperatorService extends Operator, Pick<OperatorLinks, 'onSession' | 'statuses'> {
  /** Sets the gauges that are counted only when somebody looks. Rejects `store-away`. */
  sample(): Promise<void>;
}

/** for what waits for the far server, when the face sets no end */
const commandMs = 60_000;

export function makeOperator(options: OperatorOptions): OperatorService {
  const { backlog, scheduler, far, announce, process, homeDomain, intakeWaitingCount, meter } = options;
  const { handlers: ofLinks, ...sessions } = makeOperatorLinks(options);
  const { handlers: ofLanes, ...own } = makeOperatorLanes(options);
  const audit = makeAudit({ ...options, store: options.audit });
  const handlers: Handlers<AdminName> = {
    ...makeStatusHandlers({ ...options, far, statuses: () => sessions.statuses(), about: process }),
    ...ofLinks,
    ...makeExportHandlers({ ...options, domains: [process.domain, homeDomain] }),
    ...makeRosterHandlers(options),
    ...ofLanes,
    ...makeDeadLetterHandlers(options),
    ...audit.handlers,
    announce: ({ text, to }) => announce(text, to ?? 'everybody'),
    'log-level'({ level }) {
      if (level !== null) process.setLogLevel(level);
      return { level: process.logLevel() };
    },
    reload: () => process.reload(),
  };

  const run: Operator['run'] = async (name, input, by, signal = AbortSignal.timeout(commandMs)) => {
    const handle = handlers[name] as Handler<AdminName> as Handler<typeof name>; // TypeScript does not see that they belong together
    const isRead = onlyReads(name, input);
    try {
      const output = await handle(input, signal);
      if (!isRead) await audit.record(name, input, by, null);
      return output;
    } catch (thrown) {
      const fault = toFault(thrown);
      if (!isRead) await audit.record(name, input, by, fault);
      throw fault;
    }
  };

  async function sample(): Promise<void> {
    meter.gauge('intake_waiting', intakeWaitingCount());
    const [counts, drains] = await Promise.all([backlog.counts(), scheduler.counts()]);
    meter.gauge('lanes_waiting', counts.lanes);
    meter.gauge('envelopes_waiting', counts.envelopes);
    meter.gauge('dead_letters', counts.dead);
    for (const state of ['waiting', 'active', 'delayed'] as const) meter.gauge('drains', drains[state], { state });
  }

  return { ...sessions, ...own, run, sample };
}

function onlyReads<N extends AdminName>(name: N, input: AdminInput<N>): boolean {
  const { effect, readsWithout } = adminCommand(name);
  return (
    effect === 'read' ||
    (readsWithout !== undefined &&
      Object.entries(input).every(([key, value]) => key !== readsWithout || value === null))
  );
}
