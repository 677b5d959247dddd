/**
 * The fencing terms under which this process writes. A lease that is held gives its term to every write, and the store
 * compares: once another process has taken the lease, nothing of ours is written under it any more, however long this
 * process was suspended. A store that never asked for a lease (a tool, a test) writes without terms.
 */
import { Fault } from '../../core/fault';
import type { LeaseName } from '../types';

export interface Terms {
  /** What a write under this lease carries; '' where none is compared. Throws Fault `store-away` when it is not held. */
  of(name: LeaseName): string;
  /** The store refused this term, since another process holds the lease now. Ends the lease; returns the Fault that says so. */
  lost(name: LeaseName, term: string): Fault;
  /** From now on writes need terms. */
  demand(): void;
  isDemanded(): boolean;
  /** It is held; `onLost` is called once if the store says otherwise. */
  taken(name: LeaseName, term: number, onLost: (fault: Fault) => void): void;
  /** It is not held any more. */
  left(name: LeaseName): void;
}

/** The cause of a Fault: the lease is not held, so nothing was done, and nothing will be by this process. */
export class LostLease extends Error {}

export function makeTerms(): Terms {
  const held = new Map<LeaseName, { readonly term: string; readonly onLost: (fault: Fault) => void }>();
  let isDemanded = false;
  const fault = (cause: string): Fault => new Fault('store-away', { cause: new LostLease(cause), isUndone: true });

  return {
    of(name) {
      const term = held.get(name)?.term;
      if (term !== undefined) return term;
      if (isDemanded) throw fault(`the lease ${name} is not held`);
      return '';
    },
    lost(name, term) {
      const reason = fault(`another process took the lease ${name}`);
      const lease = held.get(name);
      if (lease?.term === term) {
        held.delete(name);
        lease.onLost(reason);
      }
      return reason;
    },
    demand: () => void (isDemanded = true),
    isDemanded: () => isDemanded,
    taken: (name, term, onLost) => void held.set(name, { term: String(term), onLost }),
    left: (name) => void held.delete(name),
  };
}
