/**
 * The audit log: each command of an operator that changed or revealed something, with who asked, through which face, and how
 * it ended. Passwords, exported links and what is announced are left out. An entry that cannot be stored is in the log.
 */
import { timeOf } from '../../core/admin/input';
import { adminCommand, type AdminName, type Kinds } from '../../core/admin/table';
import { toFault, type Fault } from '../../core/fault';
import type { Asker, AuditEntry, AuditStore, Clock, Log } from '../ports';
import type { Handlers } from './handlers';
import { defaultCount, pageMax } from './views';

export interface AuditOptions {
  readonly store: AuditStore;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Audit {
  readonly handlers: Handlers<'audit'>;
  /** Never rejects. `input` has been read. */
  record(command: AdminName, input: object, by: Asker, fault: Fault | null): Promise<void>;
}

const hidden: readonly (keyof Kinds)[] = ['secret', 'sealed', 'text'];

export function makeAudit({ store, clock, log }: AuditOptions): Audit {
  return {
    async record(command, given, { face, name }, fault) {
      const input = shownOf(command, { ...given });
      const code = fault?.code ?? null;
      log.info({ by: name, face, command, input, fault: code }, 'an operator has asked for a change');
      await store
        .add({ face, name, command, input, fault: code })
        .catch((thrown: unknown) =>
          log.warn(
            { by: name, face, command, fault: toFault(thrown).code },
            'an entry of the audit log was not stored',
          ),
        );
    },
    handlers: {
      async audit({ find, since, face, before, count }) {
        const wanted = count ?? defaultCount;
        const from = timeOf(since, clock.now());
        const part = find?.toLowerCase() ?? '';
        const fits = (entry: AuditEntry): boolean =>
          (face === null || entry.face === face) &&
          (part === '' || JSON.stringify(Object.values(entry)).toLowerCase().includes(part));
        const entries: AuditEntry[] = [];
        for (let place = before; ;) {
          const page = await store.page({ before: place, count: pageMax });
          for (const entry of page.entries) {
            if (from !== null && entry.at < from) return { entries, next: null };
            if (!fits(entry)) continue;
            if (entries.length === wanted) return { entries, next: entries.at(-1)?.id ?? null };
            entries.push(entry);
          }
          if (page.next === null) return { entries, next: null };
          place = page.next;
        }
      },
    },
  };
}

/** What was given, without what nobody may read later and without what was left out. */
function shownOf(command: AdminName, input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const shown = adminCommand(command).args.filter(({ kind }) => !hidden.includes(kind));
  const pairs = shown.map(({ name }) => [name, input[name]] as const);
  const isGiven = (value: unknown): boolean =>
    value !== null && value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(pairs.filter(([, value]) => isGiven(value)));
}
