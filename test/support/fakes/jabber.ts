/**
 * A Jabber server with its users' rosters and clients, for tests of the middle: RFC 6121 as user-server.ts has it,
 * with the ways of Prosody or ejabberd where they differ. It is a Jabber and it knows what each client was shown.
 * Stanzas arrive in order and never inside the caller's turn; while the stream is down they are lost, both ways.
 */
import type { Account, BareJid } from '../../../src/core/address';
import type { Language } from '../../../src/core/i18n';
import { Fault } from '../../../src/core/fault';
import { gatewayPeer } from '../../../src/core/model';
import type { ChatState, Durable, Event, FarPresence, Show, SubscriptionVerb } from '../../../src/core/model';
import type { Jabber, JabberListener, LanguageMemory, RosterEntry } from '../../../src/bridge/ports';
import { UserServer } from './user-server';

export type Kind = 'prosody' | 'ejabberd';
export type Access = 'none' | 'get' | 'both';

interface Item {
  readonly halves: UserServer;
  name: string | null;
  groups: string[];
  isListed: boolean;
}

/** One user, their roster on the server and their one client. */
export class FakeUser {
  readonly roster = new Map<Account, Item>();
  /** what the client shows: contacts that are not offline */
  readonly seen = new Map<Account, FarPresence>();
  /** requests that the client shows */
  readonly requests = new Set<Account>();
  /** names that requests came with (XEP-0172) */
  readonly nicks = new Map<Account, string>();
  readonly messages: string[] = [];
  readonly errors: { readonly peer: Account; readonly code: string }[] = [];
  show: Show = 'offline';
  status: string | null = null;

  constructor(
    readonly jid: BareJid,
    private readonly server: FakeJabber,
  ) {}

  item(peer: Account): Item {
    const known = this.roster.get(peer);
    if (known) return known;
    const made: Item = { halves: new UserServer(), name: null, groups: [], isListed: false };
    this.roster.set(peer, made);
    return made;
  }

  /** RFC 6121 4.2: presence to who may see it, probes to whom one sees; Prosody repeats what is pending. */
  login(show: Show = 'online', status: string | null = null): void {
    this.logout();
    this.seen.clear();
    [this.show, this.status] = [show, status];
    this.broadcast();
    for (const [peer, { halves }] of this.roster) {
      if (halves.to === 'yes') this.server.toBridge(this.jid, peer, { kind: 'probe', resource: null });
      if (halves.to === 'pending' && this.server.kind === 'prosody') this.route(peer, 'subscribe');
      if (halves.from === 'pending') this.requests.add(peer);
    }
  }

  setShow(show: Show, status: string | null = null): void {
    [this.show, this.status] = [show, status];
    this.broadcast();
  }

  logout(): void {
    if (this.show === 'offline') return;
    this.show = 'offline';
    this.broadcast();
    this.seen.clear();
  }

  private broadcast(): void {
    for (const [peer, { halves }] of this.roster) if (halves.from === 'yes') this.tellPresence(peer);
  }

  tellPresence(peer: Account): void {
    const { show, status } = this;
    this.server.toBridge(this.jid, peer, { kind: 'resource', resource: 'home', show, status, priority: 0 });
  }

  /** What the client says about a contact. */
  say(verb: SubscriptionVerb, peer: Account): void {
    const item = this.item(peer);
    const { halves } = item;
    const before = halves.from;
    const isRouted = halves.outbound(verb);
    if (verb === 'subscribe' || halves.from === 'yes') item.isListed = true;
    if (verb === 'subscribed' || verb === 'unsubscribed') this.requests.delete(peer);
    if (verb === 'unsubscribe') this.seen.delete(peer);
    if (isRouted) this.route(peer, verb);
    if (verb === 'subscribed' && before === 'pending' && this.show !== 'offline') this.tellPresence(peer);
    if (verb === 'unsubscribed' && before === 'yes' && this.show !== 'offline') this.sayGone(peer);
    this.tidy(peer);
  }

