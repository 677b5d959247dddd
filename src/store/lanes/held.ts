/**
 * What was delivered and is held: the XMPP server has confirmed it, and may lose it for some seconds more should it
 * crash. One stream for all lanes, with one entry for each settlement, which writes it itself (settle.lua); bounded there by
 * count and here by age, on Redis' own clock. It decides nothing: when to put back and when to let go is said by bridge/hold.ts.
 */
import type { HeldStore } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';
import type { LaneCache } from './cache';
import { loadScript } from '../redis/scripts';

const restore = loadScript(__dirname, 'restore-held');
export const heldScripts = [restore];

/** settlements per script call: the script runs alone, others wait that long */
const pageCount = 50;

interface HeldOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly cache: Pick<LaneCache, 'clear'>;
}

export function makeHeld({ client, keys, cache }: HeldOptions): HeldStore {
  /** ms of Redis' clock, so long ago; never below 0 */
  async function timeAgo(ageMs: number): Promise<number> {
    const [seconds, micros] = await client.ask((redis) => redis.time());
    return Math.max(0, Math.floor(Number(seconds) * 1_000 + Number(micros) / 1_000 - ageMs));
  }

  return {
    async restoreHeld(ageMs) {
      const until = await timeAgo(ageMs);
      const lanes = new Set<LaneKey>();
      let count = 0;
      for (;;) {
        const answer = await client.run(
          restore,
          [keys.lanes, keys.total, keys.held],
          [keys.lane, `${until}`, pageCount],
        );
        cache.clear(); // lanes have grown at their fence
        const [entries, envelopes, ...names] = Array.isArray(answer) ? (answer as unknown[]) : []; // any[] otherwise
        if (typeof entries !== 'number' || typeof envelopes !== 'number')
          throw new Fault('internal', { cause: 'restore script' });
        for (const name of names) lanes.add(name as LaneKey); // written by a settlement from its own lane
        count += envelopes;
        if (entries < pageCount) return { lanes: [...lanes], count };
      }
    },
    async dropHeld(ageMs) {
      const oldest = await timeAgo(ageMs);
      await client.ask((redis) => redis.xtrim(keys.held, 'MINID', '=', oldest));
      return client.ask((redis) => redis.xlen(keys.held));
    },
  };
}
