/** The processes on one store (store/types.ts) in memory: messages between them, and what one leaves for the next. */
import type { BusListener } from '../../../src/bridge/ports';
import type { Processes } from '../../../src/store/types';

/** What the processes on one store share. */
export interface ProcessData {
  readonly listeners: Map<string, BusListener[]>;
  leftover: string | null;
}

/** Stores on the same data are processes of one bridge; a message is there in the next turn. */
export function makeMemoryProcesses(data: ProcessData): Processes {
  const self = `process ${data.listeners.size}`;
  const own: BusListener[] = [];
  data.listeners.set(self, own);
  return {
    join: () => Promise.resolve(),
    others: () =>
      Promise.resolve([...data.listeners.keys()].filter((one) => one !== self).map((name) => ({ name, version: '' }))),
    all: () =>
      Promise.resolve(
        [...data.listeners.keys()].map((name) => {
          return { name, version: '', isThis: name === self, shardCount: 0, hasStream: false };
        }),
      ),
    bus: {
      self,
      send(to, message) {
        const heard = [...data.listeners].filter(([name]) => name !== self && (to === 'all' || to === name));
        setImmediate(() => {
          for (const [, listeners] of heard) for (const listener of listeners) listener.onMessage(self, message);
        });
      },
      listen: (listener) => void own.push(listener),
    },
    leftover: {
      put: (text) => Promise.resolve(void (data.leftover = text)),
      take() {
        const text = data.leftover;
        data.leftover = null;
        return Promise.resolve(text);
      },
    },
  };
}
