/**
 * One comparison of a user's rosters: reads the far one, the server's and what is remembered, lets core/contacts/roster-diff decide,
 * and carries it out, a contact at a time between the user's subscription verbs. It works only on contacts at rest: no verb
 * in a lane, no change since the rosters were read. When it runs is decided in roster-sync-schedule.ts.
 */
import { domainOf, type Account, type BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { parseLabels, serialiseLabels, withinBounds, type Labels } from '../../core/contacts/labels';
import { gatewayPeer, laneKey } from '../../core/model';
import { isBlank, newPair } from '../../core/contacts/pair';
import type { Action, Known } from '../../core/contacts/reconcile';
import { reconcile } from '../../core/contacts/roster-diff';
import type { Ghosts } from '../presence/ghosts';
import { fieldOf, peerOfField, stateTables, type UserState } from '../state/user-state';
import type { FarPort, JabberPort, LaneReader, Log, Meter, RosterEntry, StateStore, Stored } from '../ports';
import type { Subscriptions } from './subscriptions';

export interface RosterSyncOptions {
  readonly jabber: Pick<JabberPort, 'rosterAccess' | 'readRoster' | 'writeRoster'>;
  readonly far: Pick<FarPort, 'roster' | 'setContact' | 'removeContact'>;
  readonly lanes: LaneReader;
  readonly state: Pick<StateStore, 'read' | 'write'>;
  readonly subscriptions: Pick<Subscriptions, 'alone' | 'save' | 'carryOut'>;
  readonly ghosts: Pick<Ghosts, 'show' | 'hide'>;
  readonly log: Log;
  readonly meter: Meter;
  /** contacts of whom the far side has said by name that they were deleted */
  readonly goneOf: (userState: UserState) => ReadonlySet<Account>;
  /** Resolves when there is room for the next few contacts: comparisons are not urgent. Rejects when the signal aborts. */
  readonly throttle: (signal: AbortSignal) => Promise<void>;
}

export interface RosterPlan {
  readonly actions: readonly Action[];
  /** contacts left alone because too much would be taken away at once */
  readonly skipped: readonly Account[];
}

/** What a comparison left for the next one. */
export interface SyncResult extends RosterPlan {
  /** contacts had verbs on their way or were touched meanwhile: compare again later */
  readonly isUnsettled: boolean;
  /** the server refused what it had granted: compare again, without writing */
  readonly isRefused: boolean;
  /** items were written: the user's presence can now be asked for */
  readonly isWritten: boolean;
  readonly rosterAccess: RosterAccess;
}

/** What a comparison could do with the user's server roster. none: not read it, so that only verbs tell what is in it. */
export type RosterAccess = 'none' | 'read' | 'write';

export interface RosterSync {
  /** What would be done now; does nothing. Rejects as the reading of the rosters does. */
  plan(userState: UserState, mayDelete: number | null, signal: AbortSignal): Promise<RosterPlan>;
  /** Carries it out. `mayDelete`: so many contacts may lose something; null: the usual bound. Rejects when a side goes away. */
  run(userState: UserState, mayDelete: number | null, signal: AbortSignal): Promise<SyncResult>;
  /** A verb about this contact has come: a comparison that runs leaves the contact alone. */
  onVerb(userState: UserState, peer: Account): void;
  /** The server's grants have changed: what it refused may work now. */
  accessChanged(): void;
}

const headCount = 100;
const groupCount = 16;

export function makeRosterSync(options: RosterSyncOptions): RosterSync {
  const { jabber, far, lanes, state, subscriptions, ghosts, log, meter, throttle } = options;
  const running = new Set<{ readonly userState: UserState; readonly changed: Set<Account> }>();
  const unwritable = new Set<string>(); // hosts that grant writing and refuse it

  // ---- reading

  async function readServer(userState: UserState, signal: AbortSignal): Promise<readonly RosterEntry[] | null> {
    userState.isRosterReadable = false;
    if (jabber.rosterAccess() === 'none') return null;
    try {
      const entries = await jabber.readRoster(userState.user, signal);
      userState.isRosterReadable = true;
      return entries;
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'not-allowed') return null; // a user of another server
      throw fault;
    }
  }

  async function readKnown(userState: UserState): Promise<Map<Account, Known>> {
    const synced = new Map<Account, Labels>();
    for (const [field, text] of await state.read(stateTables.labels, userState.user)) {
      const labels = parseLabels(text);
      if (labels) synced.set(peerOfField(field), labels);
    }
    const known = new Map<Account, Known>();
    for (const [peer, labels] of synced) known.set(peer, { pair: newPair, synced: labels });
    for (const { peer, pair } of userState.contacts.values()) {
      if (peer !== gatewayPeer && !isBlank(pair)) known.set(peer, { pair, synced: synced.get(peer) ?? null });
    }
    return known;
  }

  async function compare(
    userState: UserState,
    changed: ReadonlySet<Account>,
    mayDelete: number | null,
    signal: AbortSignal,
  ): Promise<RosterPlan & { readonly rosterAccess: RosterAccess }> {
    const [contacts, server, known] = await Promise.all([
      far.roster(userState.user),
      readServer(userState, signal),
      readKnown(userState),
    ]);
    const mayWrite = jabber.rosterAccess() === 'both' && !unwritable.has(domainOf(userState.user));
    const brake = mayDelete === null ? {} : { mayDelete };
    const gone = options.goneOf(userState);
    const plan = reconcile({ far: contacts.map(withinBounds), server, mayWrite, known, busy: changed, gone, ...brake });
    return { ...plan, rosterAccess: server === null ? 'none' : mayWrite ? 'write' : 'read' };
  }

  /** Contacts with a verb in a lane. A full first page of a lane counts for that. */
  async function withVerbsWaiting(user: BareJid, peers: readonly Account[]): Promise<ReadonlySet<Account>> {
    const lanesOf = (peer: Account) =>
      (['toFar', 'toJabber'] as const).map((direction) => laneKey({ direction, user, peer }));
    const heads = await lanes.heads(peers.flatMap(lanesOf), headCount);
    const isVerb = (item: Stored): boolean => 'envelope' in item && item.envelope.event.kind === 'verb';
    const isBusy = (page: readonly Stored[]): boolean => page.length >= headCount || page.some(isVerb);
    return new Set(peers.filter((peer) => lanesOf(peer).some((lane) => isBusy(heads.get(lane) ?? []))));
  }

  // ---- doing

  async function run(userState: UserState, mayDelete: number | null, signal: AbortSignal): Promise<SyncResult> {
    const changed = new Set<Account>();
    const me = { userState, changed };
    running.add(me);
    try {
      const plan = await compare(userState, changed, mayDelete, signal);
      return { ...plan, ...(await carryOut(userState, plan, changed, signal)) };
    } finally {
      running.delete(me);
    }
  }

  async function carryOut(
    userState: UserState,
    { actions }: RosterPlan,
    changed: ReadonlySet<Account>,
    signal: AbortSignal,
  ) {
    const done = { isUnsettled: false, isRefused: false, isWritten: false };
    const plans = [...byContact(actions)];
    for (let i = 0; i < plans.length && !done.isRefused; i += groupCount) {
      if (i > 0) await throttle(signal);
      signal.throwIfAborted();
      const some = plans.slice(i, i + groupCount);
      const ends = await subscriptions.alone(userState.user, () => group(userState, some, changed, signal));
      done.isUnsettled ||= ends.includes('busy');
      done.isRefused ||= ends.includes('no-write');
      done.isWritten ||= some.some(([, steps], k) => ends[k] === 'done' && writesServer(steps));
    }
    return done;
  }

  /** Some contacts: items of the server roster one at a time (XEP-0356), all else side by side; stored in one step. */
  async function group(
    userState: UserState,
    some: readonly ContactPlan[],
    changed: ReadonlySet<Account>,
    signal: AbortSignal,
  ): Promise<readonly ContactResult[]> {
    const peers = some.map(([account]) => account);
    const busy = await withVerbsWaiting(userState.user, peers);
    let turn: Promise<unknown> = Promise.resolve();
    const ends = await Promise.all(
      some.map(([account, steps]) => {
        const begin = (): Promise<ContactResult> =>
          busy.has(account) || changed.has(account)
            ? Promise.resolve('busy')
            : contact(userState, account, steps, signal);
        if (!changesServer(steps)) return begin();
        const mine = turn.then(begin);
        turn = mine;
        return mine;
      }),
    );
    const done = some.filter((_, i) => ends[i] === 'done').flatMap(([, steps]) => steps);
    await save(userState, done);
    for (const { account } of done.filter((action) => action.do === 'show')) ghosts.show(userState, account);
    return ends;
  }

  /** What one contact needs, in order; what it is to be remembered by and shown as comes later. A refusal leaves the
   * rest of it undone. */
  async function contact(
    userState: UserState,
    account: Account,
    steps: readonly Action[],
    signal: AbortSignal,
  ): Promise<ContactResult> {
    if (changesServer(steps) && unwritable.has(domainOf(userState.user))) return 'no-write';
    try {
      for (const action of steps) await act(userState, action, signal);
      return 'done';
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.retry !== 'never') throw fault;
      log.info({ peer: account, fault: fault.code, text: fault.text }, 'a roster change was refused');
      return fault.code === 'not-allowed' && unwritable.has(domainOf(userState.user)) ? 'no-write' : 'refused';
    }
  }

  function act(userState: UserState, action: Action, signal: AbortSignal): Promise<void> | void {
    const { user } = userState;
    const { account } = action;
    switch (action.do) {
      case 'writeServer':
        return write('toJabber', () => writeItem(user, action.entry, signal));
      case 'removeServer':
        return write('toJabber', () => writeItem(user, { remove: account }, signal));
      case 'writeFar':
        return write('toFar', () => far.setContact(user, action.contact));
      case 'removeFar':
        return write('toFar', () => far.removeContact(user, account));
      case 'toFar':
      case 'toJabber':
        return subscriptions.carryOut(userState, account, [{ do: action.do, verb: action.verb }], {
          kind: 'verb',
          verb: action.verb,
          status: null,
          ...(action.nick === undefined ? {} : { nick: action.nick }),
        });
      case 'hide':
        return ghosts.hide(userState, account);
      case 'show':
      case 'save':
        return; // after all else
    }
  }

  async function save(userState: UserState, actions: readonly Action[]): Promise<void> {
    const saves = actions.filter((action) => action.do === 'save');
    const fields = saves.map(({ account, synced }) => [fieldOf(account), synced && serialiseLabels(synced)] as const);
    if (saves.length === 0) return;
    await state.write(stateTables.labels, userState.user, new Map(fields));
    await subscriptions.save(userState, new Map(saves.map(({ account, pair }) => [account, pair])));
  }

  async function writeItem(user: BareJid, entry: Parameters<JabberPort['writeRoster']>[1], signal: AbortSignal) {
    try {
      await jabber.writeRoster(user, entry, signal);
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'not-allowed') unwritable.add(domainOf(user));
      throw fault;
    }
  }

  async function write(dir: 'toFar' | 'toJabber', change: () => Promise<void>): Promise<void> {
    try {
      await change();
      meter.count('roster_writes_total', { dir, result: 'done' });
    } catch (thrown) {
      meter.count('roster_writes_total', { dir, result: toFault(thrown).code });
      throw thrown;
    }
  }

  return {
    plan: (userState, mayDelete, signal) => compare(userState, new Set(), mayDelete, signal),
    run,
    onVerb(userState, peer) {
      for (const one of running) if (one.userState === userState) one.changed.add(peer);
    },
    accessChanged: () => unwritable.clear(),
  };
}

type ContactPlan = readonly [Account, readonly Action[]];
/** busy: a verb is on its way or came meanwhile. no-write: the server takes no items, whatever it says. */
type ContactResult = 'done' | 'refused' | 'busy' | 'no-write';

const writesServer = (steps: readonly Action[]): boolean => steps.some((one) => one.do === 'writeServer');
const changesServer = (steps: readonly Action[]): boolean =>
  writesServer(steps) || steps.some((one) => one.do === 'removeServer');

function byContact(actions: readonly Action[]): ReadonlyMap<Account, readonly Action[]> {
  const plans = new Map<Account, Action[]>();
  for (const action of actions) {
    const plan = plans.get(action.account) ?? [];
    plans.set(action.account, plan);
    plan.push(action);
  }
  return plans;
}
