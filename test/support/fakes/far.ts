/**
 * A far network without wires for tests of the middle: the XIMSS test server's world (its roster and subscription rules
 * are the far truth), sessions opened inside it, the bridge's own translators between. It is a FarPort; a test ends and
 * returns sessions. Everything arrives in order, never inside the caller's turn.
 */
import { Fault } from '../../../src/core/fault';
import type { Account, BareJid } from '../../../src/core/address';
import type { Contact, Link, LinkStatus } from '../../../src/core/model';
import type { FarListener, FarPort } from '../../../src/bridge/ports';
import { defaultDialect } from '../../../src/ximss/protocol/dialect';
import { readDocument, readRoster } from '../../../src/ximss/protocol/read';
import type { Operation } from '../../../src/ximss/protocol/request';
import { writeContact, writeEvent, writePresence, writeRemoval } from '../../../src/ximss/protocol/write';
import { rosterList } from '../../../src/ximss/protocol/operations';
import { Actor } from '../ximss-server/actor';
import { unbind } from '../ximss-server/operations/bind';
import { Faults } from '../ximss-server/faults';
import { operate } from '../ximss-server/operations/operations';
import { settingsFrom } from '../ximss-server/options';
import { Refusal } from '../ximss-server/refusal';
import { Sessions } from '../ximss-server/accounts/sessions';
import type { Session } from '../ximss-server/accounts/store';
import { Accounts, type RosterItem } from '../ximss-server/accounts/store';
import { Strict } from '../ximss-server/strict';
import { WireLog } from '../ximss-server/wire-log';
import type { World } from '../ximss-server/world';
import { el, type El } from '../ximss-server/xml';

export interface FakeFar {
  /** A FarPort for one process: after `cut` it is deaf and mute, and its sessions are gone. */
  port(): FarPort & { cut(): void };
  /** A far user. The same one however often it is asked for. */
  actor(account: string): Actor;
  /** The account's roster item for a peer, as the far server has it. */
  item(account: string, peer: string): Readonly<RosterItem> | null;
  /** Own presence word of an account, combined. */
  presenceOf(account: string): { value: string; status: string };
  /** The far server cannot be reached, or can be again. */
  setDown(isDown: boolean): void;
  /** The next sessions are refused with this. */
  refuse(fault: Fault | null): void;
  /** What roster() answers instead of the truth, once per call while set. */
  loseRoster(isLost: boolean): void;
  /** requests of ports, by name */
  readonly requests: Map<string, number>;
  readonly world: World;
}

interface Live {
  readonly link: Link;
  session: Session | null;
  status: LinkStatus;
}

