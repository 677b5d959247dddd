/** The contacts as the rest of the middle sees them: what they need, what they are told, what may be asked of them. */
import type { Account, BareJid } from '../../core/address';
import type { Fault, FaultData } from '../../core/fault';
import type { Contact, Durable, FarPresence, Lane, LinkStatus, Probe, ResourcePresence, Verb } from '../../core/model';
import type { Links } from '../accounts/links';
import type { SendToUser } from '../delivery/gateway-messages';
import type { Intake } from '../delivery/intake';
import type { ResourceState } from '../delivery/senders';
import type { Clock, FarPort, JabberPort, LaneReader, LanguageMemory, Log, Meter, StateStore } from '../ports';
import type { GhostsOptions } from '../presence/ghosts';
import type { UserSettings } from '../state/settings';
import type { RosterPlan } from './roster-sync';
import type { RosterSyncScheduleOptions } from './roster-sync-schedule';

export interface ContactsOptions {
  readonly jabber: JabberPort;
  readonly far: FarPort;
  readonly intake: Pick<Intake, 'accept'>;
  readonly lanes: LaneReader;
  readonly state: StateStore;
  /** lanes that are being drained or stand in line for it */
  readonly drainsCount: () => number;
  readonly links: Pick<Links, 'isLinked' | 'isAllowed' | 'users' | 'linkOf'>;
  readonly sendToUser: SendToUser;
  /** the same, for what a user may not want to hear */
  readonly notify: SendToUser;
  /** ends a link, because the user deleted the gateway contact */
  readonly unlink: (user: BareJid) => Promise<void>;
  /** of what the gateway says */
  readonly languages: Pick<LanguageMemory, 'of'>;
  readonly userSettings: Pick<UserSettings, 'of' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** ms; what is left out is as the parts have it */
  readonly timing?: Pick<GhostsOptions, 'leaseMs' | 'settleMs' | 'pace'> &
    Pick<RosterSyncScheduleOptions, 'gatherMs' | 'laterMs' | 'sweepMs'>;
}

/** Subscription and presence, as the router hands them over. None of it throws. */
export interface ContactEvents {
  /** A verb of the Jabber user, to a ghost or to the gateway itself. */
  onJabberVerb(user: BareJid, peer: Account, verb: Verb): void;
  onResource(user: BareJid, peer: Account, presence: ResourcePresence): void;
  onProbe(user: BareJid, peer: Account, probe: Probe): void;
  /** A stanza for one resource, or for the account (null), came back. */
  onUndelivered(user: BareJid, peer: Account, resource: string | null, fault: FaultData): void;
  /** Is a resource of the user known to be there? */
  isPresent(user: BareJid): boolean;
  onFarPresence(user: BareJid, peer: Account, presence: FarPresence): void;
  /** Resolves when the verb is stored. */
  onFarVerb(user: BareJid, peer: Account, verb: Verb): Promise<void>;
}

export interface Contacts extends ContactEvents {
  onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  onStream(state: 'up' | 'down'): void;
  onRosterAccess(access: 'none' | 'get' | 'both'): void;
  onContact(user: BareJid, account: Account, contact: Contact | null): void;
  /** A stanza for one resource, or for the whole account (null), came back: when nobody is there, what was known of it ends. */
  onUndelivered(user: BareJid, peer: Account, resource: string | null, fault: FaultData): void;
  /** A durable event has left its lane: the other side has it, or it was refused for good. */
  onEnded(lane: Lane, event: Durable, end: 'delivered' | 'bounced'): void;
  /** Is this resource of the user there, as far as their presence is heard? */
  resourceState(user: BareJid, resource: string): ResourceState;
  /** Has the state of the subscription moved on since this verb was queued for the user? */
  isSuperseded(lane: Lane, event: Durable): boolean;
  /** What a comparison of the user's rosters would do. `mayDelete`: so many contacts may lose something, null: the usual bound. */
  plan(user: BareJid, mayDelete: number | null, signal: AbortSignal): Promise<RosterPlan>;
  /** Does it now. Both reject when a roster cannot be read. */
  reconcile(user: BareJid, mayDelete: number | null, signal: AbortSignal): Promise<RosterPlan>;
  /** The link ends: withdraws presence, subscriptions and roster items. Rejects `store-away`. */
  withdraw(user: BareJid): Promise<void>;
  /** The user may not use the bridge now: contacts go unavailable, nothing is passed on, subscriptions stay. Rejects
   * `store-away`. */
  suspend(user: BareJid): Promise<void>;
  /** The user may again. */
  resume(user: BareJid): void;
  /** Loads what was sent before. Rejects `store-away`. */
  start(): Promise<void>;
  /** Sends `unavailable` for every ghost that was shown to anybody, unless another process goes on. Never rejects. */
  stop(signal: AbortSignal, isHandedOver: boolean): Promise<void>;
}
