/**
 * Every key in Redis, in one table. All begin with the prefix (default `bridge:`), so that a Redis can be shared.
 * Those that are there once for each lane have short names: they are the larger part of a short lane.
 * One Redis only: the scripts touch keys of different slots, so Redis Cluster is not supported.
 *
 * | key                      | type   | what                                                                        |
 * | ------------------------ | ------ | --------------------------------------------------------------------------- |
 * | version                  | string | version of this layout; any other is refused (check.ts)                     |
 * | l:LANE                   | list   | envelopes of a lane, oldest first: `id LF json` (envelope.ts)               |
 * | lanes                    | zset   | keys of the lanes that hold something, all scores 0, so ordered by name     |
 * | total                    | string | envelopes in all lanes                                                      |
 * | s:BUCKET:LANE            | hash   | dedupe window: what was appended in one span of time (lanes.ts); expires    |
 * | dead                     | stream | dead letters: `lane`, `raw` (as in the lane)                                |
 * | held                     | stream | delivered, perhaps not on the server's disk yet: `lane`, `raw` for each     |
 * | links                    | hash   | Jabber user -> JSON with the sealed password                                |
 * | provisioned              | hash   | the same for each account that was made, kept when its link ends            |
 * | notes                    | hash   | Jabber user -> sealed note of the far session (records/session-notes.ts)    |
 * | state:TABLE:USER         | hash   | small states of a user                                                      |
 * | users:TABLE              | zset   | users that have something in the table, all scores 0                        |
 * | attempt:DIGEST           | hash   | tries at secrets of a user or an account (records/attempts.ts); expires     |
 * | attempts                 | zset   | the keys of those, scored by the time of the last try                       |
 * | lease                    | string | `token id` of the leading process; expires                                  |
 * | lease-token              | string | counter of leaders                                                          |
 * | bull:drain:…             |        | BullMQ's queue of drain jobs (scheduler.ts)                                  |
 */
export interface Keys {
  readonly version: string;
  /** + lane key */
  readonly lane: string;
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
  /** + digest of a name */
  readonly attempt: string;
  readonly attempts: string;
  readonly lease: string;
  readonly leaseToken: string;
  /** prefix of BullMQ's own keys */
  readonly bull: string;
}

export const defaultPrefix = 'bridge:';
export const queueName = 'drain';

/** The keys under a prefix. Never throws. */
export function makeKeys(prefix: string = defaultPrefix): Keys {
  return {
    version: `${prefix}version`,
    lane: `${prefix}l:`,
    lanes: `${prefix}lanes`,
    total: `${prefix}total`,
    seen: `${prefix}s:`,
    dead: `${prefix}dead`,
    held: `${prefix}held`,
    links: `${prefix}links`,
    provisioned: `${prefix}provisioned`,
    notes: `${prefix}notes`,
    state: `${prefix}state:`,
    users: `${prefix}users:`,
    attempt: `${prefix}attempt:`,
    attempts: `${prefix}attempts`,
    lease: `${prefix}lease`,
    leaseToken: `${prefix}lease-token`,
    bull: `${prefix}bull`,
  };
}
