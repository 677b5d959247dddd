/**
 * The HTTP port (docs/XIMSS.md 3): tells XIMSS connections from HTTP ones, reads requests within limits,
 * finds the login URL or the session, writes answers. The binding's rules live in login.ts and session.ts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { loginUrl } from './login';
import { sessionUrl, type HttpSessions } from './session';
import { bodyOf, isXmlBody, type HttpAnswer, type HttpRequest, type WritingFaults } from './message';
import { pause } from '../operations/exchange';
import type { FaultSubject } from '../faults';
import type { World } from '../world';
import { el, toXml } from '../xml';

/** Looks at the first byte: `<` makes the connection a XIMSS one (1.1), anything else is HTTP. */
export function sniff(socket: Socket, ximss: (first: Buffer) => void, http: (first: Buffer) => void): void {
  socket.once('data', (first: Buffer) => {
    if (first[0] === 0x3c) ximss(first);
    else http(first);
  });
}

export interface WebServer {
  /** Serves one accepted connection whose first bytes were read already. */
  serve(socket: Socket, first: Buffer): void;
}

/** One HTTP server for sockets that others accepted. */
export function makeWebServer(world: World, sessions: HttpSessions, isSecure: boolean): WebServer {
  const server: Server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    void handle(world, sessions, isSecure, request, response).catch((error: unknown) => {
      process.emitWarning(`XIMSS test server: ${String(error instanceof Error ? error.stack : error)}`);
      response.destroy();
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return {
    serve: (socket, first) => {
      server.emit('connection', socket);
      socket.emit('data', first);
    },
  };
}

async function handle(
  world: World,
  sessions: HttpSessions,
  isSecure: boolean,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const url = parseUrl(incoming.url ?? '/');
  const body = await readBody(incoming, world.settings.maxDocumentBytes);
  if (body === null) {
    world.strict.note(null, 'HTTP body is too long or broken off');
    return write(outgoing, { kind: 'status', status: 413, text: 'too large' });
  }
  const contentType = incoming.headers['content-type'] ?? '';
  const path = url.pathname;
  const isLogin = /^\/(?:auth\/)?ximsslogin\/?$/i.test(path);
  const isForm = isLogin && incoming.method === 'POST' && !isXmlBody(contentType);
  const params = new Map<string, string>();
  for (const source of [url.searchParams, ...(isForm ? [new URLSearchParams(body.toString('utf8'))] : [])]) {
    for (const [name, value] of source) if (!params.has(name.toLowerCase())) params.set(name.toLowerCase(), value);
  }
  const request: HttpRequest = {
    method: incoming.method ?? '',
    path,
    params,
    body,
    contentType,
    isSecure,
    authorization: incoming.headers.authorization ?? '',
    remoteAddress: incoming.socket.remoteAddress ?? '',
    onGone: (step) => outgoing.once('close', () => (outgoing.writableFinished ? undefined : step())),
  };
  const writing: WritingFaults = { garbage: null, isSplit: false };
  const kind = isLogin ? '#login' : urlKind(path);
  const answer = await withFault(
    world,
    { kind: 'request', name: kind, account: accountOf(world, path) },
    writing,
    () => {
      if (isLogin) return loginUrl(world, sessions, request, writing);
      return sessionUrl(world, sessions, request, writing);
    },
  );
  if (answer.kind === 'xml') world.wireLog.note('out', null, toXml(answer.root));
  return write(outgoing, answer, writing);
}

/** Path and query; the path as sent, the query decoded. */
function parseUrl(text: string): { pathname: string; searchParams: URLSearchParams } {
  const mark = text.indexOf('?');
  const pathname = mark < 0 ? text : text.slice(0, mark);
  return { pathname, searchParams: new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1)) };
}

function urlKind(path: string): string {
  const last = path.split('/')[3] ?? '';
  return last === 'sync' || last === 'async' ? `#${last}` : '#get';
}

/** The account whose session an URL names, for matching faults. */
function accountOf(world: World, path: string): string | null {
  return world.sessions.get(path.split('/')[2] ?? '')?.account.address ?? null;
}

async function withFault(
  world: World,
  subject: FaultSubject,
  writing: WritingFaults,
  work: () => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const fault = world.faults.isEmpty ? null : world.faults.pick(subject);
  switch (fault?.action) {
    case 'drop':
      return { kind: 'cut' };
    case 'never':
      return { kind: 'hang' };
    case 'status':
      return { kind: 'status', status: fault.status, text: 'status wanted by the test' };
    case 'refuse': {
      const failed = el('response', {
        errorText: fault.errorText ?? 'refused',
        errorNum: String(fault.errorNum ?? 599),
      });
      return { kind: 'xml', root: el('XIMSS', {}, failed) };
    }
    case 'dropAfter':
    case 'loseResponse':
      await work();
      return { kind: 'cut' };
    case 'delay':
      await pause(fault.ms);
      return work();
    case 'garbage':
      writing.garbage = fault.bytes;
      return work();
    case 'splitBytes':
      writing.isSplit = true;
      return work();
    case undefined:
      return work();
  }
}

/** The whole body, or null when it is over the limit or the client went away. */
function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    incoming.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= maxBytes) parts.push(part);
      else resolve(null);
    });
    incoming.on('end', () => resolve(bytes <= maxBytes ? Buffer.concat(parts) : null));
    incoming.on('error', () => resolve(null));
    incoming.on('close', () => resolve(null));
  });
}

const xmlType = 'text/xml;charset=utf-8';

function write(response: ServerResponse, answer: HttpAnswer, writing?: WritingFaults): void {
  if (answer.kind === 'hang') return;
  if (answer.kind === 'cut') {
    response.socket?.destroy();
    return;
  }
  const body = Buffer.from(
    answer.kind === 'xml' ? bodyOf(answer.root) : answer.kind === 'body' ? answer.body : answer.text,
  );
  const isPlain = answer.kind === 'status';
  const garbage = writing?.garbage === undefined || writing.garbage === null ? null : Buffer.from(writing.garbage);
  response.writeHead(isPlain ? answer.status : 200, isPlain ? statusText(answer.text) : 'OK', {
    'Content-Type': isPlain ? 'text/plain;charset=utf-8' : xmlType,
    'Content-Length': body.length + (garbage?.length ?? 0),
    'Cache-Control': 'no-cache',
    ...answer.headers,
  });
  if (garbage !== null) response.write(garbage);
  if (writing?.isSplit !== true) response.end(body);
  else drip(response, body, 0);
}

function drip(response: ServerResponse, body: Buffer, at: number): void {
  if (at >= body.length || response.destroyed) response.end();
  else response.write(body.subarray(at, at + 1), () => setImmediate(() => drip(response, body, at + 1)));
}

const statusText = (text: string): string => text.replace(/[^ -~]/g, '?').slice(0, 100);