  /** Removes the contact from the roster: one step for the user, several stanzas for us. */
  remove(peer: Account): void {
    const item = this.roster.get(peer);
    if (!item) return;
    const { to, from } = item.halves;
    this.roster.delete(peer);
    this.seen.delete(peer);
    this.requests.delete(peer);
    // Prosody's order, seen with 0.12
    if (from !== 'no') this.route(peer, 'unsubscribed');
    if (from === 'yes' && this.show !== 'offline') this.sayGone(peer);
    if (to !== 'no') this.route(peer, 'unsubscribe');
  }

  rename(peer: Account, name: string | null, groups: string[]): void {
    Object.assign(this.item(peer), { name, groups, isListed: true });
  }

  private sayGone(peer: Account): void {
    const gone = { kind: 'resource', resource: 'home', show: 'offline', status: null, priority: 0 } as const;
    this.server.toBridge(this.jid, peer, gone);
  }

  private route(peer: Account, verb: SubscriptionVerb): void {
    this.server.toBridge(this.jid, peer, { kind: 'verb', verb, status: null });
  }

  /** What comes from a ghost. */
  hear(peer: Account, event: Durable | ChatState | FarPresence): void {
    switch (event.kind) {
      case 'message':
        return void this.messages.push(event.body);
      case 'bounce':
        return void this.errors.push({ peer, code: event.fault.code });
      case 'presence':
        if (this.show === 'offline' || this.roster.get(peer)?.halves.to !== 'yes') return;
        return void (event.show === 'offline' ? this.seen.delete(peer) : this.seen.set(peer, event));
      case 'verb':
        if (event.nick !== undefined) this.nicks.set(peer, event.nick);
        return this.hearVerb(peer, event.verb);
      case 'receipt':
      case 'chatState':
        return;
    }
  }

  private hearVerb(peer: Account, verb: SubscriptionVerb): void {
    const { halves } = this.item(peer);
    const was = halves.from;
    const reply = halves.inbound(verb);
    if (verb === 'subscribe' && was !== 'yes' && this.show !== 'offline') this.requests.add(peer);
    if (verb === 'unsubscribe') this.requests.delete(peer);
    if (verb === 'unsubscribe' && was === 'yes' && this.show !== 'offline') this.sayGone(peer);
    if (verb === 'unsubscribed') this.seen.delete(peer);
    if (reply) this.route(peer, reply);
    this.tidy(peer);
  }

  private tidy(peer: Account): void {
    const item = this.roster.get(peer);
    if (item && !item.isListed && item.halves.state === 'none') this.roster.delete(peer);
  }

  entries(): RosterEntry[] {
    return [...this.roster].flatMap(([account, { halves, name, groups, isListed }]) => {
      if (account === gatewayPeer || !isListed) return [];
      const [to, from] = [halves.to === 'yes', halves.from === 'yes'];
      const subscription = to && from ? 'both' : to ? 'to' : from ? 'from' : 'none';
      return [{ account, name, groups, subscription, ask: halves.to === 'pending' } as const];
    });
  }

  /** XEP-0356: state only, nothing is sent. */
  write(entry: RosterEntry): void {
    const item = this.item(entry.account);
    const { subscription: has } = entry;
    Object.assign(item, { name: entry.name, groups: [...entry.groups], isListed: true });
    item.halves.to = has === 'to' || has === 'both' ? 'yes' : item.halves.to === 'pending' ? 'pending' : 'no';
    item.halves.from = has === 'from' || has === 'both' ? 'yes' : item.halves.from === 'pending' ? 'pending' : 'no';
  }
}

export class FakeJabber {
  readonly users = new Map<BareJid, FakeUser>();
  /** stanzas from the bridge since the last `quiet()`, by what they are */
  stanzas: string[] = [];
  isUp = true;
  access: Access = 'none';
  /** grants both and fails every set, as ejabberd 23.01 */
  failsWriting = false;
  private listener: JabberListener | null = null;
  private languages: LanguageMemory | null = null;
  private line: Promise<unknown> = Promise.resolve();

  constructor(readonly kind: Kind) {}

  user(jid: BareJid): FakeUser {
    const known = this.users.get(jid);
    if (known) return known;
    const made = new FakeUser(jid, this);
    this.users.set(jid, made);
    return made;
  }

