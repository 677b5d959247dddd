/**
 * Links that `accounts:` of the configuration makes: added, changed and ended as its entries are, when the bridge starts and
 * when the configuration is read again. An entry wins over a link that its user has made; a link without an entry ends
 * only when an entry had made it.
 */
import type { BareJid } from '../../core/address';
import type { Link } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { LinkRegistry } from './link-registry';

export type Entry = Omit<Link, 'origin'>;

export interface ConfiguredLinks {
  /** Before anything runs for any link. Rejects `store-away`. */
  start(entries: readonly Entry[]): Promise<void>;
  /** While the bridge runs. Resolves with how many links were added, changed or ended. Rejects `store-away`. */
  replace(entries: readonly Entry[]): Promise<number>;
}

export function makeConfiguredLinks(options: { readonly registry: LinkRegistry; readonly log: Log }): ConfiguredLinks {
  const { registry, log } = options;

  const unconfigured = (entries: readonly Entry[]): readonly BareJid[] => {
    const wanted = new Set(entries.map(({ user }) => user));
    return [...registry.all.values()]
      .filter(({ origin, user }) => origin === 'configured' && !wanted.has(user))
      .map(({ user }) => user);
  };
  const isNew = (entry: Entry): boolean => {
    const known = registry.all.get(entry.user);
    return known?.account !== entry.account || known.password !== entry.password || known.origin !== 'configured';
  };
  /** What the operator has suspended stays so. */
  const linkOf = (entry: Entry): Link => {
    const isSuspended = registry.all.get(entry.user)?.isSuspended === true;
    return { ...entry, origin: 'configured', ...(isSuspended ? { isSuspended } : {}) };
  };

  async function change(entry: Entry): Promise<void> {
    await registry.exclusively([entry.user, entry.account], async () => {
      const link = linkOf(entry);
      const before = registry.all.get(entry.user);
      if (before && before.account !== entry.account) await registry.end(entry.user);
      await registry.save(link);
      registry.open(link);
      log.info({ peer: entry.user, account: entry.account }, 'linked by the configuration');
    });
  }

  return {
    async start(entries) {
      for (const user of unconfigured(entries)) {
        await registry.drop(user);
        log.info({ peer: user }, 'link removed: it is no longer configured');
      }
      for (const entry of entries.filter(isNew)) await registry.save(linkOf(entry));
    },
    async replace(entries) {
      const gone = unconfigured(entries);
      for (const user of gone) {
        await registry.exclusively([user], () => registry.end(user));
        log.info({ peer: user }, 'link removed: it is no longer configured');
      }
      const changed = entries.filter(isNew);
      for (const entry of changed) await change(entry);
      return gone.length + changed.length;
    },
  };
}
