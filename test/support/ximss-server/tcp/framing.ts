/**
 * TCP framing, docs/XIMSS.md 1.1: UTF-8 text, one zero byte after each document.
 * Holds at most `maxBytes` of an unfinished document; refuses more, and bytes that are not UTF-8.
 */
import { isUtf8 } from 'node:buffer';

export class FrameError extends Error {}

export class Framer {
  private held = Buffer.alloc(0);
  private heldBytes = 0;

  constructor(private maxBytes: number) {}

  /** A larger limit after login, a smaller one before. */
  limit(maxBytes: number): void {
    this.maxBytes = maxBytes;
  }

  /** True when part of a document has arrived. */
  get isHolding(): boolean {
    return this.heldBytes > 0;
  }

  /** Takes bytes, hands out the documents they complete; when `wants()` turns false it stops and returns the rest. */
  push(chunk: Buffer, onText: (text: string) => void, wants: () => boolean = () => true): Buffer | null {
    let from = 0;
    while (from < chunk.length) {
      if (!wants()) return chunk.subarray(from);
      const zero = chunk.indexOf(0, from);
      const end = zero < 0 ? chunk.length : zero;
      if (this.heldBytes + end - from > this.maxBytes) throw new FrameError('document is too long');
      if (zero < 0) {
        this.hold(chunk.subarray(from));
        return null;
      }
      let frame = chunk.subarray(from, zero);
      if (this.heldBytes > 0) {
        this.hold(frame);
        frame = this.held.subarray(0, this.heldBytes);
        this.held = Buffer.alloc(0);
        this.heldBytes = 0;
      }
      from = zero + 1;
      if (!isUtf8(frame)) throw new FrameError('not UTF-8');
      onText(frame.toString('utf8'));
    }
    return null;
  }

  /** One growing buffer, doubled when full: a document sent byte by byte costs no more than its size. */
  private hold(part: Buffer): void {
    const needed = this.heldBytes + part.length;
    if (needed > this.held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.held.length * 2, 512));
      this.held.copy(larger, 0, 0, this.heldBytes);
      this.held = larger;
    }
    part.copy(this.held, this.heldBytes);
    this.heldBytes = needed;
  }
}
