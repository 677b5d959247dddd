/**
 * Whose contacts are there to be served: those of a link that is neither ending nor suspended, of a user who may use the
 * bridge, and that belong to the account it has now. Contacts of a link that is gone, or of another account (an entry of the configuration that was
 * removed or changed while nothing ran), are withdrawn once the component stream is up. It ends no link by itself.
 */
import type { BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import { makeTimeouts } from '../pacing/timeouts';
import type { Clock, JabberPort, Log } from '../ports';
import type { UserState } from '../state/user-state';
import type { UserStates } from '../state/user-states';
import type { LoginNotices } from './login-notices';

export interface LinkEndsOptions {
  readonly links: {
    isLinked(user: BareJid): boolean;
    isAllowed(user: BareJid): boolean;
    linkOf(user: BareJid): Link | undefined;
  };
  readonly userStates: Pick<UserStates, 'load' | 'drop'>;
  readonly notices: Pick<LoginNotices, 'accountOf'>;
  readonly jabber: Pick<JabberPort, 'isUp'>;
  /** ends what runs for the user */
  readonly endWork: (userState: UserState) => void;
  readonly withdrawContacts: (userState: UserState, ended: AbortSignal) => Promise<void>;
  /** shows every contact as unavailable */
  readonly hideContacts: (userState: UserState) => Promise<void>;
  /** contacts of another account are gone, or a suspended link goes on: the user is served from here on */
  readonly onServed: (user: BareJid) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LinkEnds {
  isServed(user: BareJid): boolean;
  /** The session of a user's link is there (again): nothing of it is ending any more. */
  onLink(user: BareJid): void;
  /** Rejects `store-away`. */
  withdraw(user: BareJid): Promise<void>;
  /** Contacts go unavailable and nothing is passed on; subscriptions stay. Rejects `store-away`. */
  suspend(user: BareJid): Promise<void>;
  resume(user: BareJid): void;
  /** Finds contacts that belong to no link any more. Rejects `store-away`. */
  find(users: readonly BareJid[]): Promise<void>;
  onStreamUp(): void;
  stop(): void;
}

/** from the stream's coming up until contacts are withdrawn: the server says by then what it lets us do with rosters */
const grantsMs = 2_000;
const all = 'all';

export function makeLinkEnds(options: LinkEndsOptions): LinkEnds {
  const { links, userStates, notices, jabber, endWork, withdrawContacts, hideContacts, onServed, clock, log } = options;
  const stopping = new AbortController();
  const ending = new Set<BareJid>();
  const suspended = new Set<BareJid>();
  const orphaned = new Set<BareJid>(); // whose contacts are those of a link or account that is gone
  const due = makeTimeouts<typeof all>({ afterMs: grantsMs, due: () => void withdrawOrphaned(), clock });

  async function withdraw(user: BareJid): Promise<void> {
    const userState = await userStates.load(user);
    ending.add(user);
    endWork(userState);
    await withdrawContacts(userState, stopping.signal);
    userStates.drop(user);
  }

  async function isOrphaned(user: BareJid): Promise<boolean> {
    const link = links.linkOf(user);
    if (!link) return true;
    const account = await notices.accountOf(user);
    return account !== null && account !== link.account;
  }

  async function withdrawOrphaned(): Promise<void> {
    for (const user of [...orphaned]) {
      if (!jabber.isUp() || stopping.signal.aborted) return;
      try {
        await withdraw(user);
        orphaned.delete(user);
        ending.delete(user);
        log.info({ peer: user }, 'contacts of a link that is gone were withdrawn');
        if (links.isLinked(user)) onServed(user);
      } catch (thrown) {
        log.warn({ peer: user, fault: toFault(thrown).code }, 'contacts of a link that is gone could not be withdrawn');
        due.begin(all);
        return;
      }
    }
  }

  return {
    isServed: (user) =>
      links.isLinked(user) && links.isAllowed(user) && !ending.has(user) && !suspended.has(user) && !orphaned.has(user),
    onLink(user) {
      if (!orphaned.has(user)) ending.delete(user);
    },
    withdraw,
    async suspend(user) {
      suspended.add(user);
      const userState = await userStates.load(user);
      endWork(userState);
      await hideContacts(userState);
    },
    resume(user) {
      if (suspended.delete(user) && links.isLinked(user)) onServed(user);
    },
    async find(users) {
      const areOrphaned = await Promise.all(users.map(isOrphaned));
      users.forEach((user, i) => areOrphaned[i] && orphaned.add(user));
    },
    onStreamUp() {
      if (orphaned.size > 0) due.begin(all);
    },
    stop() {
      stopping.abort();
      due.stop();
    },
  };
}
