/** The middle as seen from outside: what it is told, what it is given, what may be done with it. */
import type { AccessLists } from '../core/access';
import type { Language } from '../core/i18n';
import type { Link } from '../core/model';
import type { Clock, Log, Meter } from '../core/runtime';
import type { GuardLimits, GuardOptions } from './accounts/guard';
import type { Links } from './accounts/links';
import type { ProvisionOptions } from './accounts/provision';
import type { Contacts, ContactsOptions } from './contacts/types';
import type { DrainOptions } from './delivery/drain';
import type { HoldOptions } from './delivery/hold';
import type { OperatorOptions, OperatorService } from './operator/operator';
import type {
  AttemptStore,
  AuditStore,
  FarPort,
  HeldStore,
  Jabber,
  LaneReader,
  LaneStore,
  LinkStore,
  ProcessControl,
  ProcessView,
  Scheduler,
  Sealing,
  StateStore,
} from './ports';
import type { HandOverOptions, Leadership } from './processes/hand-over';

/** What the middle is told of the configuration; durations in ms. */
export interface BridgeSettings {
  /** the far network's home domain: a name alone is one of it */
  readonly homeDomain: string;
  readonly access: AccessLists;
  readonly accounts: readonly Omit<Link, 'origin'>[];
  readonly registration: { readonly mayRegister: boolean } & GuardLimits & Pick<GuardOptions, 'isOwnDomain'>;
  readonly language: Language;
  readonly provisioning: ProvisionOptions['plan'];
  readonly signupTimeoutMs: number;
  readonly messagesPerMinute: number;
  readonly hold: HoldOptions['setting'];
  readonly delivery: Omit<DrainOptions['rules'], 'newId'>;
  /** one line in the log for each final outcome of a message; default false */
  readonly logsDelivered?: boolean;
  readonly timing: NonNullable<ContactsOptions['timing']>;
}

/** What may change while the bridge runs. */
export type LiveSettings = Pick<BridgeSettings, 'access' | 'accounts' | 'messagesPerMinute' | 'language'> & {
  readonly registration: Omit<BridgeSettings['registration'], 'isOwnDomain'>;
};

export interface BridgeStore {
  readonly lanes: LaneStore & LaneReader & HeldStore & OperatorOptions['backlog'];
  readonly links: LinkStore;
  readonly provisioned: LinkStore;
  readonly attempts: AttemptStore;
  readonly audit: AuditStore;
  readonly sealing: Sealing;
  readonly state: StateStore;
  readonly scheduler: Scheduler & OperatorOptions['scheduler'] & { underWayCount(): number };
  readonly processes: Pick<HandOverOptions, 'bus' | 'leftover'> & {
    others(): Promise<readonly unknown[]>;
    all(): Promise<readonly ProcessView[]>;
  };
  isUp(): boolean;
}

export interface BridgeOptions {
  readonly settings: BridgeSettings;
  readonly store: BridgeStore;
  readonly jabber: Jabber;
  readonly far: FarPort;
  readonly signup: ProvisionOptions['signup'];
  readonly process: ProcessControl;
  /** how long this machine is up, ms */
  readonly machineUptimeMs: () => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Bridge {
  readonly operator: OperatorService;
  readonly links: Links;
  readonly contacts: Contacts;
  /** Resolves when the component stream is up. Rejects `store-away`, and as `Jabber.start` does. */
  start(leadership: Pick<Leadership, 'takeStream'>): Promise<void>;
  /** Takes on what a configuration that was read again says. Rejects `store-away`; then some of it may be in effect. */
  change(settings: LiveSettings): Promise<void>;
  /** Another process has the leases: has a stream ready, and takes over from one that stops. */
  standBy(): void;
  /**
   * Stops taking work and finishes what is in flight. When another process stands by it is given everything, the stream
   * last; else this one says goodbye on both sides. `leadership`: null when this process never led. Never rejects.
   */
  stop(leadership: Leadership | null): Promise<void>;
}
