/**
 * A local user played from inside the server: a session without a wire. It asks the same operations as any client,
 * through the same code, and keeps what it was sent. In tests it is the far user.
 */
import type { Call } from './operations/exchange';
import { operate } from './operations/operations';
import { refusals } from './refusal';
import type { Account, Session } from './accounts/store';
import type { World } from './world';
import { childOf, el, textOf, toXml, type El } from './xml';

/** One thing the actor was sent. */
export interface Received {
  kind: 'im' | 'presence' | 'verb' | 'roster' | 'iq' | 'other';
  peer: string;
  /** Epoch milliseconds of arrival. */
  at: number;
  /** `type` of the message: chat, unavailable, subscribe, result … */
  type: string | undefined;
  /** IM text; status of a presence. */
  text: string;
  /** Chat state of an IM. */
  state: string | undefined;
  /** CGP presence word; `offline` when unavailable. */
  presence: string | undefined;
  iqid: string | undefined;
  /** Time of a stored message. */
  gmtTime: string | undefined;
  /** The message as it was. */
  element: El;
}

export interface SendOptions {
  type?: string;
  iqid?: string;
  clientID?: string;
  subject?: string;
  /** Sends this chat state instead of text. */
  state?: 'composing' | 'paused' | 'gone';
}

export type Verb = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

const maxKept = 200_000;

export class Actor {
  readonly received: Received[] = [];
  /** Called after each received thing was kept; must not throw. */
  onReceived: ((item: Received) => void) | null = null;
  private session: Session;
  private watchers: ((item: Received) => void)[] = [];
  private nextId = 1;
  private isStopped = false;
  private isClosed = false;

  /** Logs in and binds at once, so that stored messages arrive. */
  constructor(
    private readonly world: World,
    private readonly owner: Account,
    private readonly clientID: string = 'inside',
  ) {
    this.session = this.open();
    this.bind();
  }

  get account(): string {
    return this.owner.address;
  }

  /** What was received of one kind, oldest first. */
  of(kind: Received['kind']): Received[] {
    return this.received.filter((item) => item.kind === kind);
  }

  /** Asks any operation; returns the data messages. Throws Refusal as the operation does. */
  request(name: string, attrs: Record<string, string | undefined> = {}, ...children: (El | string)[]): El[] {
    if (this.session.isEnded) throw refusals.notLoggedIn();
    const id = `in${this.nextId++}`;
    const data: El[] = [];
    const steps: (() => void)[] = [];
    const call: Call = {
      world: this.world,
      request: el(name, { id, ...attrs }, ...children),
      data: (message) => void data.push({ ...message, attrs: { id, ...message.attrs } }),
      afterwards: (step) => void steps.push(step),
      hold: () => undefined,
    };
    // Session operations answer at once; only pre-login ones take their time.
    void operate(this.session, call);
    for (const step of steps) step();
    return data;
  }

  /** Sends a message; returns nothing, throws Refusal when it is refused. */
  sendIM(peer: string, text: string, options: SendOptions = {}): void {
    const { state, subject, type = 'chat', ...attrs } = options;
    const content = state === undefined ? text : el(state);
    if (subject === undefined) this.request('sendIM', { peer, type, ...attrs }, content);
    else this.request('sendIM', { peer, type, ...attrs }, el('body', {}, text), el('subject', {}, subject));
  }

  setPresence(value: string, status = ''): void {
    this.request('presenceSet', {}, el('presence', {}, value), el('status', {}, status));
  }

  rosterSet(peer: string, item: { name?: string; groups?: string[] } = {}): void {
    this.request('rosterSet', { peer, name: item.name }, ...(item.groups ?? []).map((group) => el('group', {}, group)));
  }

  rosterRemove(peer: string): void {
    this.request('rosterSet', { peer, [this.world.settings.dialect.rosterRemove]: 'remove' });
  }

  /** The `rosterItem` elements. */
  rosterList(): El[] {
    return this.request('rosterList').filter((message) => message.name === 'rosterItem');
  }

