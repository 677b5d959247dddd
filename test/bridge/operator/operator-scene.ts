/** An operator's operator on the memory store, with links and sessions that a test sets. */
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Envelope, Link, LinkStatus, Message } from '../../../src/core/model';
import { laneKey } from '../../../src/core/model';
import type { RosterPlan } from '../../../src/bridge/contacts/roster-sync';
import { makeAnnounce } from '../../../src/bridge/operator/announce';
import { makeOperator, type OperatorService } from '../../../src/bridge/operator/operator';
import type { Accepted } from '../../../src/bridge/delivery/intake';
import type { AdminOutputs, Asker, Log } from '../../../src/bridge/ports';
import { readInput } from '../../../src/core/admin/input';
import type { AdminName, LogLevel } from '../../../src/core/admin/table';
import { manualClock } from '../../support/clock';
import { makeMemoryStore, type MemoryStore } from '../../support/fakes/memory-store';
import { silentLog } from '../../support/silence';

export const jid = (name: string): BareJid => `${name}@jabber.test` as BareJid; // well formed by inspection
export const account = (name: string): Account => `${name}@far.test` as Account; // well formed by inspection
export const juliet = jid('juliet');
export const romeo = account('romeo');
export const toFar = laneKey({ direction: 'toFar', user: juliet, peer: romeo });

const refusal = new Fault('refused', { text: 'no such account', number: 404 }).toData();

export function letter(id: string, over: Partial<Message> = {}): Envelope {
  const message = { kind: 'message', id: `m-${id}`, resource: 'r', type: 'chat', subject: null, sentAt: null } as const;
  const event = { ...message, body: `SECRET of ${id}`, wantsReceipt: false, nick: null, ...over };
  return { id, event, acceptedAt: Date.UTC(2026, 0, 1), attempts: 0, lastFault: null };
}

/** Who asks in these tests. */
const asker: Asker = { face: 'jabber', name: 'admin@jabber.test' };

export interface OperatorScene {
  readonly operator: OperatorService;
  /** Runs a command with what was typed, as each face does. */
  readonly run: <N extends AdminName>(name: N, given?: object, by?: Asker) => Promise<AdminOutputs[N]>;
  readonly store: MemoryStore;
  readonly clock: ReturnType<typeof manualClock>;
  readonly links: Map<BareJid, Link>;
  readonly status: Map<BareJid, LinkStatus>;
  /** what was done: rings, sessions, announcements */
  readonly acts: string[];
  /** everything that was logged, as text */
  readonly logged: string[];
  readonly gauges: Map<string, number>;
  /** What a comparison of rosters would do from now on. */
  readonly plan: (plan: RosterPlan) => void;
  /** What the intake answers from now on. */
  readonly intake: (answer: Fault | null) => void;
  /** Why the far server is away, from now on. */
  readonly setAbsence: (fault: Fault | null) => void;
  readonly wait: (...envelopes: Envelope[]) => Promise<void>;
  /** Puts them on juliet's lane and lets them be refused. */
  readonly addDead: (...envelopes: Envelope[]) => Promise<void>;
}

