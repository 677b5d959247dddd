/**
 * A TCP proxy on loopback that misbehaves on command, between the bridge and any server: single-byte writes, a cut,
 * a half-open connection (it stays open and nothing passes), a slow peer. Nothing is parsed.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  readonly port: number;
  /** From now on every write goes out as single bytes, in both directions. */
  splitBytes(isOn: boolean): void;
  /** True: the connections stay open and nothing passes any more, new ones too; what came meanwhile is lost with them. */
  blackhole(isOn: boolean): void;
  /** Cuts every connection without a word. */
  cut(): void;
  /** connections made so far */
  count(): number;
  close(): Promise<void>;
}

export async function startProxy(target: { readonly host?: string; readonly port: number }): Promise<Proxy> {
  let isSplit = false;
  let isBlack = false;
  let made = 0;
  const sockets = new Set<Socket>();

  const pipe = (from: Socket, to: Socket): void => {
    from.on('data', (chunk: Buffer) => {
      if (isBlack) return;
      if (!isSplit) {
        if (!to.write(chunk)) from.pause();
        return;
      }
      for (const byte of chunk) to.write(Buffer.of(byte));
    });
    to.on('drain', () => from.resume());
    const end = (): void => {
      from.destroy();
      to.destroy();
      sockets.delete(from);
    };
    // a side that has said all may still listen: what the other has to say passes
    from.on('end', () => (isBlack ? undefined : void to.end()));
    from.on('error', end);
    from.on('close', () => (isBlack || from.readableEnded ? sockets.delete(from) : end()));
  };

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    made += 1;
    const far = connect({ host: target.host ?? '127.0.0.1', port: target.port, noDelay: true, allowHalfOpen: true });
    sockets.add(near).add(far);
    pipe(near, far);
    pipe(far, near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    port: address.port,
    splitBytes: (isOn) => void (isSplit = isOn),
    blackhole: (isOn) => void (isBlack = isOn),
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    count: () => made,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
