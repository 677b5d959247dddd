/**
 * The writing half of a TCP connection: what is written in one turn of the event loop leaves in one write; on request
 * one byte at a time; never more unread bytes than allowed.
 */
import type { Socket } from 'node:net';

export class TcpWriter {
  private held = '';
  private isScheduled = false;
  private isSplit = false;
  private drops: Buffer[] = [];
  private isDripping = false;
  private isShut = false;

  /** `onStuck` is called when the peer leaves more than `maxUnreadBytes` unread. */
  constructor(
    private socket: Socket,
    private readonly maxUnreadBytes: number,
    private readonly onStuck: () => void,
  ) {}

  /** Goes on over another socket (STARTTLS). */
  moveTo(socket: Socket): void {
    this.flush();
    this.socket = socket;
  }

  write(text: string): void {
    this.held += text;
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  raw(bytes: string | Uint8Array): void {
    this.flush();
    if (!this.isShut) this.emit(Buffer.from(bytes));
  }

  /** From now on every byte goes out in a write of its own. */
  split(): void {
    this.flush();
    this.isSplit = true;
  }

  flush(): void {
    if (this.isShut || this.held === '') return;
    const text = this.held;
    this.held = '';
    this.emit(text);
    if (this.socket.writableLength > this.maxUnreadBytes) this.onStuck();
  }

  /** Everything out, then the end of the stream; the socket is torn down if the peer does not follow. */
  end(): void {
    this.flush();
    if (this.isShut) return;
    this.isShut = true;
    for (const rest of this.drops.splice(0)) this.socket.write(rest);
    this.socket.end();
    this.socket.setTimeout(5000, () => this.socket.destroy());
  }

  destroy(): void {
    this.isShut = true;
    this.socket.destroy();
  }

  private emit(data: string | Buffer): void {
    if (!this.isSplit) {
      this.socket.write(data);
      return;
    }
    this.drops.push(Buffer.from(data));
    if (this.isDripping) return;
    this.isDripping = true;
    this.drip();
  }

  /** One byte, then let the event loop turn so that the peer can read it alone. */
  private drip(): void {
    const head = this.drops[0];
    if (head === undefined || this.isShut) {
      this.isDripping = false;
      return;
    }
    if (head.length > 1) this.drops[0] = head.subarray(1);
    else this.drops.shift();
    this.socket.write(head.subarray(0, 1), () => setImmediate(() => this.drip()));
  }
}
