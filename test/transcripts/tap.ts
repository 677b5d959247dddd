/** A wire between the program and a real server that is listened to: every byte passes, and is told too. */
import { connect, createServer, type Socket } from 'node:net';

export interface Tap {
  readonly port: number;
  close(): Promise<void>;
}

/** Makes the listeners of a connection's two directions. */
export type Listen = () => { readonly fromBridge: (bytes: Buffer) => void; readonly toBridge: (bytes: Buffer) => void };

export async function startTap(port: number, listen: Listen): Promise<Tap> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port, noDelay: true });
    const { fromBridge, toBridge } = listen();
    near.on('data', fromBridge).pipe(far);
    far.on('data', toBridge).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
