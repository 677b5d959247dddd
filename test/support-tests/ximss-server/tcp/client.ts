/** A raw XIMSS client for these tests: NUL-separated texts over a socket, no protocol knowledge. Every wait has a deadline. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface WireClient {
  /** Every document received, oldest first. */
  readonly docs: string[];
  readonly isClosed: () => boolean;
  /** Sends documents, each with its zero byte, in one write. */
  send(...documents: string[]): void;
  /** Sends bytes as they are. */
  raw(bytes: string | Buffer): void;
  /** Waits until a document matches and gives it; rejects after the deadline. Starts at `from`. */
  until(pattern: RegExp, from?: number): Promise<string>;
  /** Sends a request and waits for its response; gives everything received meanwhile, the response last. */
  ask(document: string): Promise<string[]>;
  closed(): Promise<void>;
  /** Upgrades to TLS. */
  secure(ca: string): Promise<void>;
  /** Leaves what the server sends in the socket. */
  stopReading(): void;
  end(): void;
}

const deadlineMs = 5000;

export async function wireClient(port: number, tlsCa?: string): Promise<WireClient> {
  const docs: string[] = [];
  const wakers = new Set<() => void>();
  let isClosed = false;
  let held = Buffer.alloc(0);
  const wake = (): void => {
    for (const waker of [...wakers]) waker();
  };
  const onData = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    for (let zero = held.indexOf(0); zero >= 0; zero = held.indexOf(0)) {
      docs.push(held.subarray(0, zero).toString('utf8'));
      held = held.subarray(zero + 1);
    }
    wake();
  };
  const onClose = (): void => {
    isClosed = true;
    wake();
  };
  const attach = (to: Socket): void => {
    to.on('data', onData);
    to.on('close', onClose);
    to.on('error', () => undefined);
  };
  let socket: Socket =
    tlsCa === undefined ? connectTcp(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', ca: tlsCa });
  attach(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once(tlsCa === undefined ? 'connect' : 'secureConnect', resolve);
    socket.once('error', reject);
  });

  const waitUntil = <T>(what: string, check: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = check();
        if (found === undefined) return;
        clearTimeout(timer);
        wakers.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        wakers.delete(look);
        reject(new Error(`no ${what}; closed: ${isClosed}; last: ${docs.slice(-8).join(' ')}`));
      }, deadlineMs);
      wakers.add(look);
      look();
    });

  return {
    docs,
    isClosed: () => isClosed,
    send: (...documents) => socket.write(documents.map((document) => document + '\0').join('')),
    raw: (bytes) => socket.write(bytes),
    until: (pattern, from = 0) => waitUntil(String(pattern), () => docs.slice(from).find((doc) => pattern.test(doc))),
    ask: async (document) => {
      const id = /\bid="([^"]*)"/.exec(document)?.[1] ?? '';
      const from = docs.length;
      socket.write(document + '\0');
      const prefix = `<response id="${id}"`;
      const end = await waitUntil(prefix, () => {
        const index = docs.findIndex((doc, at) => at >= from && doc.startsWith(prefix));
        return index < 0 ? undefined : index;
      });
      return docs.slice(from, end + 1);
    },
    closed: () => waitUntil('close', () => (isClosed ? true : undefined)).then(() => undefined),
    secure: async (ca) => {
      socket.removeAllListeners('data');
      const upgraded = connectTls({ socket, ca, host: 'localhost', servername: 'localhost' });
      attach(upgraded);
      await new Promise<void>((resolve, reject) => {
        upgraded.once('secureConnect', resolve);
        upgraded.once('error', reject);
      });
      socket = upgraded;
    },
    stopReading: () => void socket.pause(),
    end: () => socket.destroy(),
  };
}
