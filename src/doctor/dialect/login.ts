/**
 * Getting in: the name of the starttls request (A2), which challenge logins work (A3), the form of a clear-text login
 * (A4), the form of the name (A5). At most a handful of refused logins, and a clear-text password only where the
 * bridge itself might send it: encrypted, or to this machine, or where the configuration allows it.
 */
import { isLoopback, type Config } from '../../config';
import { Fault, toFault } from '../../core/fault';
import type { Dialect } from '../../ximss/protocol/dialect';
import { lookAtDoor, whyNoLook, type DoorSight } from '../checks/prelogin-probe';
import { found, notFound, type Finding } from './findings';
import type { FloorChanges } from '../checks/ximss-context';
import type { Stage } from './context';
import type { Visit } from './session';

const LOOK_MS = 20_000;

/** Finds how to log in and opens a session for each person. Rejects with a Fault whose text says who cannot log in. */
export async function enter(stage: Stage): Promise<readonly [Visit, Visit]> {
  const door = await tryStarttls(stage);
  const first = await firstLogin(stage, door);
  await tryMethods(stage, door);
  const second = await stage.visit(stage.people[1]).catch((thrown: unknown) => {
    throw named(thrown, stage.people[1].account);
  });
  return [first, second];
}

// ---- A2

async function tryStarttls(stage: Stage): Promise<DoorSight | null> {
  const target = stage.floor().settings.server;
  const look = (element: Dialect['starttlsElement']): Promise<DoorSight> =>
    lookAtDoor(
      { server: stage.config.ximss.server, floor: stage.floor(), starttlsElement: element },
      AbortSignal.any([stage.signal, AbortSignal.timeout(LOOK_MS)]),
    );
  let door: DoorSight;
  try {
    door = await look('starttls');
  } catch (thrown) {
    throw new Fault('unavailable', { text: whyNoLook(thrown, stage.config.ximss.server), cause: thrown });
  }
  if (target.binding === 'http') stage.note(notFound('starttlsElement', 'untold', 'not used over HTTP'));
  else if (target.isTls) stage.note(notFound('starttlsElement', 'untold', 'TLS begins with the first byte here'));
  else if (door.starttls === 'up') stage.note(found('starttlsElement', 'starttls', 'TLS came up'));
  else if (door.starttls === 'not-offered')
    stage.note(notFound('starttlsElement', 'untold', 'the server offers no TLS'));
  else {
    const refusal = typeof door.starttls === 'object' ? (door.starttls?.refusal ?? '') : '';
    const other = await look('startTLS').catch(() => null);
    if (other?.starttls !== 'up')
      stage.note(notFound('starttlsElement', 'neither', `both names are refused: ${refusal}`));
    else stage.note(found('starttlsElement', 'startTLS', `starttls is refused: ${refusal}`));
    return other ?? door;
  }
  return door;
}

// ---- the first login, A5

interface Way {
  readonly changes: FloorChanges;
  readonly name?: Dialect['loginName'];
}

async function firstLogin(stage: Stage, door: DoorSight | null): Promise<Visit> {
  const [person] = stage.people;
  const ways: Way[] = [{ changes: {} }, { changes: { dialect: { loginName: 'local' } }, name: 'local' }];
  if (offered(door).includes('CRAM-MD5')) ways.push({ changes: { login: 'cram-md5' } });
  if (mayTellPassword(stage, door)) {
    ways.push({ changes: { login: 'plain' } }, { changes: { login: 'plain', dialect: { clearTextLogin: 'plain' } } });
  }
  let failure: Fault | null = null;
  for (const { changes, name } of ways) {
    try {
      const visit = await stage.visit(person, changes);
      const seen = visit.info?.userName ?? person.account;
      if (name === 'local')
        stage.note(found('loginName', name, `accepted only without its domain; the session is ${seen}'s`));
      else stage.note(found('loginName', 'full', `the session is ${seen}'s`));
      return visit;
    } catch (thrown) {
      failure ??= toFault(thrown);
      if (isFinal(toFault(thrown))) throw named(thrown, person.account);
    }
  }
  throw named(failure, person.account);
}

