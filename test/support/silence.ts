/** A log that says nothing and a meter that only counts, for unit tests. */
import type { Log, Meter } from '../../src/bridge/ports';

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** A log that keeps its lines, those of its children too. */
export function recordingLog(): { readonly log: Log; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message });
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return { log, lines };
}

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
