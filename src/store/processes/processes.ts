/**
 * The other processes of this bridge on one store, as one piece: the table in which they find each other, the messages
 * between them, and what one leaves for the next. It decides nothing about who does what.
 */
import { hostname } from 'node:os';
import type { Leases, Processes } from '../types';
import { makeBus, type BusOptions } from './bus';
import { makeLeftover, type LeftoverOptions } from './leftover';
import { makeProcessTable, type ProcessTableOptions } from './table';

export interface ProcessesOptions extends Omit<BusOptions, 'self'>, Omit<ProcessTableOptions, 'self'>, LeftoverOptions {
  readonly keys: BusOptions['keys'] & ProcessTableOptions['keys'] & LeftoverOptions['keys'];
  /** names of the keys that open sealed passwords, the one that seals first */
  readonly keyIds: readonly string[];
  readonly leases: Pick<Leases, 'self' | 'holders'>;
  /** null: process id and host name */
  readonly name: string | null;
}

/** Begins to hear the others, and ends it. */
export interface RunningProcesses extends Processes {
  /** Resolves when it hears. Rejects when the connection cannot subscribe. */
  start(): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

export function makeProcesses(options: ProcessesOptions): RunningProcesses {
  const { keyIds, leases } = options;
  const { self } = leases;
  const bus = makeBus({ ...options, self });
  const table = makeProcessTable({ ...options, self });
  const name = options.name ?? `process ${process.pid} on ${hostname()}`;
  return {
    join: (agreement, version) => table.join({ name, version, agreement, keyIds }),
    others: () => table.others(),
    async all() {
      const [rows, holders] = await Promise.all([table.all(), leases.holders()]);
      const held = [...holders];
      return rows
        .map((row) => ({
          name: row.name,
          version: row.version,
          isThis: row.self === self,
          shardCount: held.filter(([lease, holder]) => lease !== 'stream' && holder === row.self).length,
          hasStream: holders.get('stream') === row.self,
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    bus,
    leftover: makeLeftover(options),
    start: () => bus.start(),
    async close() {
      await table.leave();
      await bus.close();
    },
  };
}
