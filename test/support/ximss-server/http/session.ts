/**
 * `/Session/ID/…` (docs/XIMSS.md 3.2): sync and async batches numbered by reqSeq, the waiting get with respSeq/ackSeq,
 * KILL, UPLOAD. A repeated reqSeq gets the stored answer, a wrong one `XIMSS request sequence error`, a dead session 550.
 * The session lives on when connections break. Queues and stored answers are bounded.
 */
import { isUtf8 } from 'node:buffer';
import { execute, type Wire } from '../operations/exchange';
import { bodyOf, type HttpAnswer, type HttpRequest, type WritingFaults } from './message';
import { Mailbox } from './mailbox';
import { operate } from '../operations/operations';
import type { Account, Session, TransportName } from '../accounts/store';
import { readUpload } from './upload';
import type { World } from '../world';
import { el, elements, parseXml, textOf, XmlError, type El } from '../xml';

const maxWaitSeconds = 600;
const maxBatch = 1000;

interface HttpSession {
  session: Session;
  mailbox: Mailbox;
  /** Number of the last batch taken, null before the first. */
  lastSeq: number | null;
  /** Its answer, for a repeat; a promise while the batch is being handled. */
  lastAnswer: Promise<HttpAnswer> | null;
  /** The Set-Cookie that the first session response carries (3.1). */
  cookie: string | null;
}

export interface OpenRequest {
  transport: TransportName;
  version: string | null;
  remoteAddress: string;
  usesCookie: boolean;
}

/** The HTTP side of sessions, by session id. */
export class HttpSessions {
  private readonly known = new Map<Session, HttpSession>();

  constructor(private readonly world: World) {}

  /** Opens a session. Throws Refusal at the licence limit. */
  open(account: Account, request: OpenRequest): Session {
    const mailbox = new Mailbox(() => this.world.sessions.end(session));
    const { usesCookie, ...rest } = request;
    const push = (message: El): void => {
      const subject = { kind: 'push' as const, name: message.name, account: account.address };
      if (!this.world.faults.isEmpty && this.world.faults.pick(subject)?.action === 'never') return;
      mailbox.put(message);
    };
    const ended = (bye: boolean): void => {
      if (bye) mailbox.put(el('bye'));
      mailbox.close();
    };
    const session = this.world.sessions.open({ account, ...rest, sink: { push, ended } });
    const cookie = usesCookie ? `CGateProWebUser=${session.urlID}; path=/` : null;
    this.known.set(session, { session, mailbox, lastSeq: null, lastAnswer: null, cookie });
    return session;
  }

  /** The session of an URL; also one that lives on TCP (its files have HTTP URLs, 2.4). Undefined: dead. */
  get(urlID: string): HttpSession | undefined {
    const session = this.world.sessions.get(urlID);
    if (session === undefined || session.transport === 'inside') return undefined;
    const known = this.known.get(session);
    if (known !== undefined) return known;
    const mailbox = new Mailbox(() => undefined);
    const fresh = {
      session,
      mailbox,
      lastSeq: null,
      lastAnswer: null,
      cookie: null,
    };
    this.known.set(session, fresh);
    return fresh;
  }

  /** What is gone when all sessions end now. */
  held(): El[] {
    return [...this.known.values()].flatMap(({ mailbox }) => mailbox.held());
  }

  forget(session: Session): void {
    this.known.delete(session);
  }
}

const dead: HttpAnswer = { kind: 'status', status: 550, text: 'session is not found' };

export async function sessionUrl(
  world: World,
  sessions: HttpSessions,
  request: HttpRequest,
  writing: WritingFaults,
): Promise<HttpAnswer> {
  const [, root, urlID = '', action = '', extra] = request.path.split('/');
  if (root !== 'Session') return { kind: 'status', status: 404, text: 'not found' };
  const http = sessions.get(urlID);
  if (http === undefined) return dead;
  const { session } = http;
  if (session.remoteAddress !== '' && session.remoteAddress !== request.remoteAddress) return dead;
  session.lastSeenMs = world.now();
  world.wireLog.note('in', session.account.address, `${request.method} /Session/…/${action}`);
  const answer = await act(world, http, action, extra, request, writing);
  session.lastSeenMs = world.now();
  if (http.cookie === null || answer.kind === 'cut' || answer.kind === 'hang') return answer;
  const headers = { 'Set-Cookie': http.cookie };
  http.cookie = null;
  return { ...answer, headers };
}

async function act(
  world: World,
  http: HttpSession,
  action: string,
  extra: string | undefined,
  request: HttpRequest,
  writing: WritingFaults,
): Promise<HttpAnswer> {
  const isPost = request.method === 'POST';
  if ((action === 'sync' || action === 'async') && isPost) return numbered(world, http, action, request, writing);
  if ((action === 'get' || action === '') && request.method === 'GET') return emptyRequest(world, http, request);
  if (action === 'KILL' && isPost) {
    world.sessions.end(http.session);
    return { kind: 'body', body: '' };
  }
  if (action === 'UPLOAD' && isPost && extra !== undefined && extra !== '') {
    const part = readUpload(request.contentType, request.body);
    if (part === null || http.session.uploads.size >= 16) return { kind: 'status', status: 400, text: 'no upload' };
    http.session.uploads.set(extra, part);
    return { kind: 'body', body: '' };
  }
  return { kind: 'status', status: 404, text: 'not found' };
}

const toSeq = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;

