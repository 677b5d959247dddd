/** What the parts of a run share: who, where, the dialect as far as it is known, and the notebook. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../bridge/ports';
import type { Config } from '../../config';
import type { Account } from '../../core/address';
import { dialectOf, type Dialect } from '../../ximss/protocol/dialect';
import type { XimssContext } from '../../ximss/context';
import { ximssContextOf, type ContextChanges } from '../checks/ximss-context';
import type { Finding } from './findings';
import type { TestAccounts, TestAccount } from './test-accounts';
import { TestSession } from './session';

/** Our place in the accounts (XIMSS clientID). */
export const clientId = 'bridge-doctor';

export interface Timing {
  /** how long something may take to arrive before it counts as not coming */
  readonly waitMs: number;
  /** between the sending of a message that is to be stored and its fetching */
  readonly storedMs: number;
}

export const defaultTiming: Timing = { waitMs: 4_000, storedMs: 4_000 };

export interface SentForm {
  readonly ids: 'with-ids' | 'without-ids';
  /** iqid of the message as it arrived */
  readonly arrivedId: string | null;
  /** the id it left with */
  readonly word: string;
  /** why the assumed form was not taken, '' when it was */
  readonly why: string;
}

export class DialectContext {
  readonly findings: Finding[] = [];
  /** found so far */
  changes: Partial<Dialect> = {};
  /** who has asked whom for a subscription, as `asker asked` */
  readonly subscriptionsRequested = new Set<string>();
  /** contacts of the first account that were made up, or were none before */
  readonly addedContacts: Account[] = [];
  /** how the first message went that arrived */
  sentForm: SentForm | null = null;
  private readonly open: TestSession[] = [];

  constructor(
    readonly config: Config,
    readonly accounts: TestAccounts,
    readonly clock: Clock,
    readonly timing: Timing,
    /** ends the test */
    readonly signal: AbortSignal,
  ) {}

  get dialect(): Dialect {
    return dialectOf(this.changes);
  }

  /** Notes a finding, in place of one that told nothing; one that differs counts from now on. */
  note(finding: Finding): void {
    const { key, outcome, value } = finding;
    const silent = this.findings.findIndex((one) => key !== null && one.key === key && one.outcome === 'unknown');
    if (silent >= 0) this.findings.splice(silent, 1);
    this.findings.push(finding);
    if (key !== null && outcome === 'differs') this.changes = { ...this.changes, [key]: value };
  }

  ximss(changes: ContextChanges = {}): XimssContext {
    return ximssContextOf(this.config, this.clock, { ...changes, dialect: { ...this.changes, ...changes.dialect } });
  }

  /** Logs in. Rejects as connect.ts says. */
  async openSession(owner: TestAccount, changes: ContextChanges = {}): Promise<TestSession> {
    const options = { signal: this.signal, waitMs: this.timing.waitMs };
    const session = await TestSession.open(this.ximss(changes), owner, options);
    this.open.push(session);
    return session;
  }

  /** Ends every session. Never rejects. */
  async end(): Promise<void> {
    await Promise.all(this.open.splice(0).map((session) => session.close()));
  }
}

/** A word that nothing else contains. */
export const token = (): string => `doctor-${randomBytes(5).toString('hex')}`;
