/** What the lanes are given: the connection, the keys, what they share with the rest of the store, and their bounds. Types only. */
import type { Terms } from '../leases/terms';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';
import type { LaneCache } from './cache';
import type { Totals } from './totals';

export interface LaneOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly terms: Terms;
  readonly cache: LaneCache;
  readonly totals: Totals;
  readonly dedupeWindowMs: number;
  /** how long a client's own id says that a message is the same; default 5 minutes */
  readonly liveWindowMs?: number;
  readonly laneMax: number;
  readonly totalMax: number;
  readonly deadMax: number;
  readonly deadAgeMs: number;
  /** ms since the epoch, as this process believes */
  readonly clock: { now(): number };
}
