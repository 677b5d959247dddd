/**
 * What goes out on one stream, in order: everything of one turn of the event loop is one write, and what the server does not take is
 * bounded. It knows no stanzas.
 */

/** Written and not yet taken by the server: more is refused. */
const unsentBytes = 16 * 1024 * 1024;

export interface WriteBuffer {
  /** Queues a text, whatever the bound: for what a stream needs to begin and to end. */
  push(text: string): void;
  /** Queues a text; false, and nothing queued, when the bound is reached. */
  offer(text: string): boolean;
  /** Writes at once what is queued. */
  flush(): void;
  /** Forgets what is queued. */
  clear(): void;
}

export interface WriteBufferOptions {
  readonly write: (text: string) => void;
  /** bytes that the socket still holds */
  readonly unsentBytes: () => number;
}

export function makeWriteBuffer(options: WriteBufferOptions): WriteBuffer {
  let queued: string[] = [];
  let queuedChars = 0;

  const flush = (): void => {
    if (queued.length === 0) return;
    const text = queued.join('');
    queued = [];
    queuedChars = 0;
    options.write(text);
  };

  const push = (text: string): void => {
    if (queued.length === 0) setImmediate(flush);
    queued.push(text);
    queuedChars += text.length;
  };

  return {
    push,
    offer(text) {
      if (options.unsentBytes() + queuedChars + text.length > unsentBytes) return false;
      push(text);
      return true;
    },
    flush,
    clear() {
      queued = [];
      queuedChars = 0;
    },
  };
}
