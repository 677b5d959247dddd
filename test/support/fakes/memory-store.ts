/**
 * The store in memory: the same promises as the one on Redis (the conformance suite runs on both), for tests of the
 * layers above it. `sibling` is a second process on the same data; `setAway` makes everything reject `store-away`.
 * It is not durable and does not measure.
 */
import type {
  Append,
  AppendResult,
  AuditEntry,
  AuditStore,
  Clock,
  Finding,
  LaneSummary,
  LinkStore,
  NoteStore,
  Settlement,
  StateStore,
  Stored,
  DeadLetter,
} from '../../../src/bridge/ports';
import type { BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import { isLiveIdentity } from '../../../src/core/identity';
import { parseLaneKey } from '../../../src/core/model';
import type { Envelope, LaneKey, Link } from '../../../src/core/model';
import { systemClock } from '../../../src/ops/clock';
import { makeSealer, makeSealing } from '../../../src/store/records/sealer';
import { decode, encode } from '../../../src/store/lanes/envelope';
import { makeFence } from '../../../src/store/lanes/fence';
import { acquireEverything } from '../../../src/store/leases/everything';
import type { Lanes, Store } from '../../../src/store/types';
import { makeMemoryAttempts } from './memory-attempts';
import { makeLeaseData, makeMemoryLeases, type LeaseData } from './memory-leases';
import { makeMemoryProcesses, type ProcessData } from './memory-processes';
import { makeMemoryScheduler } from './memory-scheduler';
import { silentLog } from '../silence';

export interface MemoryOptions {
  readonly clock?: Clock;
  readonly dedupeWindowMs?: number;
  readonly liveWindowMs?: number;
  readonly laneMax?: number;
  readonly totalMax?: number;
  readonly deadMax?: number;
  readonly deadAgeMs?: number;
  readonly drainConcurrency?: number;
}

export interface MemoryStore extends Store {
  /** Another process on the same data: what it read at the heads is its own. */
  sibling(): MemoryStore;
  /** Redis goes away, or comes back. */
  setAway(isAway: boolean): void;
  /** Puts a text that is no envelope at the end of a lane. */
  poison(lane: LaneKey, raw: string): void;
}

interface Data {
  readonly lanes: Map<LaneKey, string[]>;
  /** `lane field` -> envelope id and when */
  readonly seen: Map<
    string,
    { readonly id: string; readonly at: number; readonly lane: LaneKey; readonly sendersId: string | null }
  >;
  dead: { readonly id: string; readonly at: number; readonly lane: string; readonly raw: string }[];
  deadCount: number;
  /** oldest first */
  held: { readonly at: number; readonly lane: LaneKey; readonly texts: readonly string[] }[];
  readonly links: Map<BareJid, Link>;
  readonly audit: AuditEntry[];
  readonly provisioned: Map<BareJid, Link>;
  readonly notes: Map<BareJid, string>;
  readonly attempts: Parameters<typeof makeMemoryAttempts>[0];
  readonly state: Map<string, Map<BareJid, Map<string, string>>>;
  readonly leases: LeaseData;
  readonly processes: ProcessData;
  isAway: boolean;
  readonly scheduler: ReturnType<typeof makeMemoryScheduler>;
}

const pageCount = 500;

export function makeMemoryStore(options: MemoryOptions = {}): MemoryStore {
  const { clock = systemClock, drainConcurrency = 8 } = options;
  const data: Data = {
    lanes: new Map(),
    seen: new Map(),
    dead: [],
    deadCount: 0,
    held: [],
    links: new Map(),
    audit: [],
    provisioned: new Map(),
    state: new Map(),
    notes: new Map(),
    attempts: new Map(),
    leases: makeLeaseData(),
    processes: { listeners: new Map(), leftover: null },
    isAway: false,
    scheduler: makeMemoryScheduler({ clock, concurrency: drainConcurrency, isAway: () => data.isAway }),
  };
  return storeOn(data, { ...options, clock });
}

function storeOn(data: Data, options: MemoryOptions & { readonly clock: Clock }): MemoryStore {
  const { clock } = options;
  const { dedupeWindowMs = 86_400_000, liveWindowMs = 300_000, laneMax = 10_000, totalMax = 1_000_000 } = options;
  const { deadMax = 10_000, deadAgeMs = 30 * 86_400_000 } = options;
  const fence = makeFence();
  const ups = new Set<() => void>();
  const downs = new Set<(fault: Fault) => void>();

  /** Like a round trip: never in the same turn, and never while away. */
  async function trip<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (data.isAway) throw new Fault('store-away');
    return work();
  }

  const total = (): number => [...data.lanes.values()].reduce((sum, lane) => sum + lane.length, 0);

  function set(lane: LaneKey, list: string[]): void {
    if (list.length > 0) data.lanes.set(lane, list);
    else data.lanes.delete(lane);
  }

  function appendOne(entry: Append, bounded: boolean): AppendResult {
    const { lane, envelope, identity } = entry;
    const name = `${lane} ${identity === null ? `e${envelope.id}` : `i${identity}`}`;
    const seen = data.seen.get(name);
    const ageMs = seen ? clock.now() - seen.at : Infinity;
    if (seen?.id === envelope.id && ageMs < dedupeWindowMs) return { outcome: 'stored', length: 1 };
    const isLive = identity !== null && isLiveIdentity(identity);
    if (ageMs < (isLive ? Math.min(liveWindowMs, dedupeWindowMs) : dedupeWindowMs)) return { outcome: 'repeat' };
    const list = data.lanes.get(lane) ?? [];
    if (bounded && (list.length >= laneMax || total() >= totalMax)) return { outcome: 'full' };
    const sendersId = identity === null ? null : (entry.name ?? null);
    data.seen.set(name, { id: envelope.id, at: clock.now(), lane, sendersId });
    list.push(encode(envelope));
    set(lane, list);
    return { outcome: 'stored', length: list.length };
  }

  function moveToDead(lane: LaneKey, raw: string): void {
    data.deadCount += 1;
    data.dead.push({ id: `${clock.now()}-${data.deadCount}`, at: clock.now(), lane, raw });
    data.dead = data.dead.filter(({ at }) => at > clock.now() - deadAgeMs).slice(-deadMax);
  }

  function settle(step: Settlement): { left: number; wake: LaneKey[] } {
    const { lane, taken, keep, dead, append } = step;
    const list = data.lanes.get(lane) ?? [];
    const last = fence.lastOf(lane, taken);
    if (last && !(list[last.index] ?? '').startsWith(`${last.id}\n`)) {
      fence.forget(lane);
      throw new Fault('store-away', { cause: 'the lane was settled by another drain' });
    }
    const isAllPoisoned = taken > 0 && step.poisoned === taken;
    for (const index of isAllPoisoned ? list.slice(0, taken).keys() : fence.poisoned(lane, taken)) {
      moveToDead(lane, list[index] ?? '');
    }
    set(lane, [...keep.map(encode), ...list.slice(taken)]);
    for (const envelope of dead) moveToDead(lane, encode(envelope));
    if (step.hold) data.held.push({ at: clock.now(), lane, texts: step.hold.map(encode) });
    data.held = data.held.slice(-Math.ceil(totalMax * 0.1));
    fence.settled(
      lane,
      taken,
      keep.map(({ id }) => id),
    );
    const wake = new Set<LaneKey>();
    for (const entry of append) {
      const wasEmpty = !data.lanes.has(entry.lane);
      appendOne(entry, false);
      if (wasEmpty && data.lanes.has(entry.lane) && entry.lane !== lane) wake.add(entry.lane);
    }
    return { left: data.lanes.get(lane)?.length ?? 0, wake: [...wake] };
  }

  const letterOf = ({ id, at, lane, raw }: Data['dead'][number]): DeadLetter => ({
    id,
    at,
    content: decode(raw),
    lane: parseLaneKey(lane) ? (lane as LaneKey) : null, // parsed: it is one
  });

  const lanes: Lanes = {
    append: (entries) => trip(() => entries.map((entry) => appendOne(entry, true))),
    heads: (lanes, count) =>
      trip(() => {
        const heads = lanes.map((lane) => [lane, (data.lanes.get(lane) ?? []).slice(0, count).map(decode)] as const);
        return new Map(heads.filter(([, head]) => head.length > 0));
      }),
    head: (lane, count) =>
      trip(() => {
        const stored: Stored[] = (data.lanes.get(lane) ?? []).slice(0, count).map(decode);
        fence.note(
          lane,
          stored.map((item) => ('envelope' in item ? item.envelope.id : null)),
        );
        return stored;
      }),
    settle: (step) => trip(() => settle(step)),
    async *nonEmpty() {
      const all = await trip(() => [...data.lanes.keys()].sort());
      for (let from = 0; from < all.length; from += pageCount) yield all.slice(from, from + pageCount);
    },
    forget: (user) =>
      trip(() => {
        const mine = [...data.lanes].filter(([lane]) => lane.split(' ')[1] === user);
        for (const [lane] of mine) data.lanes.delete(lane);
        return mine.reduce((sum, [, list]) => sum + list.length, 0);
      }),
    restoreHeld: (ageMs) =>
      trip(() => {
        const old = data.held.filter(({ at }) => at <= clock.now() - ageMs);
        data.held = data.held.filter((one) => !old.includes(one));
        for (const { lane, texts } of [...old].reverse()) set(lane, [...texts, ...(data.lanes.get(lane) ?? [])]);
        return { lanes: [...new Set(old.map(({ lane }) => lane))], count: old.flatMap(({ texts }) => texts).length };
      }),
    dropHeld: (ageMs) =>
      trip(() => {
        data.held = data.held.filter(({ at }) => at >= clock.now() - ageMs);
        return data.held.length;
      }),
    deadLetters: ({ before, count }) =>
      trip(() => {
        const end = before === null ? data.dead.length : data.dead.findIndex(({ id }) => id === before);
        const from = Math.max(0, end - count);
        const entries = data.dead.slice(from, Math.max(0, end)).reverse().map(letterOf);
        return { entries, next: from > 0 ? (entries.at(-1)?.id ?? null) : null };
      }),
    resend: (id) =>
      trip(() => {
        const letter = data.dead.map(letterOf).find((one) => one.id === id);
        if (!letter?.lane || !('envelope' in letter.content)) return null;
        const list = data.lanes.get(letter.lane) ?? [];
        if (list.length >= laneMax || total() >= totalMax) return { lane: letter.lane, result: { outcome: 'full' } };
        const { envelope } = letter.content;
        const { event } = envelope;
        const dated = event.kind === 'message' ? { ...event, sentAt: event.sentAt ?? envelope.acceptedAt } : event;
        list.push(encode({ ...envelope, event: dated, acceptedAt: clock.now(), attempts: 0, lastFault: null }));
        set(letter.lane, list);
        data.dead = data.dead.filter((one) => one.id !== id);
        return { lane: letter.lane, result: { outcome: 'stored', length: list.length } };
      }),
    dropDeadLetters: (ids) =>
      trip(() => {
        const before = data.dead.length;
        data.dead = data.dead.filter(({ id }) => !ids.includes(id));
        return before - data.dead.length;
      }),
    lanePage: ({ user, after, count }) =>
      trip(() => {
        const mine = [...data.lanes.keys()].filter((lane) => user === null || lane.split(' ')[1] === user).sort();
        const rest = mine.filter((lane) => after === null || lane > after);
        const entries = rest.slice(0, count).map((lane) => glanceOf(lane, data.lanes.get(lane) ?? []));
        return { entries, next: rest.length < count ? null : (entries.at(-1)?.lane ?? null) };
      }),
    deadLetter: (id) => trip(() => data.dead.map(letterOf).find((one) => one.id === id) ?? null),
    deadLettersOf: (user, since, count) =>
      trip(() => {
        const mine = data.dead.filter(({ lane, at }) => lane.split(' ')[1] === user && at >= since);
        return mine.map(letterOf).reverse().slice(0, count);
      }),
    search: ({ id, user }) => trip(() => searchIn(data, letterOf, id, user)),
    counts: () => trip(() => ({ envelopes: total(), lanes: data.lanes.size, dead: data.dead.length })),
  };

  const notes: NoteStore = {
    read: (user) => trip(() => data.notes.get(user) ?? null),
    write: (user, note) => trip(() => void (note === null ? data.notes.delete(user) : data.notes.set(user, note))),
  };

  const linksIn = (kept: Map<BareJid, Link>): LinkStore => ({
    load: () => trip(() => [...kept.values()]),
    save: (link) => trip(() => void kept.set(link.user, link)),
    remove: (user) => trip(() => void kept.delete(user)),
  });

  const audit: AuditStore = {
    add: (record) =>
      trip(() => {
        const id = `${clock.now()}-${String(data.audit.length).padStart(6, '0')}`;
        data.audit.unshift({ ...record, id, at: clock.now() });
      }),
    page: ({ before, count }) =>
      trip(() => {
        const from = before === null ? 0 : data.audit.findIndex(({ id }) => id === before) + 1;
        const entries = data.audit.slice(from, from + count);
        return { entries, next: from + count < data.audit.length ? (entries.at(-1)?.id ?? null) : null };
      }),
  };

  const state: StateStore = {
    read: (table, user) => trip(() => new Map(data.state.get(table)?.get(user))),
    write: (table, user, fields) =>
      trip(() => {
        const users = data.state.get(table) ?? new Map<BareJid, Map<string, string>>();
        const own = users.get(user) ?? new Map<string, string>();
        for (const [name, value] of fields) {
          if (value === null) own.delete(name);
          else own.set(name, value);
        }
        if (own.size > 0) users.set(user, own);
        else users.delete(user);
        data.state.set(table, users);
      }),
    async *users(table) {
      const all = await trip(() => [...(data.state.get(table)?.keys() ?? [])].sort());
      for (let from = 0; from < all.length; from += pageCount) yield all.slice(from, from + pageCount);
    },
  };

  const leases = makeMemoryLeases(data.leases, clock, () => data.isAway);

  return {
    lanes,
    links: linksIn(data.links),
    provisioned: linksIn(data.provisioned),
    notes,
    audit,
    sealing: makeSealing(makeSealer([Buffer.alloc(32, 1)])),
    state,
    leases,
    lease: { acquire: (signal) => acquireEverything(leases, signal, silentLog) },
    processes: makeMemoryProcesses(data.processes),
    scheduler: data.scheduler,
    attempts: makeMemoryAttempts(data.attempts, clock, () => data.isAway),
    isUp: () => !data.isAway,
    onUp: (listener) => (ups.add(listener), () => void ups.delete(listener)),
    onDown: (listener) => (downs.add(listener), () => void downs.delete(listener)),
    ping: () => trip(() => 0),
    close: (signal) => data.scheduler.stop(signal),
    sibling: () => storeOn(data, options),
    poison(lane, raw) {
      set(lane, [...(data.lanes.get(lane) ?? []), raw]);
    },
    setAway(isAway) {
      if (data.isAway === isAway) return;
      data.isAway = isAway;
      if (isAway) for (const listener of downs) listener(new Fault('store-away'));
      else for (const listener of ups) listener();
    },
  };
}

