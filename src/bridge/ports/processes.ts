/**
 * Other processes of this bridge on the same store, as the middle sees them: messages between them, and what one leaves
 * for the next. What must not be lost lies in lanes; a message is now or never.
 */

/** What a process says to others. */
export interface Bus {
  /** Names this process; nobody else has it. */
  readonly self: string;
  /** Says it to one process by its `self`, or to `all` others. Never throws; what cannot be said now is dropped and counted. */
  send(to: string, message: object): void;
  /** Called for each message, in the order of each sender. Must return at once and never throw. */
  listen(listener: BusListener): void;
}

export interface BusListener {
  onMessage(from: string, message: object): void;
  /** Messages may have been missed before now: Redis was away. */
  onGap(): void;
}

/** A process as an operator sees it. */
export interface ProcessView {
  readonly name: string;
  readonly version: string;
  /** Is it the one that was asked? */
  readonly isThis: boolean;
  /** shards that it holds; 0 with no stream: it stands by */
  readonly shardCount: number;
  /** Does it hold the component stream? */
  readonly hasStream: boolean;
}

/** One text that a process leaves for whoever comes next. Both reject `store-away`. */
export interface Leftover {
  put(text: string): Promise<void>;
  /** Takes it away; null: there is none. */
  take(): Promise<string | null>;
}
