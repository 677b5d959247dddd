/**
 * Every key in Redis, in one table. All begin with the prefix (default `bridge:`), so that a Redis can be shared. What
 * follows it in braces says which keys lie together, also in a Redis Cluster (its hash tags): `{N}` those of shard N,
 * `{c}` what is common to all. A script touches keys of one tag only, and each of them is declared, so that nothing is done
 * by half while a Cluster moves a slot. Those that are there once for each lane have short names: they are the larger part
 * of a short lane.
 *
 * | key               | type   | what                                                                               |
 * | ----------------- | ------ | ---------------------------------------------------------------------------------- |
 * | {N}:l:LANE        | list   | envelopes of a lane, oldest first: `id LF json` (envelope.ts)                      |
 * | {N}:lanes         | zset   | keys of the lanes that hold something, all scores 0, so ordered by name            |
 * | {N}:total         | string | envelopes in all lanes of the shard                                                |
 * | {N}:s:BUCKET:LANE | hash   | dedupe window: what was appended in one span of time (lanes.ts); expires           |
 * | {N}:dead          | stream | dead letters: `lane`, `raw` (as in the lane)                                       |
 * | {N}:held          | stream | delivered, perhaps not on the server's disk yet: `lane`, `raw` for each            |
 * | {N}:links         | hash   | Jabber user -> JSON with the sealed password                                       |
 * | {N}:provisioned   | hash   | the same for each account that was made, kept when its link ends                   |
 * | {N}:notes         | hash   | Jabber user -> sealed note of the far session (records/session-notes.ts)           |
 * | {N}:state:TABLE:USER | hash | small states of a user                                                            |
 * | {N}:users:TABLE   | zset   | users that have something in the table, all scores 0                               |
 * | {N}:lease         | string | who holds the shard (leases/leases.ts); expires                                    |
 * | {N}:term          | string | counter of its holders                                                             |
 * | {N}:stream-term   | string | term of the stream's holder, copied here when it took the stream                   |
 * | {N}:bull:drain:…  |        | BullMQ's queue of drain jobs of lanes to the far side (queue/bullmq.ts)            |
 * | {c}:version       | string | version of this layout; any other is refused or migrated (layout.ts)               |
 * | {c}:shards        | string | how many shards there are                                                          |
 * | {c}:attempt:DIGEST | hash  | tries at secrets of a user or an account (records/attempts.ts); expires            |
 * | {c}:attempts      | zset   | the keys of those, scored by the time of the last try                              |
 * | {c}:audit         | stream | what operators did (records/audit.ts)                                              |
 * | {c}:stream-lease  | string | who holds the component stream; expires                                            |
 * | {c}:stream-term   | string | counter of its holders                                                             |
 * | {c}:processes     | hash   | process -> what it says of itself, and when (processes/table.ts)                   |
 * | {c}:to:PROCESS, {c}:to:all | channel | messages between processes (processes/bus.ts)                            |
 * | {c}:leftover      | string | what a process leaves for the next (processes/leftover.ts); expires                |
 * | {c}:bull:drain:…  |        | BullMQ's queue of drain jobs of lanes to the Jabber side                           |
 * | version, lease    | string | without a tag: what keeps a first-edition program away (layout.ts)                 |
 */
import { Fault } from '../../core/fault';
import type { BareJid } from '../../core/address';
import type { LaneKey } from '../../core/model';
import { shardOf, userOf } from '../../core/shard';

/** The keys of one shard. */
export interface ShardKeys {
  readonly number: number;
  /** + lane key */
  readonly lane: string;
  /** where, in bytes from 1, the lane key begins in the key of its list */
  readonly nameAt: number;
  readonly lanes: string;
  readonly total: string;
  /** + bucket number, `:`, lane key */
  readonly seen: string;
  readonly dead: string;
  readonly held: string;
  readonly links: string;
  readonly provisioned: string;
  readonly notes: string;
  /** + table, `:`, user */
  readonly state: string;
  /** + table */
  readonly users: string;
  readonly lease: string;
  readonly term: string;
  readonly streamTerm: string;
  /** prefix of BullMQ's own keys */
  readonly bull: string;
}

export interface Keys {
  readonly prefix: string;
  /** of shards 0, 1, … */
  readonly shards: readonly ShardKeys[];
  /** The shard of a user, of a lane. Never throws. */
  shardOfUser(user: BareJid): ShardKeys;
  shardOfLane(lane: LaneKey): ShardKeys;
  readonly version: string;
  readonly shardCount: string;
  /** + digest of a name */
  readonly attempt: string;
  readonly attempts: string;
  readonly audit: string;
  readonly streamLease: string;
  readonly streamTerm: string;
  readonly processes: string;
  /** + process, or `all` */
  readonly channel: string;
  readonly leftover: string;
  readonly bull: string;
}

const defaultPrefix = 'bridge:';
const defaultShards = 16;
export const queueName = 'drain';

/** The keys under a prefix. Throws Fault `internal` when the prefix holds a brace: it would be taken for the tag. */
export function makeKeys(prefix: string = defaultPrefix, shardCount: number = defaultShards): Keys {
  if (/[{}]/.test(prefix)) throw new Fault('internal', { cause: 'the prefix of the keys holds a brace' });
  const shards = Array.from({ length: shardCount }, (_, number) => shardKeys(prefix, number));
  const [first] = shards;
  if (first === undefined) throw new Fault('internal', { cause: 'a store has at least one shard' });
  const common = `${prefix}{c}:`;
  const shardOfUser = (user: BareJid): ShardKeys => shards[shardOf(user, shardCount)] ?? first;
  return {
    prefix,
    shards,
    shardOfUser,
    shardOfLane: (lane) => shardOfUser(userOf(lane)),
    version: `${common}version`,
    shardCount: `${common}shards`,
    attempt: `${common}attempt:`,
    attempts: `${common}attempts`,
    audit: `${common}audit`,
    streamLease: `${common}stream-lease`,
    streamTerm: `${common}stream-term`,
    processes: `${common}processes`,
    channel: `${common}to:`,
    leftover: `${common}leftover`,
    bull: `${common}bull`,
  };
}

function shardKeys(prefix: string, number: number): ShardKeys {
  const tag = `${prefix}{${number}}:`;
  return {
    number,
    lane: `${tag}l:`,
    nameAt: Buffer.byteLength(`${tag}l:`) + 1,
    lanes: `${tag}lanes`,
    total: `${tag}total`,
    seen: `${tag}s:`,
    dead: `${tag}dead`,
    held: `${tag}held`,
    links: `${tag}links`,
    provisioned: `${tag}provisioned`,
    notes: `${tag}notes`,
    state: `${tag}state:`,
    users: `${tag}users:`,
    lease: `${tag}lease`,
    term: `${tag}term`,
    streamTerm: `${tag}stream-term`,
    bull: `${tag}bull`,
  };
}