export function fakeFar(accounts: readonly string[]): FakeFar {
  const settings = settingsFrom({ logCount: 0 });
  const now = (): number => Date.now();
  const world: World = {
    settings,
    accounts: new Accounts(settings.domains),
    sessions: new Sessions(settings, now),
    faults: new Faults(),
    strict: new Strict(settings.dialect),
    wireLog: new WireLog(0, now),
    nonces: new Map(),
    recovered: [],
    logins: { nextAtMs: 0 },
    pendingIqs: new Map(),
    rooms: new Map(),
    now,
  };
  world.sessions.onEnd = (session) => unbind(world, session);
  for (const account of accounts) world.accounts.add(account, 'secret');
  const actors = new Map<string, Actor>();
  const requests = new Map<string, number>();
  const ports = new Set<{ up(): void; down(fault: Fault): void }>();
  let isDown = false;
  let refusal: Fault | null = null;
  let isLost = false;

  const account = (name: string) => {
    const found = world.accounts.get(name);
    if (!found) throw new Error(`no account ${name}`);
    return found;
  };

  function port(): FarPort & { cut(): void } {
    let listener: FarListener | null = null;
    const links = new Map<BareJid, Live>();
    let isCut = false;
    let line: Promise<unknown> = Promise.resolve();
    const later = (act: () => unknown): void => {
      line = line.then(() => (isCut ? undefined : act())).catch((thrown: unknown) => void console.error(thrown));
    };
    const setStatus = (live: Live, status: LinkStatus, fault: Fault | null): void => {
      live.status = status;
      later(() => listener?.onStatus(live.link.user, status, fault));
    };

    function connect(live: Live): void {
      setStatus(live, 'connecting', null);
      if (refusal) return setStatus(live, 'refused', refusal);
      if (isDown) return setStatus(live, 'waiting', new Fault('unavailable'));
      live.session = world.sessions.open({
        account: account(live.link.account),
        transport: 'inside',
        version: '6.3',
        remoteAddress: '',
        sink: { push: (message) => later(() => hear(live, message)), ended: () => undefined },
      });
      ask(live, el('signalBind', { clientID: 'bridge', presence: 'yes', readIM: '1' }));
      setStatus(live, 'online', null);
    }

    function hear({ link: { user } }: Live, message: El): unknown {
      const reading = readDocument(message, defaultDialect);
      if (reading.kind === 'event') return listener?.onEvent(user, reading.peer, reading.event, reading.identity);
      if (reading.kind === 'contact') listener?.onContact(user, reading.account, reading.contact);
      return undefined;
    }

    function ask({ session }: Live, request: El): El[] {
      if (session === null || session.isEnded || isCut) throw new Fault('unavailable');
      requests.set(request.name, (requests.get(request.name) ?? 0) + 1);
      const data: El[] = [];
      const steps: (() => void)[] = [];
      try {
        void operate(session, {
          world,
          request,
          data: (message) => data.push(message),
          afterwards: (step) => steps.push(step),
          hold: () => undefined,
        });
      } catch (thrown) {
        if (thrown instanceof Refusal) throw new Fault('refused', { number: thrown.errorNum, text: thrown.errorText });
        throw thrown;
      }
      for (const step of steps) step();
      return data;
    }

    /** What the bridge's own operation says, said inside. */
    async function perform(user: BareJid, operation: Operation<unknown>): Promise<El[]> {
      await Promise.resolve();
      const live = links.get(user);
      if (!live) throw new Fault('unavailable');
      return ask(live, structuredClone(operation.request) as El); // the same shape, but not readonly
    }

    const me = {
      up: () => links.forEach((live) => live.status === 'waiting' && connect(live)),
      down: (fault: Fault) =>
        links.forEach((live) => {
          if (live.session === null) return;
          world.sessions.end(live.session);
          live.session = null;
          if (!isCut) setStatus(live, 'waiting', fault);
        }),
    };
    ports.add(me);

    return {
      start: (told) => void (listener = told),
      check: () => undefined,
      absence: () => (isDown ? new Fault('unavailable') : null),
      reconnect: (users) => {
        for (const user of users) {
          const live = links.get(user);
          if (live !== undefined && live.session === null) connect(live);
        }
      },
      open(link) {
        const old = links.get(link.user);
        if (old?.session) world.sessions.end(old.session);
        const live: Live = { link, session: null, status: 'connecting' };
        links.set(link.user, live);
        connect(live);
      },
      close(user) {
        const live = links.get(user);
        if (live?.session) world.sessions.end(live.session);
        if (live) setStatus(live, 'closed', null);
        links.delete(user);
        return Promise.resolve();
      },
      status: (user) => links.get(user)?.status ?? 'closed',
      verify: () => Promise.resolve(),
      deliver: (user, peer, envelopes) =>
        envelopes.map(async ({ id, event }) => {
          const operation = writeEvent(peer, event, id, defaultDialect);
          if (operation) await perform(user, operation);
        }),
      sendChatState: () => undefined,
      setPresence: async (user, presence) => void (await perform(user, writePresence(presence))),
      async roster(user): Promise<readonly Contact[]> {
        const items = await perform(user, rosterList());
        return isLost ? [] : readRoster(items, defaultDialect).contacts;
      },
      setContact: async (user, contact) => void (await perform(user, writeContact(contact, defaultDialect))),
      search: () => Promise.resolve([]),
      profile: () => Promise.resolve(null),
      removeContact: async (user, peer: Account) => void (await perform(user, writeRemoval(peer, defaultDialect))),
      stop() {
        me.down(new Fault('stopping'));
        return Promise.resolve();
      },
      cut() {
        isCut = true;
        ports.delete(me);
        me.down(new Fault('stopping'));
      },
    };
  }

  return {
    port,
    actor(name) {
      const known = actors.get(name) ?? new Actor(world, account(name));
      actors.set(name, known);
      return known;
    },
    item: (owner, peer) => account(owner).roster.get(peer) ?? null,
    presenceOf(name) {
      const said = [...account(name).sessions].flatMap(({ presence }) => (presence ? [presence] : []));
      const last = said.at(-1);
      return { value: last?.value ?? 'offline', status: last?.status ?? '' };
    },
    setDown(value) {
      isDown = value;
      for (const one of ports) {
        if (value) one.down(new Fault('unavailable'));
        else one.up();
      }
    },
    refuse: (fault) => (refusal = fault),
    loseRoster: (value) => (isLost = value),
    requests,
    world,
  };
}