/** No other way of logging in would help. */
const isFinal = ({ code }: Fault): boolean => ['needs-user', 'too-many-sessions', 'no-tls', 'stopping'].includes(code);

function named(thrown: unknown, account: string): Fault {
  const fault = toFault(thrown);
  return new Fault(fault.code, { text: `${account} cannot log in: ${fault.text}`, cause: fault });
}

const offered = (door: DoorSight | null): readonly string[] => door?.features?.sasl ?? [];

function mayTellPassword(stage: Stage, door: DoorSight | null): boolean {
  return isPasswordSafe(stage.floor().settings.server, door, stage.config.ximss);
}

/** May a clear-text password go there: encrypted, to this machine, or as the bridge itself would send it? Pure. */
export function isPasswordSafe(
  { host, isTls }: { readonly host: string; readonly isTls: boolean },
  door: Pick<DoorSight, 'starttls' | 'features'> | null,
  { starttls, login }: Pick<Config['ximss'], 'starttls' | 'login'>,
): boolean {
  const isEncrypted = isTls || (door?.starttls === 'up' && starttls !== 'never');
  const hasChallenge = door?.features?.sasl.some((name) => ['CRAM-MD5', 'DIGEST-MD5'].includes(name)) === true;
  const isUsual = starttls !== 'required' && (login === 'plain' || (login === 'auto' && !hasChallenge));
  return isEncrypted || isLoopback(host) || isUsual;
}

// ---- A3, A4

async function tryMethods(stage: Stage, door: DoorSight | null): Promise<void> {
  const works = new Map<string, Fault | null>();
  for (const { login, name } of challengesOf(stage, door)) works.set(name, await failureOf(stage, { login }));
  stage.note(challenges(works));
  if (!mayTellPassword(stage, door)) {
    return stage.note(
      notFound('clearTextLogin', 'untold', 'the connection is not encrypted: no password is sent over it'),
    );
  }
  const plain = await failureOf(stage, { login: 'plain' });
  if (plain === null) return stage.note(found('clearTextLogin', 'method-less', 'name and password are accepted'));
  if (plain.code === 'no-tls') return stage.note(notFound('clearTextLogin', 'untold', plain.text));
  const sasl = await failureOf(stage, { login: 'plain', dialect: { clearTextLogin: 'plain' } });
  if (sasl === null) return stage.note(found('clearTextLogin', 'plain', `without a method: ${plain.text}`));
  stage.note(notFound('clearTextLogin', 'neither', `both forms are refused: ${plain.text}; ${sasl.text}`));
}

/** What can be tried: over HTTP it is the nonce, whatever the configuration calls it. */
function challengesOf(
  stage: Stage,
  door: DoorSight | null,
): readonly { readonly login: 'digest-md5' | 'cram-md5'; readonly name: string }[] {
  if (stage.floor().settings.server.binding === 'http') {
    return door?.features?.nonce == null ? [] : [{ login: 'cram-md5', name: 'login by nonce' }];
  }
  return (['digest-md5', 'cram-md5'] as const)
    .filter((login) => offered(door).includes(login.toUpperCase()))
    .map((login) => ({ login, name: login }));
}

/** A3. `auto` takes the strongest, so DIGEST-MD5 that fails is in the way, and CRAM-MD5 behind one that works is not. Pure. */
export function challenges(works: ReadonlyMap<string, Fault | null>): Finding {
  const tried = [...works].map(([name, fault]) => `${name} ${fault === null ? 'works' : `fails (${fault.text})`}`);
  if (tried.length === 0) return notFound('challengeMethods', 'untold', 'the server offers none');
  const [strongest] = works.values();
  if (strongest === null) return found('challengeMethods', 'all', tried.join(', '));
  return found('challengeMethods', works.get('cram-md5') === null ? 'cram-md5' : 'none', tried.join(', '));
}

/** Logs the first person in and out; null when it worked. */
async function failureOf(stage: Stage, changes: FloorChanges): Promise<Fault | null> {
  try {
    await (await stage.visit(stage.people[0], changes)).leave();
    return null;
  } catch (thrown) {
    return toFault(thrown);
  }
}
