/**
 * The other processes of this bridge on one store, as one piece: the table in which they find each other, the messages
 * between them, and what one leaves for the next. It decides nothing about who does what.
 */
import { hostname } from 'node:os';
import type { Processes } from '../types';
import { makeBus, type BusOptions } from './bus';
import { makeLeftover, type LeftoverOptions } from './leftover';
import { makeProcessTable, type ProcessTableOptions } from './table';

export interface ProcessesOptions extends BusOptions, ProcessTableOptions, LeftoverOptions {
  readonly keys: BusOptions['keys'] & ProcessTableOptions['keys'] & LeftoverOptions['keys'];
  /** names of the keys that open sealed passwords, the one that seals first */
  readonly keyIds: readonly string[];
}

/** Begins to hear the others, and ends it. */
export interface RunningProcesses extends Processes {
  /** Resolves when it hears. Rejects when the connection cannot subscribe. */
  start(): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

export function makeProcesses(options: ProcessesOptions): RunningProcesses {
  const { keyIds } = options;
  const bus = makeBus(options);
  const table = makeProcessTable(options);
  const name = `process ${process.pid} on ${hostname()}`;
  return {
    join: (agreement, version) => table.join({ name, version, agreement, keyIds }),
    others: () => table.others(),
    bus,
    leftover: makeLeftover(options),
    start: () => bus.start(),
    async close() {
      await table.leave();
      await bus.close();
    },
  };
}
