/**
 * Finding people in the far directory: who is linked asks as themselves. A server without a directory is remembered as such
 * until one of its answers says otherwise; an address is found also there. A few searches run at once, since each may cost
 * the far server much. It shows nothing by itself and keeps nobody.
 */
import { parseAccount, type Account, type BareJid } from '../core/address';
import { Fault } from '../core/fault';
import type { DirectoryEntry } from '../core/model';
import { cleanXmlText } from '../core/text';
import type { DirectoryPort, FarPort } from './ports';

export interface DirectoryOptions {
  readonly far: Pick<FarPort, 'search'>;
  readonly isLinked: (user: BareJid) => boolean;
}

/** People that a search finds, at most. */
const foundMax = 500;
/** searches at once */
const busyMax = 20;
/** characters of a text to look for */
const textMax = 100;

export function makeDirectory({ far, isLinked }: DirectoryOptions): DirectoryPort {
  let isThere = true;
  let busyCount = 0;

  async function ask(user: BareJid, text: string): Promise<readonly DirectoryEntry[] | null> {
    if (busyCount >= busyMax) throw new Fault('rate-limited', { reason: 'searchesMany' });
    busyCount += 1;
    try {
      const found = await far.search(user, text, foundMax);
      isThere = found !== null;
      return found;
    } finally {
      busyCount -= 1;
    }
  }

  return {
    isThere: () => isThere,
    async search(user, typed) {
      if (!isLinked(user)) throw new Fault('not-linked');
      const text = cleanXmlText(typed.slice(0, textMax)).text.trim();
      if (text === '') throw new Fault('not-acceptable', { reason: 'nothingToFind' });
      const named = text.includes('@') ? parseAccount(text) : null;
      const found = await ask(user, text);
      if (found === null && named === null) throw new Fault('not-implemented', { reason: 'noDirectory' });
      const others = [...(found ?? [])].filter(({ account }) => account !== named).sort(byName);
      return named === null ? others : [found?.find(({ account }) => account === named) ?? unnamed(named), ...others];
    },
  };
}

const unnamed = (account: Account): DirectoryEntry => ({ account, name: null, email: null });

/** The same for the same people, whatever the order in which the server names them: pages must fit together. */
function byName(a: DirectoryEntry, b: DirectoryEntry): number {
  const [one, other] = [`${a.name ?? ''} ${a.account}`, `${b.name ?? ''} ${b.account}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
