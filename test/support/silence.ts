/** A log that says nothing and a meter that only counts, for unit tests. */
import type { Log, Meter } from '../../src/bridge/ports';

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

export interface CountingMeter extends Meter {
  /** the sum over all labels */
  total(name: string): number;
}

export function countingMeter(): CountingMeter {
  const totals = new Map<string, number>();
  return {
    count: (name, _labels, by = 1) => void totals.set(name, (totals.get(name) ?? 0) + by),
    gauge: (name, value) => void totals.set(name, value),
    observe: () => undefined,
    total: (name) => totals.get(name) ?? 0,
  };
}
