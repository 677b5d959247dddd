/** How an account may log in over TCP, as types (docs/XIMSS.md 2.3): the methods, what is configured, what worked last. */
import type { Dialect } from '../protocol/dialect';
import type { Hashing } from './sasl';

export type LoginMethod = 'digest-md5' | 'cram-md5' | 'plain';

/** A method, and how it turns letters outside ASCII into bytes. */
export interface LoginWay {
  readonly method: LoginMethod;
  readonly hashing: Hashing;
}

/** What worked at the last login of an account, so that a reconnect begins with it. */
export interface LoginMemory {
  way: LoginWay | null;
}

export interface LoginSettings {
  readonly host: string;
  readonly domain: string;
  readonly starttls: 'required' | 'preferred' | 'never';
  readonly login: 'auto' | LoginMethod;
  readonly dialect: Dialect;
}