function glanceOf(lane: LaneKey, list: readonly string[]): LaneSummary {
  const [oldest, newest] = [list[0], list.at(-1)].map((raw) => {
    const stored = decode(raw ?? '');
    return 'envelope' in stored ? stored.envelope : null;
  });
  return { lane, length: list.length, oldest: oldest ?? null, newest: newest ?? null };
}

function searchIn(data: Data, letterOf: (one: Data['dead'][number]) => DeadLetter, id: string, user: BareJid | null) {
  const found = new Map<string, Finding>();
  const add = (lane: LaneKey, envelope: Envelope, where: Pick<Finding, 'place' | 'ahead' | 'letterId'>): void => {
    const { id: envelopeId, event, acceptedAt, attempts, lastFault, history = [] } = envelope;
    const isIt = envelopeId === id || (event.kind === 'message' && event.id === id);
    if (!isIt || (user !== null && lane.split(' ')[1] !== user)) return;
    found.set(`${lane} ${envelopeId}`, { lane, envelopeId, ...where, acceptedAt, attempts, lastFault, history });
  };
  for (const [lane, list] of data.lanes) {
    list.map(decode).forEach((stored, ahead) => {
      if ('envelope' in stored) add(lane, stored.envelope, { place: 'waiting', ahead, letterId: null });
    });
  }
  for (const letter of data.dead.map(letterOf)) {
    if (letter.lane && 'envelope' in letter.content)
      add(letter.lane, letter.content.envelope, { place: 'dead', ahead: null, letterId: letter.id });
  }
  for (const { id: envelopeId, lane, sendersId } of data.seen.values()) {
    const name = `${lane} ${envelopeId}`;
    if ((envelopeId !== id && sendersId !== id) || (user !== null && lane.split(' ')[1] !== user)) continue;
    const unknown = { ahead: null, letterId: null, acceptedAt: null, attempts: null, lastFault: null, history: [] };
    if (!found.has(name)) found.set(name, { lane, envelopeId, place: 'gone', ...unknown });
  }
  return [...found.values()];
}
