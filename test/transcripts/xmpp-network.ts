/**
 * The XMPP server of a transcript: one component listener (XEP-0114) for a domain with people on it. It answers by
 * itself what is no part of any requirement (the handshake, pings of the component to itself, questions about the
 * server, reading a roster) and hands everything else to the runner.
 */
import { createServer, type Socket } from 'node:net';
import { until } from '../support/wait';
import { makeSplitter, parseXml, xml, type Element } from '../support/xmpp/xml';
import { wireText } from './format';

export const jabberDomain = 'jabber.test';
export const bridgeDomain = 'ximss.jabber.test';
export const componentSecret = 'a secret';

export interface XmppNetwork {
  readonly service: string;
  /** Writes a stanza to the component; waits for its stream. */
  send(stanza: Element): Promise<void>;
  /** What the component says to people and to the server, in order. */
  onStanza(listener: (stanza: Element) => void): void;
  /** The rosters that the component may read and write; null: none. */
  setRoster(items: readonly Element[] | null): void;
  close(): Promise<void>;
}

const privileges = 'urn:xmpp:privilege:2';
const rosterNs = 'jabber:iq:roster';
const streamHeader =
  `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' id='transcript' from='${bridgeDomain}'>`;

export async function startXmppNetwork(): Promise<XmppNetwork> {
  let listener: (stanza: Element) => void = () => undefined;
  let roster: Map<string, Element> | null = null;
  let stream: Socket | null = null;
  const sockets = new Set<Socket>();

  const onStanza = (socket: Socket, stanza: Element): void => {
    const reply = (type: string, ...children: Element[]): void => {
      const { id, from, to } = stanza.attrs;
      socket.write(xml('iq', { type, id, from: to, to: from }, ...children).toString());
    };
    if (stanza.name === 'handshake') {
      if (roster !== null) socket.write(advert().toString());
      socket.write('<handshake/>');
      stream = socket;
      return;
    }
    const [payload] = stanza.elements();
    const { type } = stanza.attrs;
    const to = stanza.attrs['to']?.replace(/\/barrier$/, ''); // pings go to a resource of a domain
    const isRequest = stanza.name === 'iq' && (type === 'get' || type === 'set');
    if (to?.split('/')[0] === bridgeDomain) return void socket.write(stanza.toString());
    if (!isRequest || payload === undefined) return listener(stanza);
    const isRoster = payload.name === 'query' && payload.attrs['xmlns'] === rosterNs;
    if (isRoster && roster !== null) {
      if (type === 'get') return reply('result', xml('query', { xmlns: rosterNs }, ...roster.values()));
      for (const item of payload.elements('item')) keep(roster, item);
      listener(stanza);
      return reply('result');
    }
    if (to?.split('/')[0] !== jabberDomain) return listener(stanza);
    const answer = aboutServer(payload);
    reply(answer === null ? 'error' : 'result', ...(answer === null ? [unavailable()] : [answer]));
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const splitter = makeSplitter({
      onHeader: () => void socket.write(streamHeader),
      onStanza: (text) => onStanza(socket, parseXml(text)),
      onEnd: () => void socket.end('</stream:stream>'),
    });
    socket.on('data', (bytes: Buffer) => splitter.write(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      if (stream === socket) stream = null;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    service: `xmpp://127.0.0.1:${address.port}`,
    async send(stanza) {
      const socket = await until(() => stream, { what: 'the component stream' });
      socket.write(wireText(stanza));
    },
    onStanza: (given) => void (listener = given),
    setRoster: (items) => {
      roster = items === null ? null : new Map(items.map((item) => [item.attrs['jid'] ?? '', item]));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** XEP-0356: the component may read and write rosters. */
const advert = (): Element =>
  xml(
    'message',
    { from: jabberDomain, to: bridgeDomain },
    xml('privilege', { xmlns: privileges }, xml('perm', { access: 'roster', type: 'both' })),
  );

function keep(roster: Map<string, Element>, item: Element): void {
  const jid = item.attrs['jid'] ?? '';
  if (item.attrs['subscription'] === 'remove') roster.delete(jid);
  else roster.set(jid, item);
}

/** XEP-0092 and XEP-0012. A server that names itself and has run for long: nothing is held back for it. */
function aboutServer({ attrs }: Element): Element | null {
  switch (attrs['xmlns']) {
    case 'jabber:iq:version':
      return xml('query', { xmlns: attrs['xmlns'] }, xml('name', {}, 'Prosody'), xml('version', {}, '0.12'));
    case 'jabber:iq:last':
      return xml('query', { xmlns: attrs['xmlns'], seconds: '86400' });
    default:
      return null;
  }
}

const unavailable = (): Element =>
  xml('error', { type: 'cancel' }, xml('service-unavailable', { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' }));
