/**
 * The store: everything durable, on one Redis. Builds the pieces of this floor and nothing else.
 */
import { Fault } from '../core/fault';
import type { Store, StoreOptions } from './types';

export type * from './types';

/**
 * Starts (or connects to) Redis, checks its settings and opens the store.
 * Rejects with a Fault whose text names what to change when Redis or the key file cannot be used.
 */
export function openStore(_options: StoreOptions): Promise<Store> {
  return Promise.reject(new Fault('internal'));
}
