/**
 * The component stream over a network that cuts what is written in two: wherever it cuts, the server reads the end of a batch
 * in time. Servers whose XML parser defers what was cut (Expat with its reparse deferral) need the whitespace that follows a late
 * ping; others never notice.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseAccount, parseJid, type Account, type BareJid } from '../../../src/core/address';
import { envelopeOf, makeJabberSide, type JabberSide } from '../../support/jabber-side';
import { startEjabberd } from '../../support/servers/ejabberd';
import { startProsody } from '../../support/servers/prosody';
import type { XmppServer } from '../../support/servers/xmpp-server';

const romeo = parseAccount('romeo@far.test') as Account; // a good account
const juliet = parseJid('juliet@jabber.test')?.bare as BareJid; // a good JID
/** between the halves of what is cut: two reads of the server */
const pauseMs = 8;

interface Cutter {
  readonly port: number;
  /** The next write towards the server is cut so many bytes before its end. */
  cutBeforeEnd(bytes: number): void;
  /** writes cut so far */
  cutCount(): number;
  close(): Promise<void>;
}

async function startCutter(port: number): Promise<Cutter> {
  let next: number | null = null;
  let done = 0;
  const sockets = new Set<Socket>();
  const toServer = (server: Socket): ((chunk: Buffer) => void) => {
    let before = Promise.resolve();
    return (chunk) => {
      const at = next === null ? chunk.length : Math.max(1, chunk.length - next);
      if (next !== null) done += 1;
      next = null;
      before = before.then(async () => {
        server.write(chunk.subarray(0, at));
        if (at === chunk.length) return;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        server.write(chunk.subarray(at));
      });
    };
  };
  const listener: Server = createServer({ noDelay: true }, (bridge) => {
    const server = connect({ host: '127.0.0.1', port, noDelay: true });
    sockets.add(bridge).add(server);
    bridge.on('data', toServer(server));
    server.on('data', (chunk: Buffer) => void bridge.write(chunk));
    for (const [one, other] of [
      [bridge, server],
      [server, bridge],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port, // a TCP server's address is an object
    cutBeforeEnd: (bytes) => void (next = bytes),
    cutCount: () => done,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}

/** 140 places: in the ping that follows a short message, and in a message and its ping with long tags. */
const cuts: readonly (readonly [what: string, id: string, count: number, step: number])[] = [
  ['short tags, at each second byte', 'm', 70, 2],
  ['a tag of 300 characters', 'm'.repeat(200), 40, 12],
  ['a tag of 3,000 characters', 'm'.repeat(2_900), 30, 110],
];

describe.each([
  ['Prosody', startProsody],
  ['ejabberd', startEjabberd],
] as const)('%s', (_kind, start) => {
  let server: XmppServer;
  let cutter: Cutter;
  let side: JabberSide;

  beforeAll(async () => {
    server = await start();
    await server.register('juliet', 'pw');
    cutter = await startCutter(server.componentPort);
    const service = `xmpp://127.0.0.1:${cutter.port}`;
    side = makeJabberSide({
      service,
      secret: server.secret,
      domain: server.componentDomain,
      timing: { pongMs: 5_000 },
    });
    await side.jabber.start();
  });
  afterAll(async () => {
    await side?.jabber.stop();
    await cutter?.close();
    await server?.dispose();
  });

  test.each(cuts)('cut anywhere, what is written is processed: %s', async (_what, id, count, step) => {
    const before = cutter.cutCount();
    for (let i = 0; i < count; i += 1) {
      await side.jabber.barrier(); // nothing is on its way
      cutter.cutBeforeEnd(1 + i * step);
      await side.jabber.deliver(juliet, romeo, [envelopeOf(`${id}${i}`, 'hello')]);
    }
    expect(cutter.cutCount() - before).toBe(count);
    expect(side.stream).toEqual(['up']);
  });
});
