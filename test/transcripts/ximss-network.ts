/**
 * The XIMSS server of a transcript, over TCP (docs/XIMSS.md): any account may log in with any password. It answers every
 * request by itself unless the transcript says otherwise, keeps one roster, and hands what the bridge says to the runner.
 * It knows nothing of the people: what they do is written in the transcript as their documents on the wire.
 */
import { createServer, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { until } from '../support/wait';
import { parseXml, xml, type Element } from '../support/xmpp/xml';
import { wireText } from './format';
import { filled, type Bound } from './match';

export const ximssDomain = 'cgp.test';

export interface XimssNetwork {
  readonly server: string;
  /** Writes a document into the session of an account, once that is bound. */
  send(account: string, document: Element): Promise<void>;
  /** What the bridge asks for, in order, without the requests that only hold a session up. */
  onRequest(listener: (request: Element) => void): void;
  setRoster(items: readonly Element[]): void;
  /** The next request of that name is answered with these documents, `{id}` being its id; an empty list: not at all. */
  answer(request: string, documents: readonly Element[]): void;
  isBound(account: string): boolean;
  /** Cuts all connections. */
  hangUp(): void;
  close(): Promise<void>;
}

interface Connection {
  readonly socket: Socket;
  account: string | null;
  isBound: boolean;
}

/** Requests that every session makes and no requirement is about. */
const ordinary = new Set(
  ['listFeatures', 'login', 'signalBind', 'signalUnbind', 'rosterList', 'noop', 'bye', 'readTime'].concat([
    'setSessionOption',
    'setClientName',
  ]),
);

export const isOrdinary = ({ name }: Element): boolean => ordinary.has(name);

export async function startXimssNetwork(): Promise<XimssNetwork> {
  let listener: (request: Element) => void = () => undefined;
  let roster = new Map<string, Element>();
  const answers = new Map<string, (readonly Element[])[]>();
  const connections = new Set<Connection>();

  /** The data that comes before the response. */
  const dataFor = ({ name, attrs: { id, authData } }: Element): Element[] => {
    switch (name) {
      case 'listFeatures':
        return [xml('features', { id, domain: ximssDomain }, xml('language', {}, 'english'))];
      case 'login':
        return [xml('session', { id, urlID: `session-${authData ?? ''}`, userName: authData })];
      case 'rosterList':
        return [...roster.values()].map(({ attrs, children }) => xml('rosterItem', { id, ...attrs }, ...children));
      default:
        return [];
    }
  };

  const onRequest = (connection: Connection, request: Element): void => {
    const { name, attrs } = request;
    const id = attrs['id'] ?? '';
    const told = answers.get(name)?.shift();
    const documents = told?.map((one) => filled(one, new Map([['id', id]]) satisfies Bound));
    const isRefused = documents?.some((one) => one.attrs['errorText'] !== undefined) ?? false;
    if (name === 'login' && !isRefused) connection.account = attrs['authData'] ?? '';
    if (name === 'rosterSet' && !isRefused) keep(roster, request);
    if (!isOrdinary(request) || told !== undefined) listener(request);
    const reply = documents ?? [...dataFor(request), xml('response', { id })];
    connection.socket.write(reply.map((one) => `${wireText(one)}\0`).join(''));
    if (name === 'signalBind' && !isRefused) connection.isBound = true;
  };

  const server = createServer({ noDelay: true }, (socket) => {
    const connection: Connection = { socket, account: null, isBound: false };
    const decoder = new StringDecoder('utf8');
    let unread = '';
    connections.add(connection);
    socket.on('data', (bytes: Buffer) => {
      const documents = (unread + decoder.write(bytes)).split('\0');
      unread = documents.pop() ?? '';
      for (const document of documents) onRequest(connection, parseXml(document));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  const boundTo = (account: string): Connection | undefined =>
    [...connections].find((one) => one.isBound && one.account === account);
  const hangUp = (): void => {
    for (const { socket } of connections) socket.destroy();
  };
  return {
    server: `ximss://127.0.0.1:${address.port}`,
    async send(account, document) {
      const { socket } = await until(() => boundTo(account), { what: `the session of ${account}` });
      if (document.name === 'rosterItem') roster.set(document.attrs['peer'] ?? '', document);
      socket.write(`${wireText(document)}\0`);
    },
    onRequest: (given) => void (listener = given),
    setRoster: (items) => {
      roster = new Map(items.map((item) => [item.attrs['peer'] ?? '', item]));
      answers.clear();
    },
    answer: (request, documents) => void answers.set(request, [...(answers.get(request) ?? []), documents]),
    isBound: (account) => boundTo(account) !== undefined,
    hangUp,
    async close() {
      hangUp();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The item form of rosterSet: it mirrors rosterItem. */
function keep(roster: Map<string, Element>, { attrs, children }: Element): void {
  const { peer = '', subscription, name } = attrs;
  const known = roster.get(peer)?.attrs['subscription'] ?? 'none';
  if (subscription === 'remove') roster.delete(peer);
  else roster.set(peer, xml('rosterItem', { peer, name, subscription: known }, ...children));
}
