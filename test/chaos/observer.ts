/**
 * Watches the bridge from outside for the message tracker: Redis' MONITOR tells what was really stored (the effects of the
 * scripts, not what was asked for), the bridge's own log tells what has left its lane. What it misses while it connects
 * anew is only not known; it never says more than it saw.
 */
import { connect, type Socket } from 'node:net';
import { pause } from '../support/wait';
import type { MessageTracker } from './message-tracker';

export interface Observer {
  onLog(line: Readonly<Record<string, unknown>>): void;
  close(): Promise<void>;
}

const pushing = /^\+\S+ \[\d+ lua\] "RPUSH" /;
const quoted = /"((?:[^"\\]|\\.)*)"/g;
/** a stored message, in MONITOR's way of quoting: envelope id first, our text somewhere in it */
const envelope = /^([0-9a-f-]{36})\\n.*?\bkind\W+message\b.*?((?:toFar|toJabber) u\d+-p\d+ \d+)/;

/** Begins to watch the Redis on this port of the loopback. */
export function startObserver(port: number, tracker: MessageTracker): Observer {
  const texts = new Map<string, string>(); // by envelope id
  let isOver = false;
  let socket: Socket | null = null;

  function onLine(line: string): void {
    if (!pushing.test(line)) return;
    for (const [, raw = ''] of line.matchAll(quoted)) {
      const [, id, text] = envelope.exec(raw) ?? [];
      if (id === undefined || text === undefined) continue;
      texts.set(id, text);
      tracker.stored(text);
    }
  }

  /** One connection from its beginning to its end. */
  function watchOnce(): Promise<void> {
    return new Promise((resolve) => {
      let rest = '';
      const here = connect({ port, host: '127.0.0.1' }, () => void here.write('MONITOR\r\n'));
      socket = here;
      here.setEncoding('utf8');
      here.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\r\n');
        rest = lines.pop() ?? '';
        for (const line of lines) onLine(line);
      });
      here.on('error', () => undefined); // it is down: tried again
      here.on('close', () => resolve());
    });
  }

  async function watch(): Promise<void> {
    while (!isOver) {
      await watchOnce();
      await pause(20);
    }
  }

  const watching = watch();
  return {
    onLog(line) {
      if (line['msg'] !== 'delivered' || typeof line['env'] !== 'string') return;
      const text = texts.get(line['env']);
      if (text !== undefined) tracker.settled(text);
    },
    async close() {
      isOver = true;
      socket?.destroy();
      await watching;
    },
  };
}
