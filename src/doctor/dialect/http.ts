/**
 * What only the HTTP binding can tell: which versions a login may name and in which form messages come then (A11), and
 * whether a repeated reqSeq gives the stored answer instead of doing the thing again (docs/XIMSS.md 3.2), on which
 * the bridge relies after a lost answer.
 */
import { Fault, toFault } from '../../core/fault';
import type { Dialect } from '../../ximss/protocol/dialect';
import { childOf, serialise, withId, type Element } from '../../ximss/wire/element';
import { logInHttp } from '../../ximss/login/http-login';
import { bye, signalUnbind } from '../../ximss/protocol/operations';
import { writeBind } from '../../ximss/protocol/write';
import { refusalIn } from '../checks/raw-tcp';
import { found, notFound, type Finding } from './findings';
import { clientId, token, type DialectContext } from './context';
import { bodyOf, sendOf } from './messages';
import type { TestSession } from './session';

type Version = Dialect['protocolVersion'];
/** the assumed one first */
const versions: readonly Version[] = ['6.1', '6.2', 'omit'];
const replayMs = 30_000;

/** A11 and the replay; `one` and `two` are logged in and bound, `server` is http(s)://. Leaves the second one unbound. */
export async function tryHttp(
  context: DialectContext,
  server: string,
  one: TestSession,
  two: TestSession,
): Promise<void> {
  await two.ask(signalUnbind());
  const formats = new Map<Version, string>();
  for (const version of versions) formats.set(version, await formatOf(context, server, version, one, two));
  context.note(protocolVersion(formats));
  await two.ask(writeBind(clientId, context.dialect));
  try {
    context.note(await tryReplay(context, server, two));
  } catch (thrown) {
    context.note(replay('unknown', toFault(thrown).text));
  }
}

const arrives = 'arrives ';

/** How a message looks to a session that named this version, or why none came. */
async function formatOf(
  context: DialectContext,
  server: string,
  version: Version,
  one: TestSession,
  two: TestSession,
): Promise<string> {
  let session: TestSession;
  try {
    session = await context.openSession(two.owner, { server, dialect: { protocolVersion: version } });
  } catch (thrown) {
    return `login refused (${toFault(thrown).text})`;
  }
  try {
    const { refusal } = await session.ask(writeBind(`${clientId}-http`, context.dialect));
    if (refusal !== null) return `bind refused (${refusal})`;
    const word = token();
    await one.ask(sendOf(two, word, context.dialect));
    const arrived = await session.waitFor((document) => (bodyOf(document, context.dialect) ?? '').includes(word));
    if (arrived === null) return 'no message arrives';
    return `${arrives}${childOf(arrived, 'body') === null ? 'as direct text' : 'in a body'}`;
  } finally {
    await session.close();
  }
}

/** The finding of what each version did. Pure. */
export function protocolVersion(formats: ReadonlyMap<Version, string>): Finding {
  const seen = [...formats].map(([version, text]) => `${version === 'omit' ? 'none' : version}: ${text}`).join('; ');
  const best = versions.find((version) => formats.get(version)?.startsWith(arrives));
  return best === undefined ? notFound('protocolVersion', 'neither', seen) : found('protocolVersion', best, seen);
}

// ---- a repeated reqSeq

/** There is no option for it: `neither` is a warning that HTTP may show a message twice. */
function replay(outcome: Finding['outcome'], seen: string): Finding {
  return {
    assumption: '',
    key: null,
    name: 'repeated reqSeq',
    outcome,
    value: outcome === 'assumed' ? 'replays' : null,
    seen,
  };
}

async function tryReplay(context: DialectContext, server: string, two: TestSession): Promise<Finding> {
  const ximss = context.ximss({ server });
  const { http } = ximss;
  if (http === null) return replay('unknown', 'not the HTTP binding');
  const [owner] = context.accounts;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(replayMs)]);
  const user = {
    name: context.dialect.loginName === 'local' ? (owner.account.split('@')[0] ?? '') : owner.account,
    password: owner.password,
  };
  const { info, cookie } = await logInHttp(ximss, http, user, signal);
  const headers = { 'Content-Type': 'text/xml; charset=utf-8', ...(cookie === null ? {} : { Cookie: cookie }) };
  const post = async (reqSeq: number, request: Element): Promise<string> => {
    const path = `/Session/${encodeURIComponent(info.urlId)}/sync?reqSeq=${reqSeq}`;
    const body = `<XIMSS>${serialise(withId(request, String(reqSeq)))}</XIMSS>`;
    const answer = await http.exchange({ method: 'POST', path, headers, body }, signal);
    if (answer.status !== 200) throw new Fault('unavailable', { cause: `HTTP status ${answer.status}` });
    const root = ximss.httpCodec.decode(answer.body);
    const response = childOf(root, 'response');
    const refusal = response === null ? 'no response' : refusalIn(response);
    if (refusal !== null) throw new Fault('refused', { text: refusal });
    return serialise(root);
  };
  try {
    await post(1, writeBind(`${clientId}-http`, context.dialect).request);
    const word = token();
    const { request } = sendOf(two, word, context.dialect);
    const first = await post(2, request);
    const second = await post(2, request).catch((thrown: unknown) => toFault(thrown));
    const isOurs = (document: Element): boolean => (bodyOf(document, context.dialect) ?? '').includes(word);
    if ((await two.waitFor(isOurs)) === null) return replay('unknown', 'the message does not arrive');
    await two.waitWhole();
    return replayFinding(first, second, two.received.filter(isOurs).length);
  } finally {
    await post(3, bye().request).catch(() => undefined);
    http.close();
  }
}

/** What two identical POSTs did. Pure. */
export function replayFinding(first: string, second: string | Fault, arrivedCount: number): Finding {
  const times = arrivedCount === 1 ? 'once' : `${arrivedCount} times`;
  if (arrivedCount > 1) return replay('neither', `it is done again: the message comes ${times}. Better take TCP`);
  if (second instanceof Fault) {
    const why = typeof second.cause === 'string' ? second.cause : second.text;
    return replay('neither', `it is refused (${why}), the message comes ${times}: a lost answer ends the session`);
  }
  const same = first === second ? 'the same answer comes' : 'another answer comes';
  return replay('assumed', `${same}, the message ${times}`);
}
