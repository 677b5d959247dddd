/** What a logged-in session may ask: request name -> operation. Names the document knows but that are absent here are refused. */
import { unknownOr, type Call } from './exchange';
import { signalBind, signalUnbind } from './bind';
import { bye, noop, passwordModify, prefsRead, readTime, setClientName, setSessionOption } from './housekeeping';
import { sendIM } from './im';
import { presenceSet } from './presence-set';
import { listDirectory } from './directory';
import { fileDirCreate, fileList, fileRead, fileRemove, fileWrite } from './files';
import { iqSend } from './iq';
import { refusals } from '../refusal';
import { rosterList, rosterSet } from './roster';
import type { Session } from '../accounts/store';

type Operation = (session: Session, call: Call) => void | Promise<void>;

const operations = new Map<string, Operation>(
  Object.entries({
    noop,
    readTime,
    bye,
    passwordModify,
    setSessionOption,
    setClientName,
    prefsRead,
    fileList,
    fileRead,
    fileWrite,
    fileRemove,
    fileDirCreate,
    listDirectory,
    iqSend,
    signalBind,
    signalUnbind,
    sendIM,
    rosterList,
    rosterSet,
    presenceSet,
  }),
);

/** What a session may still do while its password must be changed or its second factor is missing. */
const always = new Set(['noop', 'bye', 'readTime', 'passwordModify']);

const preloginOnly = new Set(['listFeatures', 'starttls', 'signup', 'recoverPassword', 'readStrings', 'login', 'auth']);

/** Handles one request of a session. Throws Refusal. */
export function operate(session: Session, call: Call): void | Promise<void> {
  const { name } = call.request;
  session.lastSeenMs = call.world.now();
  const { account } = session;
  if ((account.mustChangePassword || account.secondFactor.length > 0) && !always.has(name)) {
    throw account.mustChangePassword ? refusals.passwordFirst() : refusals.secondFactor();
  }
  const operation = operations.get(name);
  if (operation === undefined) {
    throw unknownOr(call.world, name, preloginOnly.has(name) ? refusals.alreadyLoggedIn : refusals.notSupported);
  }
  return operation(session, call);
}
