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
import { CLIENT_ID, token, type Stage } from './context';
import { bodyOf, sendOf } from './messages';
import type { Visit } from './session';

type Version = Dialect['protocolVersion'];
/** the assumed one first */
const versions: readonly Version[] = ['6.1', '6.2', 'omit'];
const REPLAY_MS = 30_000;

/** A11 and the replay; `one` and `two` are logged in and bound, `server` is http(s)://. Leaves the second one unbound. */
export async function tryWeb(stage: Stage, server: string, one: Visit, two: Visit): Promise<void> {
  await two.ask(signalUnbind());
  const formats = new Map<Version, string>();
  for (const version of versions) formats.set(version, await formatOf(stage, server, version, one, two));
  stage.note(protocolVersion(formats));
  await two.ask(writeBind(CLIENT_ID, stage.dialect));
  try {
    stage.note(await tryReplay(stage, server, two));
  } catch (thrown) {
    stage.note(replay('untold', toFault(thrown).text));
  }
}

const ARRIVES = 'arrives ';

/** How a message looks to a session that named this version, or why none came. */
async function formatOf(stage: Stage, server: string, version: Version, one: Visit, two: Visit): Promise<string> {
  let visit: Visit;
  try {
    visit = await stage.visit(two.person, { server, dialect: { protocolVersion: version } });
  } catch (thrown) {
    return `login refused (${toFault(thrown).text})`;
  }
  try {
    const { refusal } = await visit.ask(writeBind(`${CLIENT_ID}-http`, stage.dialect));
    if (refusal !== null) return `bind refused (${refusal})`;
    const word = token();
    await one.ask(sendOf(two, word, stage.dialect));
    const arrived = await visit.hear((document) => (bodyOf(document, stage.dialect) ?? '').includes(word));
    if (arrived === null) return 'no message arrives';
    return `${ARRIVES}${childOf(arrived, 'body') === null ? 'as direct text' : 'in a body'}`;
  } finally {
    await visit.leave();
  }
}

/** The finding of what each version did. Pure. */
export function protocolVersion(formats: ReadonlyMap<Version, string>): Finding {
  const seen = [...formats].map(([version, text]) => `${version === 'omit' ? 'none' : version}: ${text}`).join('; ');
  const best = versions.find((version) => formats.get(version)?.startsWith(ARRIVES));
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

async function tryReplay(stage: Stage, server: string, two: Visit): Promise<Finding> {
  const floor = stage.floor({ server });
  const { http } = floor;
  if (http === null) return replay('untold', 'not the HTTP binding');
  const [person] = stage.people;
  const signal = AbortSignal.any([stage.signal, AbortSignal.timeout(REPLAY_MS)]);
  const user = {
    name: floor.dialect.loginName === 'local' ? (person.account.split('@')[0] ?? '') : person.account,
    password: person.password,
  };
  const { info, cookie } = await logInHttp(floor, http, user, null, signal);
  const headers = { 'Content-Type': 'text/xml; charset=utf-8', ...(cookie === null ? {} : { Cookie: cookie }) };
  const post = async (reqSeq: number, request: Element): Promise<string> => {
    const path = `/Session/${encodeURIComponent(info.urlId)}/sync?reqSeq=${reqSeq}`;
    const body = `<XIMSS>${serialise(withId(request, String(reqSeq)))}</XIMSS>`;
    const answer = await http.exchange({ method: 'POST', path, headers, body }, signal);
    if (answer.status !== 200) throw new Fault('unavailable', { cause: `HTTP status ${answer.status}` });
    const root = floor.httpCodec.decode(answer.body);
    const response = childOf(root, 'response');
    const refusal = response === null ? 'no response' : refusalIn(response);
    if (refusal !== null) throw new Fault('refused', { text: refusal });
    return serialise(root);
  };
  try {
    await post(1, writeBind(`${CLIENT_ID}-http`, stage.dialect).request);
    const word = token();
    const { request } = sendOf(two, word, stage.dialect);
    const first = await post(2, request);
    const second = await post(2, request).catch((thrown: unknown) => toFault(thrown));
    const says = (document: Element): boolean => (bodyOf(document, stage.dialect) ?? '').includes(word);
    if ((await two.hear(says)) === null) return replay('untold', 'the message does not arrive');
    await two.rest();
    return judgeReplay(first, second, two.heard.filter(says).length);
  } finally {
    await post(3, bye().request).catch(() => undefined);
    http.close();
  }
}

/** What two identical POSTs did. Pure. */
export function judgeReplay(first: string, second: string | Fault, arrivedCount: number): Finding {
  const times = arrivedCount === 1 ? 'once' : `${arrivedCount} times`;
  if (arrivedCount > 1) return replay('neither', `it is done again: the message comes ${times}. Better take TCP`);
  if (second instanceof Fault) {
    const why = typeof second.cause === 'string' ? second.cause : second.text;
    return replay('neither', `it is refused (${why}), the message comes ${times}: a lost answer ends the session`);
  }
  const same = first === second ? 'the same answer comes' : 'another answer comes';
  return replay('assumed', `${same}, the message ${times}`);
}
