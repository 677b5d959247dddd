/**
 * What a session needs from a wire, said once for TCP and HTTP: documents in, documents out, one end. A transport knows
 * neither ids nor operations, keeps no queue (the session does), and reports its end exactly once.
 */
import type { Fault } from '../../core/fault';
import type { Element } from './element';

export interface TransportEvents {
  /**
   * One document, in order. Must return at once and not throw. A promise settles when the document's content is safe; a
   * wire with acknowledgements waits for it. `place` names the document where the wire may say it again.
   */
  onDocument(document: Element, place?: string): Promise<void> | undefined;
  /** Something that could not be read was skipped; the transport goes on. */
  onUnreadable(fault: Fault): void;
  /** `isWritable` turned true again. */
  onWritable(): void;
  /** A wire that repeats by itself: nothing gets through now (why), or again (null). The session lives on. */
  onTrouble(fault: Fault | null): void;
  /** The end, once. `isUncertain`: what was sent and not answered may have happened; else it certainly did not. */
  onClose(fault: Fault, isUncertain: boolean): void;
}

export interface Transport {
  /**
   * True when the wire itself repeats a lost request without harm and rests its reading while documents are not safe
   * (HTTP): then no deadline of ours ends a request that is under way.
   */
  readonly repeatsAreSafe: boolean;
  readonly isEncrypted: boolean;
  /** May documents be given now? False while earlier ones are still on their way. */
  isWritable(): boolean;
  /** Writes the documents in order, as one piece. Never throws; after the end it does nothing. */
  send(documents: readonly Element[]): void;
  /** Stops and starts reading; what has been read is still handed out. */
  pause(): void;
  resume(): void;
  /** The server is known to be there again: a wire that repeats by itself waits no longer. */
  retryNow(): void;
  /** Ends now; idempotent. `onClose` gets this fault. */
  destroy(fault: Fault): void;
}
