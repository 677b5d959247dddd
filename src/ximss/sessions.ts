/**
 * One far session per link, and the FarPort of the middle on top of them.
 */
import type { Clock, FarListener, FarPort, Log, Meter } from '../bridge/ports';
import type { Dialect } from './dialect';

export interface FarSettings {
  /** ximss://host:port, ximss+tls://host:port, http://host:port or https://host:port */
  readonly server: string;
  /** the XIMSS home domain */
  readonly domain: string;
  /** TCP only */
  readonly starttls: 'required' | 'preferred' | 'never';
  readonly login: 'auto' | 'cram-md5' | 'plain' | 'digest-md5';
  /** an extra trusted authority: PEM text, not a path */
  readonly ca: string | null;
  readonly keepAliveMs: number;
  readonly requestTimeoutMs: number;
  readonly maxDocumentBytes: number;
  readonly dialect: Partial<Dialect>;
}

export interface FarOptions {
  readonly settings: FarSettings;
  readonly listener: FarListener;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** The far network behind XIMSS. Nothing is opened before `open` is called. */
export function makeFar(options: FarOptions): FarPort {
  void options;
  throw new Error('not built yet');
}
