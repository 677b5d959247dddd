/**
 * The FarPort of the middle on XIMSS: one AccountSession per link, one limit of logins at once, one knowledge of whether
 * the server is there. It finds the session and hands over; what is said on the wire is decided in write.ts and read.ts,
 * how a session lives in account-session.ts.
 */
import { setMaxListeners } from 'node:events';
import type { Clock, FarListener, FarPort, Log, Meter, NoteStore } from '../bridge/ports';
import { type Account, type BareJid } from '../core/address';
import { Fault, toFault } from '../core/fault';
import type { Contact, Envelope, Link, LinkStatus } from '../core/model';
import { makeAvailability } from './login/availability';
import { connect, noEvents, probeServer } from './login/connect';
import { makeRefusalLog } from './login/refusal-log';
import { withDeadline } from '../core/async';
import { makeXimssContext, type FarSettings, type XimssContext } from './context';
import { AccountSession } from './account/account-session';
import { bye, rosterList } from './protocol/operations';
import { LoginLimiter } from './login/limiter';
import { readRoster } from './protocol/read';
import { askDirectory, readDirectory } from './protocol/directory';
import { writeChatState, writeContact, writeEnvelope, writePresence, writeRemoval } from './protocol/write';

export type { FarSettings } from './context';

export interface FarOptions {
  readonly settings: FarSettings;
  /** where HTTP sessions are noted, so that what they hold outlives a crash; nowhere when left out */
  readonly notes?: NoteStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** A server that answers so late is as good as away. */
const probeMaxMs = 15_000;

/** The far network behind XIMSS. Nothing is opened before `start` or `open` is called. */
export function makeFarPort(options: FarOptions): FarPort {
  const context = makeXimssContext(options);
  const limiter = new LoginLimiter();
  const links = new Map<BareJid, AccountSession>();
  const gauge = makeStatusGauge(options.meter);
  let listener: FarListener | null = null;
  const onRefused = makeRefusalLog(context);
  let isStopping = false;
  const { host, port } = options.settings.server;
  const availability = makeAvailability({
    probe: (signal) => probeServer(context, signal),
    probeTimeoutMs: Math.min(probeMaxMs, options.settings.requestTimeoutMs),
    server: `${host}:${port}`,
    onBack: () => {
      limiter.reset();
      for (const session of links.values()) session.confirm();
    },
    clock: options.clock,
    log: options.log,
  });

  const openSession = (link: Link, listener: FarListener): void => {
    const session: AccountSession = new AccountSession({
      link,
      context,
      limiter,
      availability,
      listener,
      onRefused,
      urgency: () => listener.urgency(link.user),
      onStatus: (status, fault, before) => {
        gauge(before, status);
        if (links.get(link.user) === session) listener.onStatus(link.user, status, fault);
      },
    });
    links.set(link.user, session);
    session.start();
  };

  const open = (link: Link): void => {
    if (isStopping || listener === null) return;
    const old = links.get(link.user);
    if (old !== undefined && old.link.account === link.account && old.link.password === link.password) return;
    links.delete(link.user);
    void old?.close();
    openSession(link, listener);
  };

  const close = async (user: BareJid): Promise<void> => {
    const link = links.get(user);
    if (link === undefined) return;
    const gone = link.close();
    links.delete(user); // from here on it may be opened again
    await gone;
  };

  const absenceOf = (link: AccountSession | undefined): Fault =>
    isStopping ? new Fault('stopping') : (link?.absence() ?? new Fault('unavailable', { cause: 'no such link' }));

  const deliver = (user: BareJid, peer: Account, envelopes: readonly Envelope[]): readonly Promise<void>[] => {
    const link = links.get(user);
    return envelopes.map((envelope) => {
      const operation = writeEnvelope(peer, envelope, context.dialect, context.clock.now());
      if (operation === null) return Promise.resolve();
      if (isStopping || link === undefined) return Promise.reject(absenceOf(link));
      return link.perform(operation);
    });
  };

  const find = (user: BareJid): AccountSession => {
    const link = links.get(user);
    if (isStopping || link === undefined) throw absenceOf(link);
    return link;
  };

  const roster = async (user: BareJid): Promise<readonly Contact[]> => {
    const link = find(user);
    const { contacts, skippedCount } = readRoster(await link.perform(rosterList()), context.dialect);
    link.reportSkipped(skippedCount);
    return contacts;
  };

  const stop = async (signal: AbortSignal): Promise<void> => {
    isStopping = true;
    setMaxListeners(0, signal); // every link listens to it
    const open = [...links.values()];
    await Promise.all(open.map((link) => link.close(signal)));
    links.clear();
    availability.stop();
    context.http?.close();
  };

  return {
    start: (told) => void (listener = told),
    check: () => availability.check(),
    absence: () => availability.fault(),
    open,
    reconnect: (users) => {
      for (const user of users) links.get(user)?.retryNow();
    },
    close,
    status: (user): LinkStatus => links.get(user)?.status ?? 'closed',
    verify: (account, password, signal) => verify(context, account, password, signal),
    deliver,
    sendChatState: (user, peer, event) => {
      const session = links.get(user)?.serving ?? null;
      const operation = writeChatState(peer, event, context.dialect);
      if (session === null || operation === null || session.isBusy) return;
      session.perform(operation).catch(() => undefined); // now or never
    },
    setPresence: async (user, presence) => find(user).perform(writePresence(presence)),
    roster,
    setContact: async (user, contact) => find(user).perform(writeContact(contact, context.dialect)),
    profile: async (user, peer) => find(user).profile(peer),
    search: async (user, text, limitCount) => {
      const operation = askDirectory(text, limitCount, context.dialect);
      if (operation === null) return null;
      const data = await find(user).perform(operation).catch(unlessRefused);
      return data && readDirectory(data, options.settings.domain, context.dialect);
    },
    removeContact: async (user, peer) => find(user).perform(writeRemoval(peer, context.dialect)),
    stop,
  };
}

/** A server that refuses a search has no directory for this user. */
function unlessRefused(thrown: unknown): null {
  if (toFault(thrown).code === 'refused') return null;
  throw thrown;
}

/** Logs in, says goodbye, forgets. Rejects as connect.ts says. */
async function verify(context: XimssContext, account: Account, password: string, signal: AbortSignal): Promise<void> {
  await withDeadline(context.clock, context.settings.requestTimeoutMs, signal, async (inner) => {
    const { session } = await connect(context, { name: account, password }, noEvents, inner);
    const drop = (): void => session.destroy(new Fault('unavailable', { cause: 'only a trial' }));
    inner.addEventListener('abort', drop, { once: true });
    if (inner.aborted) drop();
    await session.perform(bye()).catch(() => undefined); // the password was right, whatever comes now
    drop();
  });
}

/** Keeps the gauge of sessions by status true with each change. */
function makeStatusGauge(meter: Meter): (before: LinkStatus | null, after: LinkStatus) => void {
  const counts = new Map<LinkStatus, number>();
  const add = (status: LinkStatus, by: number): void => {
    const count = (counts.get(status) ?? 0) + by;
    counts.set(status, count);
    meter.gauge('sessions', count, { status });
  };
  return (before, after) => {
    if (before !== null) add(before, -1);
    if (after !== 'closed') add(after, 1);
  };
}