  private later(act: () => void): void {
    this.line = this.line.then(act).catch((thrown: unknown) => void console.error(thrown));
  }

  toBridge(user: BareJid, peer: Account, event: Event): void {
    if (!this.isUp) return; // lost: the component is down
    this.later(() => this.isUp && this.listener?.onEvent(user, peer, event));
  }

  /** The user writes in this language from now on (xml:lang). */
  speak(user: BareJid, language: Language): void {
    this.later(() => this.languages?.said(user, language));
  }

  /** The stream goes down or comes up. */
  setUp(isUp: boolean): void {
    if (this.isUp === isUp) return;
    this.isUp = isUp;
    this.later(() => {
      this.listener?.onStream(isUp ? 'up' : 'down', isUp ? null : new Fault('unavailable'));
      if (isUp) this.listener?.onRosterAccess(this.access);
    });
  }

  /** The Jabber side of one process; after `cut` it is deaf and mute. */
  port(): Jabber & { cut(): void } {
    let isCut = false;
    let isStarted = false;
    const isOn = (): boolean => this.isUp && isStarted && !isCut;
    const handled = (): Promise<unknown> => this.line;
    const write = (user: BareJid, peer: Account, event: Durable | ChatState | FarPresence): boolean => {
      if (!isOn()) return false;
      const what = event.kind === 'verb' ? event.verb : event.kind === 'presence' ? event.show : event.kind;
      this.stanzas.push(`${what} ${peer || 'gateway'}`);
      this.later(() => this.user(user).hear(peer, event));
      return true;
    };
    const answer = async <T>(work: () => T): Promise<T> => {
      await handled();
      if (!isOn()) throw new Fault('unavailable');
      if (this.access === 'none') throw new Fault('not-allowed');
      return work();
    };
    return {
      start: ({ listener, languages }) => {
        this.listener = listener;
        this.languages = languages;
        isStarted = true;
        if (this.isUp) this.later(() => isOn() && listener.onStream('up', null));
        if (this.isUp) this.later(() => isOn() && listener.onRosterAccess(this.access));
        return Promise.resolve();
      },
      stop: () => Promise.resolve(),
      prepare: () => undefined,
      isPrepared: () => false,
      giveAway: (go) => {
        go();
        return Promise.resolve([]);
      },
      write: () => undefined,
      serverFacts: () => Promise.resolve({ software: this.kind, uptimeMs: null }),
      wasAway: () => false,
      silentMs: () => 0,
      isUp: isOn,
      failed: new Promise<Fault>(() => undefined),
      async deliver(user, peer, envelopes) {
        for (const { event } of envelopes) if (!write(user, peer, event)) throw new Fault('unavailable');
        await handled();
        if (!isOn()) throw new Fault('unavailable');
      },
      async barrier() {
        await handled();
        if (!isOn()) throw new Fault('unavailable');
      },
      sendNow: write,
      probe: (user, peer) => {
        if (!isOn()) return false;
        this.stanzas.push(`probe ${peer || 'gateway'}`);
        this.later(() => {
          const who = this.user(user);
          const halves = who.roster.get(peer)?.halves;
          if (halves?.from !== 'yes') {
            // Prosody answers for contacts on the roster, and so ends a request that waits; ejabberd never answers
            if (!halves || this.kind === 'ejabberd') return;
            halves.from = 'no';
            this.toBridge(user, peer, { kind: 'verb', verb: 'unsubscribed', status: null });
          } else if (who.show !== 'offline') who.tellPresence(peer);
        });
        return true;
      },
      rosterAccess: () => (isOn() ? this.access : 'none'),
      readRoster: (user) => answer(() => this.user(user).entries()),
      writeRoster: (user, entry) =>
        answer(() => {
          if (this.failsWriting || this.access !== 'both') throw new Fault('not-allowed');
          if ('remove' in entry) this.user(user).remove(entry.remove);
          else this.user(user).write(entry);
          this.stanzas.push(`write ${'remove' in entry ? entry.remove : entry.account}`);
        }),
      cut: () => void (isCut = true),
    };
  }

  /** The stanzas since the last call. */
  quiet(): string[] {
    return this.stanzas.splice(0);
  }
}
