/** Comparisons of a user's two rosters for the operator: what one would do, and doing it. */
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Links } from '../accounts/links';
import type { Contacts } from '../contacts/types';
import type { Handlers } from './handlers';
import { rosterView } from './views';

/** for reading two rosters and writing what differs */
const rostersMs = 60_000;

export function makeRosterHandlers(options: {
  readonly links: Pick<Links, 'isLinked'>;
  readonly contacts: Pick<Contacts, 'plan' | 'reconcile'>;
}): Handlers<'rosters show' | 'rosters compare'> {
  const { links, contacts } = options;

  function mustBeLinked(user: BareJid): void {
    if (!links.isLinked(user)) throw new Fault('not-linked', { reason: 'noLink' });
  }

  return {
    async 'rosters show'({ user }) {
      mustBeLinked(user);
      return rosterView(await contacts.plan(user, null, AbortSignal.timeout(rostersMs)));
    },
    async 'rosters compare'({ user, mayTake }) {
      mustBeLinked(user);
      return rosterView(await contacts.reconcile(user, mayTake, AbortSignal.timeout(rostersMs)));
    },
  };
}
