/**
 * Cuts a TCP byte stream at its zero bytes (docs/XIMSS.md 1.1). Holds at most one unfinished document and never more
 * than the limit: what grows beyond is refused once and then skipped up to its zero byte, so that one monstrous document
 * costs its own loss and not the connection. Nothing is kept between documents. It does not look inside; that is codec.ts.
 */
import { Fault } from '../../core/fault';

export interface FrameSink {
  onFrame(bytes: Uint8Array): void;
  /** xml-limit, once for each document that was too long. */
  onOversize(fault: Fault): void;
}

const smallestBufferBytes = 512;

export class TcpFramer {
  private buffer: Buffer | null = null;
  private bufferedLength = 0;
  private isSkipping = false;

  constructor(private readonly limitBytes: number) {}

  /** True while part of a document has arrived. */
  get isHolding(): boolean {
    return this.bufferedLength > 0 || this.isSkipping;
  }

  /** Takes bytes and hands out what they complete, in order. A frame is valid only during the call. Empty ones are dropped. */
  push(chunk: Uint8Array, sink: FrameSink): void {
    let from = 0;
    while (from < chunk.length) {
      const zero = chunk.indexOf(0, from);
      const end = zero < 0 ? chunk.length : zero;
      this.take(chunk.subarray(from, end), zero >= 0, sink);
      from = end + 1;
    }
  }

  private take(part: Uint8Array, isWhole: boolean, sink: FrameSink): void {
    if (!this.isSkipping && this.bufferedLength + part.length > this.limitBytes) {
      this.drop();
      this.isSkipping = true;
      sink.onOversize(new Fault('xml-limit', { cause: 'document size' }));
    }
    if (this.isSkipping) {
      if (isWhole) this.isSkipping = false;
      return;
    }
    if (!isWhole) return this.hold(part);
    if (this.buffer === null) {
      if (part.length > 0) sink.onFrame(part);
      return;
    }
    this.hold(part);
    const frame = this.buffer.subarray(0, this.bufferedLength);
    this.drop();
    sink.onFrame(frame);
  }

  private hold(part: Uint8Array): void {
    const length = this.bufferedLength + part.length;
    if (this.buffer === null || this.buffer.length < length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(this.limitBytes, Math.max(smallestBufferBytes, length, 2 * (this.buffer?.length ?? 0))),
      );
      if (this.buffer !== null) this.buffer.copy(grown, 0, 0, this.bufferedLength);
      this.buffer = grown;
    }
    this.buffer.set(part, this.bufferedLength);
    this.bufferedLength = length;
  }

  private drop(): void {
    this.buffer = null;
    this.bufferedLength = 0;
  }
}
