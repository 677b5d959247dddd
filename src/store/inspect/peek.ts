/** A look at the heads of many lanes at once. It leaves the fence of lanes.ts alone: a look disturbs no drain. */
import type { LaneLook, Stored } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import { makeScript, type Client } from '../redis/client';
import { decode } from '../lanes/envelope';
import type { Keys } from '../redis/keys';

/** ARGV lane prefix, count, lanes. Returns the place of each lane that holds something, and the head of it. */
const script = makeScript(`
local found = {}
for i = 3, #ARGV do
  local texts = redis.call('LRANGE', ARGV[1] .. ARGV[i], 0, ARGV[2] - 1)
  if #texts > 0 then
    found[#found + 1] = i - 3
    found[#found + 1] = texts
  end
end
return found
`);
export const peekScripts = [script];

/** lanes per script call: the script runs alone, others wait that long */
const batchMax = 500;

export function makePeek({ client, keys }: { readonly client: Client; readonly keys: Keys }): LaneLook {
  return {
    async peek(lanes, count) {
      const heads = new Map<LaneKey, readonly Stored[]>();
      if (count <= 0) return heads;
      for (let from = 0; from < lanes.length; from += batchMax) {
        const batch = lanes.slice(from, from + batchMax);
        const answer = await client.run(script, [], [keys.lane, count, ...batch]);
        if (!Array.isArray(answer)) throw new Fault('internal', { cause: 'peek script' });
        const found = answer as unknown[]; // any[] otherwise
        for (let i = 0; i < found.length; i += 2) {
          const [place, texts] = [found[i], found[i + 1]];
          const lane = typeof place === 'number' ? batch[place] : undefined;
          if (lane === undefined || !Array.isArray(texts)) throw new Fault('internal', { cause: 'peek script' });
          heads.set(lane, texts.map(String).map(decode));
        }
      }
      return heads;
    },
  };
}
