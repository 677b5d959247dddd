/**
 * "Where is it?", for any id within the dedupe window and for whatever still lies in the store: by envelope id, or by the id
 * that the sender gave. Costs nothing when messages are stored but seven characters in the window's field (lanes/append.ts);
 * a search of one user looks at that user's lanes, one of all looks at everything, in small steps. Reads only.
 */
import type { Backlog, Finding } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import type { Envelope, LaneKey } from '../../core/model';
import type { Client } from '../redis/client';
import { decode } from '../lanes/envelope';
import { nameTag } from '../lanes/groups';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';
import type { DeadLetters } from './dead-letters';
import type { LaneInspection } from './lanes';

export interface SearchOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly dedupeWindowMs: number;
  readonly inspection: Pick<LaneInspection, 'names'>;
  readonly dead: Pick<DeadLetters, 'eachDeadLetter'>;
}

const inLane = loadScript(__dirname, 'search-lane');
const inWindow = loadScript(__dirname, 'search-window');
export const searchScripts = [inLane, inWindow];

/** findings per search; nobody reads more */
const findingsMax = 20;
/** script calls on their way at once */
const atOnceCount = 50;
const scanCount = 1_000;

interface Wanted {
  readonly id: string;
  readonly user: BareJid | null;
  /** how the sender's id stands in a stored event */
  readonly json: string;
}

export function makeSearch({ client, keys, dedupeWindowMs, inspection, dead }: SearchOptions): Pick<Backlog, 'search'> {
  async function waiting({ id, user, json }: Wanted, found: Findings): Promise<void> {
    for await (const page of inspection.names(user)) {
      await inParts(page, async (lane) => {
        const flat = texts(await client.run(inLane, [keys.shardOfLane(lane).lane + lane], [id, json, findingsMax]));
        for (let i = 0; i + 1 < flat.length; i += 2) {
          const stored = decode(flat[i + 1] ?? '');
          if ('envelope' in stored && goesBy(stored.envelope, id))
            found.add(told(lane, stored.envelope, { place: 'waiting', ahead: Number(flat[i]), letterId: null }));
        }
      });
      if (found.isFull()) return;
    }
  }

  async function setAside({ id, user, json }: Wanted, found: Findings): Promise<void> {
    const isCandidate = (raw: string): boolean => raw.startsWith(`${id}\n`) || raw.includes(json);
    for await (const letter of dead.eachDeadLetter(user, isCandidate)) {
      if (letter.lane === null || !('envelope' in letter.content) || !goesBy(letter.content.envelope, id)) continue;
      found.add(told(letter.lane, letter.content.envelope, { place: 'dead', ahead: null, letterId: letter.id }));
      if (found.isFull()) return;
    }
  }

  /** What the dedupe window remembers and is neither waiting nor dead. */
  async function gone({ id, user }: Wanted, found: Findings): Promise<void> {
    const [seconds, micros] = await client.ask((redis) => redis.time());
    const bucket = Math.floor((Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)) / dedupeWindowMs);
    for (const number of [bucket, bucket - 1]) {
      const window = `s:${number}:`;
      const pattern =
        user === null
          ? `${glob(keys.prefix)}{*}:${window}*`
          : `${glob(keys.shardOfUser(user).seen)}${number}:to* ${glob(user)} *`;
      for (const node of client.primaries()) {
        let cursor = '0';
        do {
          const [next, page] = await client.ask(() => node.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount));
          cursor = next;
          await inParts(page, async (key) => {
            const lane = key.slice(key.indexOf(window) + window.length) as LaneKey; // the window's keys are made of lane keys
            for (const envelopeId of await remembered(key, id)) found.add(departed(lane, envelopeId));
          });
          if (found.isFull()) return;
        } while (cursor !== '0');
      }
    }
  }

  async function remembered(key: string, id: string): Promise<readonly string[]> {
    const ids: string[] = [];
    let cursor = '0';
    do {
      const [next = '0', ...fits] = texts(await client.run(inWindow, [key], [cursor, id, nameTag(id)]));
      ids.push(...fits);
      cursor = next;
    } while (cursor !== '0');
    return ids;
  }

  return {
    async search({ id, user }) {
      const wanted: Wanted = { id, user, json: `"id":${JSON.stringify(id)}` };
      const found = makeFindings();
      for (const look of [waiting, setAside, gone]) if (!found.isFull()) await look(wanted, found);
      return found.all();
    },
  };
}

interface Findings {
  /** The first finding of an envelope stays: the window remembers also what waits. */
  add(finding: Finding): void;
  isFull(): boolean;
  all(): readonly Finding[];
}

function makeFindings(): Findings {
  const found = new Map<string, Finding>();
  return {
    add(finding) {
      const name = `${finding.lane} ${finding.envelopeId}`;
      if (found.size < findingsMax && !found.has(name)) found.set(name, finding);
    },
    isFull: () => found.size >= findingsMax,
    all: () => [...found.values()],
  };
}

function goesBy({ id, event }: Envelope, wanted: string): boolean {
  return id === wanted || (event.kind === 'message' && event.id === wanted);
}

function told(lane: LaneKey, envelope: Envelope, where: Pick<Finding, 'place' | 'ahead' | 'letterId'>): Finding {
  const { id, acceptedAt, attempts, lastFault, history = [] } = envelope;
  return { lane, envelopeId: id, ...where, acceptedAt, attempts, lastFault, history };
}

function departed(lane: LaneKey, envelopeId: string): Finding {
  const unknown = { ahead: null, letterId: null, acceptedAt: null, attempts: null, lastFault: null, history: [] };
  return { lane, envelopeId, place: 'gone', ...unknown };
}

async function inParts<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < all.length; i += atOnceCount) await Promise.all(all.slice(i, i + atOnceCount).map(act));
}

const texts = (answer: unknown): readonly string[] => (Array.isArray(answer) ? answer.map(String) : []);
/** Redis' patterns, taken literally. */
const glob = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&');
