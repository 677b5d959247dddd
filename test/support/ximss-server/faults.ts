/**
 * Misbehaviour on command: which request (or connection, or outgoing message) goes wrong, and how. Only picks a rule;
 * the transports carry it out. A rule fires on matches number `nth` … `nth + count - 1`; by default once, on the first.
 */

export type FaultAction =
  /** Close the connection before the request is handled (a connection: at once; a push: before it is written). */
  | { action: 'drop' }
  /** Handle the request, then close before anything of the answer is written. */
  | { action: 'dropAfter' }
  /** Handle the request `ms` later. */
  | { action: 'delay'; ms: number }
  /** Answer with an error, without handling. */
  | { action: 'refuse'; errorNum?: number; errorText?: string }
  /** Handle nothing, answer nothing. */
  | { action: 'never' }
  /** From now on this connection's output goes out one byte per write. */
  | { action: 'splitBytes' }
  /** Write these bytes before the answer (before the message, for a push). */
  | { action: 'garbage'; bytes: string | Uint8Array }
  /** HTTP only: do not look at the request, answer with this status. */
  | { action: 'status'; status: number }
  /** HTTP only: handle the request, keep the answer for a repeat, close without sending it. */
  | { action: 'loseResponse' };

export type FaultRule = FaultAction & {
  /**
   * Name of a request element; or `#connect` (a new TCP connection); or, over HTTP, `#login`, `#sync`, `#async`, `#get`.
   * Absent: any request element.
   */
  request?: string;
  /** Name of an asynchronous element about to be written (TCP), instead of a request. */
  push?: string;
  account?: string;
  nth?: number;
  count?: number;
};

export interface FaultSubject {
  kind: 'request' | 'push';
  name: string;
  account: string | null;
}

interface Armed {
  id: number;
  rule: FaultRule;
  seenCount: number;
}

export class Faults {
  private rules: Armed[] = [];
  private nextId = 1;

  /** Arms a rule; the number returned can be given to `remove`. */
  add(rule: FaultRule): number {
    const id = this.nextId++;
    this.rules.push({ id, rule, seenCount: 0 });
    return id;
  }

  remove(id: number): void {
    this.rules = this.rules.filter((armed) => armed.id !== id);
  }

  clear(): void {
    this.rules = [];
  }

  get isEmpty(): boolean {
    return this.rules.length === 0;
  }

  /** The first rule that hits, or null. Counts the match for every rule it concerns. */
  pick(subject: FaultSubject): FaultRule | null {
    let hit: FaultRule | null = null;
    for (const armed of this.rules) {
      const { rule } = armed;
      if (!concerns(rule, subject)) continue;
      armed.seenCount++;
      const first = rule.nth ?? 1;
      if (hit === null && armed.seenCount >= first && armed.seenCount < first + (rule.count ?? 1)) hit = rule;
    }
    return hit;
  }
}

function concerns(rule: FaultRule, subject: FaultSubject): boolean {
  if (rule.account !== undefined && rule.account !== subject.account) return false;
  if (subject.kind === 'push') return rule.push === subject.name;
  if (rule.push !== undefined) return false;
  return rule.request === undefined ? !subject.name.startsWith('#') : rule.request === subject.name;
}