export function makeOperatorScene(users: readonly string[] = ['juliet']): OperatorScene {
  const clock = manualClock();
  const store = makeMemoryStore({ clock });
  const links = new Map<BareJid, Link>();
  const status = new Map<BareJid, LinkStatus>();
  const acts: string[] = [];
  const logged: string[] = [];
  const gauges = new Map<string, number>();
  let answer: Fault | null = null;
  let absence: Fault | null = null;
  let level: LogLevel = 'info';
  let plan: RosterPlan = { actions: [], skipped: [] };
  for (const name of users) {
    links.set(jid(name), { user: jid(name), account: account(name), password: 'PASSWORD', origin: 'registered' });
    status.set(jid(name), 'online');
  }
  const note = (fields: object, message: string): void => void logged.push(JSON.stringify({ ...fields, message }));
  const log: Log = { ...silentLog, debug: note, info: note, warn: note, error: note };
  const accept = (
    lane: { user: BareJid },
    event: { kind: string; type?: string; body?: string },
    _: unknown,
    done: Accepted,
  ): void => {
    acts.push(`say ${lane.user} ${event.type} ${event.body}`);
    done(answer);
  };
  const set = (link: Omit<Link, 'origin'>): void => void links.set(link.user, { origin: 'registered', ...link });
  const must = (user: BareJid): Link => {
    const link = links.get(user);
    if (!link) throw new Fault('not-linked', { reason: 'noLink' });
    return link;
  };
  const act = async (what: string, change: () => unknown): Promise<void> => {
    await Promise.resolve();
    change();
    acts.push(what);
  };
  const operator = makeOperator({
    backlog: store.lanes,
    processes: () => store.processes.all(),
    scheduler: {
      schedule: (lanes, how) =>
        Promise.resolve(void acts.push(`schedule ${lanes.join()}${how?.immediately ? ' immediately' : ''}`)),
      counts: () => Promise.resolve({ waiting: 1, active: 2, delayed: 3 }),
    },
    links: {
      users: () => links.keys(),
      linkOf: (user) => links.get(user),
      isLinked: (user) => links.has(user),
      isAllowed: (user) => links.get(user)?.isSuspended !== true,
    },
    changes: {
      add: (link, isShared) => act(`add ${link.user} ${link.account}${isShared ? ' shared' : ''}`, () => set(link)),
      remove: (user) => act(`remove ${user}`, () => must(user) && links.delete(user)),
      suspend: (user) => act(`suspend ${user}`, () => set({ ...must(user), isSuspended: true })),
      resume: (user) => act(`resume ${user}`, () => set({ ...must(user), isSuspended: false })),
      setPassword: (user, password) => act(`password ${user}`, () => set({ ...must(user), password })),
      async take(link, mayReplace) {
        const before = links.get(link.user);
        if (before && !mayReplace) return 'kept';
        await act(`take ${link.user}`, () => set(link));
        return before ? 'replaced' : 'added';
      },
    },
    provision: { made: () => [], take: (link) => act(`take made ${link.user}`, () => undefined) },
    audit: store.audit,
    sealing: store.sealing,
    process: {
      version: '1.2.3',
      domain: 'ximss.test',
      logLevel: () => level,
      setLogLevel: (wanted) => void (level = wanted),
      reload: () => Promise.resolve({ changed: ['log.level'], needRestart: ['http.listen'] }),
    },
    homeDomain: 'far.test',
    far: {
      open: (link) => void acts.push(`open ${link.user}`),
      close: (user) => Promise.resolve(void acts.push(`close ${user}`)),
      status: (user) => status.get(user) ?? 'closed',
      absence: () => absence,
      reconnect: (users) => void acts.push(`reconnect ${[...users].join()}`),
    },
    contacts: {
      plan: () => Promise.resolve(plan),
      reconcile: (user, mayDelete) => {
        acts.push(`compare ${user} ${mayDelete}`);
        return Promise.resolve(mayDelete === null ? plan : { actions: plan.actions, skipped: [] });
      },
    },
    announce: makeAnnounce({ intake: { accept }, users: () => links.keys(), log }),
    intakeWaitingCount: () => 5,
    isStreamUp: () => true,
    isStoreUp: () => store.isUp(),
    clock,
    log,
    meter: {
      count: () => undefined,
      observe: () => undefined,
      gauge: (name, value, labels) => void gauges.set([name, ...Object.values(labels ?? {})].join(' '), value),
    },
  });
  const wait = async (...envelopes: Envelope[]): Promise<void> => {
    const named = (one: Envelope) => ('id' in one.event && one.event.id !== null ? { name: one.event.id } : {});
    await store.lanes.append(
      envelopes.map((envelope) => ({ lane: toFar, envelope, identity: `identity ${envelope.id}`, ...named(envelope) })),
    );
  };
  return {
    operator,
    run: async (name, given = {}, by = asker) => operator.run(name, readInput(name, given), by),
    setAbsence: (fault) => void (absence = fault),
    store,
    clock,
    links,
    status,
    acts,
    logged,
    gauges,
    wait,
    intake: (wanted) => (answer = wanted),
    plan: (wanted) => (plan = wanted),
    async addDead(...envelopes) {
      await wait(...envelopes);
      await store.lanes.head(toFar, envelopes.length);
      const history = [{ at: 1, code: 'timeout' } as const, { at: 2, code: 'refused' } as const];
      const dead = envelopes.map((one) => ({ ...one, attempts: 2, lastFault: refusal, history }));
      await store.lanes.settle({ lane: toFar, taken: envelopes.length, keep: [], append: [], dead });
    },
  };
}
