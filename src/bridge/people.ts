/**
 * Contacts as people: presence (announce), subscriptions (subscribe) and rosters (reconcile) behind one face.
 */
import type { Account, BareJid } from '../core/address';
import type { Fault } from '../core/fault';
import type { Contact, LinkStatus } from '../core/model';
import type { Door } from './door';
import type { Enrol } from './enroll';
import type { Clock, FarPort, JabberPort, Log, Meter, StateStore } from './ports';
import type { People as Routed } from './route';

export interface PeopleOptions {
  readonly jabber: JabberPort;
  readonly far: FarPort;
  readonly door: Pick<Door, 'accept'>;
  readonly state: StateStore;
  readonly links: Pick<Enrol, 'isLinked' | 'users' | 'linkOf'>;
  /** a message from the gateway itself to a user, through the queue */
  readonly say: (user: BareJid, text: string) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface People extends Routed {
  onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  onStream(state: 'up' | 'down'): void;
  onRosterAccess(access: 'none' | 'get' | 'both'): void;
  onContact(user: BareJid, account: Account, contact: Contact | null): void;
  /** Tells a user's contacts that the link ends: withdraws presence, removes subscriptions and roster items. */
  farewell(user: BareJid): Promise<void>;
  /** Loads what was announced before. Rejects `store-away`. */
  start(): Promise<void>;
  /** Sends `unavailable` for every ghost that was announced. Never rejects. */
  stop(signal: AbortSignal): Promise<void>;
}

export function makePeople({ far, say, log }: PeopleOptions): People {
  return {
    onJabberVerb: () => undefined,
    onResource: () => undefined,
    onProbe: () => undefined,
    onFarPresence: () => undefined,
    onFarVerb: () => Promise.resolve(),
    onStream: () => undefined,
    onRosterAccess: () => undefined,
    onContact: () => undefined,
    onSession(user, status, fault) {
      if (status === 'online') {
        far
          .setPresence(user, { show: 'online', status: null })
          .catch(() => log.debug({ peer: user }, 'presence not set'));
      }
      if (status === 'refused') say(user, fault?.text ?? 'Your account was refused.');
    },
    farewell: () => Promise.resolve(),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}
