/**
 * A XIMSS server that speaks another dialect: it stands before the test server and rewrites documents both ways, so that
 * readings the test server has no switch for can be tried end to end. After a starttls that was let through it only
 * passes bytes.
 */
import { connect, createServer, type Socket } from 'node:net';
import { makeCodec } from '../../src/ximss/wire/codec';
import { attr, el, type Element } from '../../src/ximss/wire/element';
import { TcpFramer } from '../../src/ximss/wire/tcp-framing';

export interface Rules {
  /** A request on its way in: the request for the server, or a text with which it is refused. */
  readonly request?: (request: Element) => Element | string;
  /** A document on its way out; null: it is lost. */
  readonly answer?: (document: Element) => Element | null;
}

export interface Translator {
  readonly port: number;
  close(): Promise<void>;
}

const codec = makeCodec();

/** Listens before the server of that port. */
export async function startTranslator(port: number, rules: Rules): Promise<Translator> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const far = connect({ host: '127.0.0.1', port });
    for (const socket of [client, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.end();
        far.end();
      });
    }
    translate(client, far, rules);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function translate(client: Socket, far: Socket, { request, answer }: Rules): void {
  let starttlsId: string | null = null;
  let isClear = true;
  const oversize = (): void => void client.destroy();
  const inward = new TcpFramer(1_048_576);
  const outward = new TcpFramer(1_048_576);
  client.on('data', (bytes: Buffer) => {
    if (!isClear) return void far.write(bytes);
    inward.push(bytes, {
      onFrame: (frame) => {
        const document = codec.decode(frame);
        const result = request?.(document) ?? document;
        const id = attr(document, 'id') ?? '';
        if (typeof result === 'string') {
          return void client.write(codec.encode([el('response', { id, errorText: result, errorNum: '501' })]));
        }
        if (result.name === 'starttls') starttlsId = id;
        far.write(codec.encode([result]));
      },
      onOversize: oversize,
    });
  });
  far.on('data', (bytes: Buffer) => {
    if (!isClear) return void client.write(bytes);
    outward.push(bytes, {
      onFrame: (frame) => {
        const document = codec.decode(frame);
        const isUp = document.name === 'response' && attr(document, 'id') === starttlsId;
        if (isUp && attr(document, 'errorText') === null) isClear = false;
        const result = answer === undefined ? document : answer(document);
        if (result !== null) client.write(codec.encode([result]));
      },
      onOversize: oversize,
    });
  });
}

/** The element with other attributes; undefined takes one away. */
export function withAttrs(element: Element, changes: Readonly<Record<string, string | undefined>>): Element {
  return { ...el(element.name, { ...element.attrs, ...changes }), children: element.children };
}
