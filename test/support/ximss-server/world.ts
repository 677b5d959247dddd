/** The parts every operation may use, tied together by hand in server.ts. */
import type { Faults } from './faults';
import type { Settings } from './options';
import type { Sessions } from './accounts/sessions';
import type { Accounts, Session } from './accounts/store';
import type { Strict } from './strict';
import type { WireLog } from './wire-log';

export interface World {
  readonly settings: Settings;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly faults: Faults;
  readonly strict: Strict;
  readonly wireLog: WireLog;
  /** Nonces handed out by `features` and not used yet, with the time they were made. */
  readonly nonces: Map<string, number>;
  /** When the next login is taken (epoch ms), where their number is limited. */
  readonly logins: { nextAtMs: number };
  /** Account names recoverPassword was asked for. */
  readonly recovered: string[];
  /** Requests relayed to a client and not answered yet: who is to get the answer. */
  readonly pendingIqs: Map<string, Session>;
  /** Who is in which room. */
  readonly rooms: Map<string, Set<Session>>;
  now(): number;
}

/** `YYYYMMDDThhmmss` in UTC (docs/XIMSS.md 2.6). */
export function ximssTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace(/[-:]/g, '');
}