/** A sync or async POST: the numbering around the batch. */
async function numbered(
  world: World,
  http: HttpSession,
  action: 'sync' | 'async',
  request: HttpRequest,
  writing: WritingFaults,
): Promise<HttpAnswer> {
  const { session } = http;
  const account = session.account.address;
  const seq = toSeq(request.params.get('reqseq'));
  const { dialect } = world.settings;
  if (seq === null) {
    world.strict.note(account, `${action}: no reqSeq`);
    return (await handleBatch(world, http, action, request, writing)).answer;
  }
  if (seq === http.lastSeq && http.lastAnswer !== null) return http.lastAnswer;
  const isNext = http.lastSeq === null ? dialect.firstReqSeq.includes(seq) : seq === http.lastSeq + 1;
  if (!isNext) {
    const text = 'XIMSS request sequence error';
    world.strict.note(account, `${action}: wrong reqSeq`);
    if (dialect.sequenceError === 'status') return { kind: 'status', status: 500, text };
    return { kind: 'xml', root: el('XIMSS', {}, el('response', { errorText: text, errorNum: '581' })) };
  }
  const before = { seq: http.lastSeq, answer: http.lastAnswer };
  const outcome = handleBatch(world, http, action, request, writing);
  http.lastSeq = seq;
  http.lastAnswer = outcome.then((done) => done.kept);
  const { answer, isTaken } = await outcome;
  if (!isTaken && http.lastSeq === seq) Object.assign(http, { lastSeq: before.seq, lastAnswer: before.answer });
  return answer;
}

interface Outcome {
  /** What this client gets. */
  answer: HttpAnswer;
  /** What a repeat of the same number gets. */
  kept: HttpAnswer;
  /** False: as if the batch had never come. */
  isTaken: boolean;
}

async function handleBatch(
  world: World,
  http: HttpSession,
  action: 'sync' | 'async',
  request: HttpRequest,
  writing: WritingFaults,
): Promise<Outcome> {
  const { session, mailbox } = http;
  const account = session.account.address;
  const failed = (answer: HttpAnswer): Outcome => ({ answer, kept: answer, isTaken: false });
  let batch: El[];
  try {
    batch = readBatch(world, account, request.body, world.settings.maxDocumentBytes);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    world.strict.note(account, `malformed input: ${error.message}`);
    return failed({ kind: 'status', status: 400, text: 'malformed XML' });
  }
  const results: El[] = [];
  let isLost = false;
  let instead: HttpAnswer | null = null;
  const wire: Wire = {
    send: (message) => (action === 'sync' ? void results.push(message) : mailbox.put(message)),
    kill: () => void (isLost ? undefined : (instead = { kind: 'cut' })),
    raw: (bytes) => void (writing.garbage = bytes),
    split: () => void (writing.isSplit = true),
    lost: () => {
      isLost = true;
      return wire;
    },
    hang: () => void (instead = { kind: 'hang' }),
    status: (status) => {
      instead = { kind: 'status', status, text: 'status wanted by the test' };
      return true;
    },
  };
  for (const one of batch) {
    if (session.isEnded) break;
    await execute(world, account, one, wire, (call) => operate(session, call));
    if (instead !== null) return failed(instead);
  }
  if (action === 'sync' && request.params.get('syncasync') === '1') results.push(...mailbox.takeAll());
  const body = action === 'sync' ? bodyOf(el('XIMSS', {}, ...results)) : '';
  world.wireLog.note('out', account, body);
  const kept: HttpAnswer = { kind: 'body', body };
  return { answer: isLost ? { kind: 'cut' } : kept, kept, isTaken: true };
}

/** The requests inside `<XIMSS>`. Throws XmlError. */
export function readBatch(world: World, account: string | null, body: Buffer, maxBytes: number): El[] {
  if (body.length > maxBytes) throw new XmlError('too long');
  if (!isUtf8(body)) throw new XmlError('not UTF-8');
  const text = body.toString('utf8').trim();
  world.wireLog.note('in', account, text);
  const { root, declared } = parseXml(text);
  if (declared) world.strict.note(account, 'XML declaration');
  if (root.name !== 'XIMSS') throw new XmlError('the root is not XIMSS');
  for (const name in root.attrs) if (name !== 'reqSeq') world.strict.note(account, `XIMSS: unknown attribute ${name}`);
  if (textOf(root).trim() !== '') world.strict.note(account, 'XIMSS: unexpected text');
  const requests = elements(root);
  if (requests.length > maxBatch) throw new XmlError('too many requests');
  return requests;
}

/** The waiting get (3.2, rules 1-5). */
async function emptyRequest(world: World, http: HttpSession, request: HttpRequest): Promise<HttpAnswer> {
  const { mailbox, session } = http;
  const account = session.account.address;
  const given = request.params.get('maxwait');
  const seconds = given === undefined ? world.settings.dialect.defaultMaxWait : Number(given);
  const waitMs = seconds >= 0 ? Math.min(seconds, maxWaitSeconds) * 1000 : 0;
  const ackText = request.params.get('ackseq');
  const ack = toSeq(ackText);
  if (ackText !== undefined && (ack === null || !mailbox.accepts(ack))) world.strict.note(account, 'get: wrong ackSeq');
  // A waiting get is a sign of life for as long as it waits.
  session.lastSeenMs = world.now() + waitMs;
  const root = await mailbox.fetch(ack, waitMs, request.onGone);
  if (root === null) return dead;
  const body = bodyOf(root);
  world.wireLog.note('out', account, body);
  return { kind: 'body', body };
}
