/** The Jabber layer alone, with a listener and a registration that only write down what they are told. */
import { accepted, parseXmppService } from '../../src/config';
import type { Account, BareJid } from '../../src/core/address';
import { Fault } from '../../src/core/fault';
import type { Language } from '../../src/core/i18n';
import { chatMessage, type Envelope, type Event, type Message } from '../../src/core/model';
import { makeMetrics } from '../../src/ops/metrics';
import { systemClock } from '../../src/ops/clock';
import { makeJabber } from '../../src/xmpp/component';
import type { JabberOptions } from '../../src/xmpp/options';
import type { Jabber, JabberMiddle, Log, Meter } from '../../src/bridge/ports';

export interface SeenEvent {
  readonly user: BareJid;
  readonly peer: Account;
  readonly event: Event;
}

export interface JabberSide {
  readonly jabber: Omit<Jabber, 'start'> & { start(): Promise<void> };
  readonly events: SeenEvent[];
  /** `up`, or `down` with the fault's code */
  readonly stream: string[];
  readonly access: string[];
  /** who is linked to what; fill it to link by hand */
  readonly links: Map<BareJid, Account>;
  /** passwords that were tried */
  readonly tried: string[];
  /** a counter by name and the value of its last label: `faults_total xml-limit` */
  readonly counts: ReadonlyMap<string, number>;
  /** what was logged, as one text */
  readonly logged: () => string;
}

/** The only password that this side takes. */
export const rightPassword = 'secret';

/** `service` as it stands in a configuration */
export type SideOptions = Partial<Omit<JabberOptions, 'service'> & JabberMiddle> & { readonly service: string };

export function makeJabberSide(options: SideOptions): JabberSide {
  const { timing, service, ...settings } = options;
  const events: SeenEvent[] = [];
  const stream: string[] = [];
  const access: string[] = [];
  const links = new Map<BareJid, Account>();
  const tried: string[] = [];
  const said = new Map<BareJid, Language>();
  const counts = new Map<string, number>();
  const lines: string[] = [];
  const real = makeMetrics({ strict: true, process: false }).meter; // throws when a name or a label does not exist
  const meter: Meter = {
    count(name, labels = {}, by = 1) {
      real.count(name, labels, by);
      const key = [name, ...Object.values(labels).slice(-1)].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + by);
    },
    gauge: (name, value) => real.gauge(name, value),
    observe: (name, value) => real.observe(name, value),
  };
  const line = (fields: object, message: string): void => void lines.push(`${JSON.stringify(fields)} ${message}`);
  const log: Log = { debug: line, info: line, warn: line, error: line, child: () => log };
  const heard: JabberMiddle = {
    listener: {
      onEvent: (user, peer, event) => void events.push({ user, peer, event }),
      onStream: (state, fault) => void stream.push(fault ? `${state} ${fault.code}` : state),
      onRosterAccess: (granted) => void access.push(granted),
    },
    languages: { of: (user) => said.get(user) ?? 'en', said: (user, language) => void said.set(user, language) },
    registration: {
      isAllowed: (user) => !user.startsWith('tybalt@'),
      accountOf: (user) => links.get(user) ?? null,
      link(user, account, password) {
        tried.push(password);
        if (password !== rightPassword) return Promise.reject(new Fault('not-authorized'));
        links.set(user, account);
        return Promise.resolve();
      },
      unlink(user) {
        links.delete(user);
        return Promise.resolve();
      },
    },
  };
  const port = makeJabber({
    domain: 'ximss.test',
    homeDomain: 'far.test',
    secret: 'test-secret',
    service: accepted(parseXmppService, service),
    serverDomain: null,
    ca: null,
    stanzaBytes: 262_144,
    requestsPerMinute: () => 100_000,
    language: 'en',
    mayRegister: true,
    version: '1.2.3',
    timing: { retryMs: 50, ...timing },
    clock: systemClock,
    log,
    meter,
    ...settings,
  });
  const jabber = { ...port, start: () => port.start({ ...heard, ...settings }) };
  return { jabber, events, stream, access, links, tried, counts, logged: () => lines.join('\n') };
}

/** A far message on its way to a Jabber user. */
export function envelopeOf(id: string, body: string, extra: Partial<Message> = {}): Envelope {
  return { id, event: chatMessage(body, extra), acceptedAt: Date.now(), attempts: 0, lastFault: null };
}
