/** The HTTP port: hands XIMSS connections over; the HTTP binding itself follows. */
import type { Socket } from 'node:net';

/** Looks at the first byte: `<` makes the connection a XIMSS one (ximss-protocol.md 1.1), anything else is HTTP. */
export function sniff(socket: Socket, ximss: (first: Buffer) => void, http: (first: Buffer) => void): void {
  socket.once('data', (first: Buffer) => {
    if (first[0] === 0x3c) ximss(first);
    else http(first);
  });
}
