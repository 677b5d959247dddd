/**
 * A far network as the middle sees it: one session for each link, in words of no protocol. Rejections and throws across
 * this seam are Faults, nothing else.
 */
import type { Account, BareJid } from '../../core/address';
import type { Fault } from '../../core/fault';
import type {
  ChatState,
  Contact,
  DirectoryEntry,
  Envelope,
  Event,
  Link,
  LinkStatus,
  Profile,
  ResourcePresence,
} from '../../core/model';

/** A far network: one session per link. XIMSS is the first implementation. */
export interface FarPort {
  /** Says who is told what happens. Before any link is opened; once. */
  start(listener: FarListener): void;
  /** Looks whether the far server is there, so that it is known (and logged) also when nobody logs in. Never throws. */
  check(): void;
  /** Why the far server cannot be used now; null: it can, as far as is known. */
  absence(): Fault | null;
  /** Opens a session and keeps it up; a second call with other credentials replaces them; idempotent otherwise. */
  open(link: Link): void;
  /** Tries again now for those who wait or were refused; open sessions are left alone. Never throws. */
  reconnect(users: Iterable<BareJid>): void;
  /** Logs out and forgets; resolves when the session is gone or a deadline passed. Never rejects. */
  close(user: BareJid): Promise<void>;
  status(user: BareJid): LinkStatus;
  /**
   * Tries a password without keeping the session. Rejects not-authorized (clearly wrong), login-refused
   * (refused in other words), too-many-sessions, needs-user, unavailable, timeout, no-tls. */
  verify(account: Account, password: string, signal: AbortSignal): Promise<void>;
  /**
   * Sends in order, pipelined where the wire can. One promise per envelope, in the same order; each settles by itself.
   * Rejections: `refused` and the like are final, `unavailable` was not sent, `unknown-outcome` may have been.
   * Where the wire makes repeats harmless, an unknown outcome is never reported.
   */
  deliver(user: BareJid, peer: Account, envelopes: readonly Envelope[]): readonly Promise<void>[];
  /** Now or never; dropped while the session is down. */
  sendChatState(user: BareJid, peer: Account, event: ChatState): void;
  /** Own presence of the account; remembered and repeated by the caller after a reconnect. */
  setPresence(user: BareJid, presence: Pick<ResourcePresence, 'show' | 'status'>): Promise<void>;
  roster(user: BareJid): Promise<readonly Contact[]>;
  /** Adds or changes name and groups (hidden groups are written back). */
  setContact(user: BareJid, contact: Pick<Contact, 'account' | 'name' | 'groups' | 'hiddenGroups'>): Promise<void>;
  removeContact(user: BareJid, peer: Account): Promise<void>;
  /** Who a contact is, as the user may see it; null: nothing is told. Rejects `unavailable`, `timeout`, `refused`. */
  profile(user: BareJid, peer: Account): Promise<Profile | null>;
  /**
   * People whose name, e-mail or account holds the text, `limitCount` at most; null: there is no directory for this user.
   * Rejects `unavailable`, `timeout`.
   */
  search(user: BareJid, text: string, limitCount: number): Promise<readonly DirectoryEntry[] | null>;
  /** Logs every session out in parallel until the signal aborts; then drops them. */
  stop(signal: AbortSignal): Promise<void>;
}

/** What the far side tells the middle. */
export interface FarListener {
  /**
   * Resolves when a durable event is stored (at once for others), so that a wire with acknowledgements can wait for it.
   * `identity` names the event for the dedupe window when the network gives something to name it by, else null.
   */
  onEvent(user: BareJid, peer: Account, event: Event, identity: string | null): Promise<void>;
  onStatus(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  /** Asked when many must log in at once: a user with a greater number goes before one with a smaller. Must be quick. */
  urgency(user: BareJid): number;
  /** For a day the far server has not let this user in, and why; said once, until a session is had again. */
  onLongRefusal(user: BareJid, fault: Fault): void;
  /** A roster entry changed, or is gone (null). */
  onContact(user: BareJid, account: Account, contact: Contact | null): void;
  /** The far server has a word for this user (an alert). */
  onAlert(user: BareJid, text: string): void;
}
