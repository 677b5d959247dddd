/**
 * What every part is given of the machine it runs on: time and chance, a log, counters. They are arguments, so that what
 * is decided can be tested with any time; ops makes the real ones. Nothing here reads a clock by itself.
 */
import type { LogLevel } from './admin/table';

/** Wall clock and dice as arguments, so that the core stays pure and tests own the time. */
export interface Clock {
  /** ms since the epoch */
  now(): number;
  /** ms on a clock that never jumps; only differences mean something */
  monotonic(): number;
  /** uniform in [0, 1) */
  dice(): number;
  /** Resolves after `ms`, rejects with the signal's reason when it aborts; the timer dies with it. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Structured logging as the layers use it; pino's Logger fits. Never given a body, a password or raw XML. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: object): Log;
}

/** The log of the whole program: its level, and that of all its children, can change while it is used. */
export interface RootLog extends Log {
  readonly level: string;
  changeLevel(level: LogLevel): void;
}

/** Counters by name. Names and labels are listed in ops/metrics.ts; an unknown name throws in tests. */
export interface Meter {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}
