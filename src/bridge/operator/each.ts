/** The same for several at once: what fails is told and the rest goes on, unless the store is away. */
import { toFault } from '../../core/fault';
import type { Done } from '../ports';

/** how many are under way together */
const atOnceCount = 50;

/** Does `act` for each id, in order, so many at a time. Rejects `store-away` and `internal`: then some may be done. */
export async function doEach<T extends string>(
  ids: readonly T[],
  act: (id: T) => Promise<unknown>,
  atOnce = atOnceCount,
): Promise<Done> {
  const failed: Done['failed'][number][] = [];
  const one = async (id: T): Promise<void> => {
    try {
      await act(id);
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'store-away' || fault.code === 'internal') throw fault;
      failed.push({ id, code: fault.code, text: fault.text });
    }
  };
  for (let i = 0; i < ids.length; i += atOnce) await Promise.all(ids.slice(i, i + atOnce).map(one));
  return { done: ids.length - failed.length, failed };
}
