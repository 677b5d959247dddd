/**
 * What a failed command is to the rest of the bridge: Redis is away (`store-away`), or the command itself is wrong
 * (`internal`). A refusal that passes means that nothing was done; anything else may still have been done.
 */
import { Fault } from '../../core/fault';

/** Redis' own refusals that pass when somebody acts: memory, disk, roles, loading, slots. Anything else is a mistake of ours. */
const passing =
  /^(OOM|MISCONF|READONLY|LOADING|BUSY|NOREPLICAS|MASTERDOWN|TRYAGAIN|MOVED|ASK|CLUSTERDOWN|NOAUTH|NOPERM|WRONGPASS|NOSCRIPT|UNKILLABLE)\b/;

/** Those of them that refuse every write until somebody acts; OOM lets through what makes room. */
const refusingWrites = /^(MISCONF|READONLY|NOREPLICAS)\b/;

/** Those that say that the node is no longer, or not yet, the one for this slot. */
const wrongNode = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/;

/** How ioredis wraps each error of a Cluster that may not be followed to another node (`maxRedirections` 0). */
const unfollowed = /^Too many Cluster redirections\. Last error: ReplyError: (.*)$/s;

/** What Redis itself has answered; null when the connection failed. Never throws. */
export function replyOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error)) return null;
  if (thrown.name === 'ReplyError') return thrown.message;
  return unfollowed.exec(thrown.message)?.[1] ?? null;
}

/** Never throws. */
export function storeFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const reply = replyOf(thrown);
  if (reply === null) return new Fault('store-away', { cause: thrown });
  if (!passing.test(reply)) return new Fault('internal', { cause: thrown });
  return new Fault('store-away', { cause: thrown, isUndone: true });
}

export const refusesWrites = (thrown: unknown): boolean => refusingWrites.test(replyOf(thrown) ?? '');
export const isWrongNode = (thrown: unknown): boolean => wrongNode.test(replyOf(thrown) ?? '');
export const lacksScript = (thrown: unknown): boolean => /^NOSCRIPT\b/.test(replyOf(thrown) ?? '');