  verb(verb: Verb, peer: string): void {
    this.request('presenceSet', { peer, type: verb });
  }
  subscribe(peer: string): void {
    this.verb('subscribe', peer);
  }
  subscribed(peer: string): void {
    this.verb('subscribed', peer);
  }
  unsubscribe(peer: string): void {
    this.verb('unsubscribe', peer);
  }
  unsubscribed(peer: string): void {
    this.verb('unsubscribed', peer);
  }

  iqSend(type: 'get' | 'set' | 'result' | 'error', peer: string, iqid: string, ...payload: El[]): void {
    this.request('iqSend', { type, peer, iqid }, ...payload);
  }

  /** Goes offline: what is sent from now on is stored. */
  unbind(): void {
    this.request('signalUnbind');
  }

  bind(): void {
    this.request('signalBind', { clientID: this.clientID, presence: 'yes', readIM: '1' });
  }

  /** Ends the session inside, for good. */
  close(): void {
    this.isClosed = true;
    this.world.sessions.end(this.session);
  }

  /** For the server: the far user cannot act while the server is down. */
  suspend(isStopped: boolean): void {
    this.isStopped = isStopped;
    if (isStopped) this.world.sessions.end(this.session);
    else if (this.session.isEnded && !this.isClosed) {
      this.session = this.open();
      this.bind();
    }
  }

  /**
   * The first received thing, past or coming, that satisfies the predicate.
   * Rejects after `deadlineMs` with a list of what came instead.
   */
  waitFor(predicate: (item: Received) => boolean, deadlineMs = 5000): Promise<Received> {
    const known = this.received.find(predicate);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const watch = (item: Received): void => {
        if (!predicate(item)) return;
        stop();
        resolve(item);
      };
      const timer = setTimeout(() => {
        stop();
        const seen = this.received.slice(-10).map((item) => toXml(item.element));
        reject(
          new Error(`${this.account} waited ${deadlineMs} ms in vain; last received: ${seen.join(' ') || 'nothing'}`),
        );
      }, deadlineMs);
      const stop = (): void => {
        clearTimeout(timer);
        this.watchers = this.watchers.filter((other) => other !== watch);
      };
      this.watchers.push(watch);
    });
  }

  private open(): Session {
    return this.world.sessions.open({
      account: this.owner,
      transport: 'inside',
      version: '6.3',
      remoteAddress: '',
      sink: { push: (message) => this.take(message), ended: () => undefined },
    });
  }

  private take(message: El): void {
    if (this.isStopped) return;
    const item = read(message, this.world.now());
    if (this.received.length >= maxKept) this.received.splice(0, maxKept / 2);
    this.received.push(item);
    for (const watch of [...this.watchers]) watch(item);
    this.onReceived?.(item);
  }
}

function read(message: El, at: number): Received {
  const { peer = '', type, iqid, gmtTime } = message.attrs;
  const child = (name: string): string | undefined => {
    const found = childOf(message, name);
    return found === undefined ? undefined : textOf(found);
  };
  const base: Received = {
    kind: 'other',
    peer,
    at,
    type,
    iqid,
    gmtTime,
    element: message,
    text: '',
    state: undefined,
    presence: undefined,
  };
  switch (message.name) {
    case 'readIM': {
      const state = ['composing', 'paused', 'gone'].find((name) => childOf(message, name) !== undefined);
      return { ...base, kind: 'im', text: child('body') ?? textOf(message), state };
    }
    case 'presence':
      if (type !== undefined && type !== 'unavailable') return { ...base, kind: 'verb' };
      return {
        ...base,
        kind: 'presence',
        text: child('status') ?? '',
        presence: type ? 'offline' : child('presence') || 'offline',
      };
    case 'rosterItem':
      return { ...base, kind: 'roster' };
    case 'iqRead':
      return { ...base, kind: 'iq' };
    default:
      return base;
  }
}
