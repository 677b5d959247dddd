/**
 * One short connection to the XMPP server as the component, and what was seen: how it ended or that the handshake was
 * accepted, whether a stanza to our own domain comes back, which rights were granted (XEP-0114, XEP-0356). It refuses
 * what users send meanwhile, so that nobody waits in vain; it is never opened beside a bridge that is connected.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../bridge/ports';
import { accepted, parseXmppService, type Config } from '../../config';
import { Fault } from '../../core/fault';
import { pingAddress } from '../../xmpp/stream/barrier';
import { openConnection, type Connection } from '../../xmpp/stream/connection';
import { ns } from '../../xmpp/stanza/ns';
import { defaultTiming } from '../../xmpp/options';
import { attr, childOf, childrenOf, childText, el, payload, type Element } from '../../xmpp/stanza/element';
import { errorReply, readError } from '../../xmpp/stanza/error';

export interface ComponentResult {
  /** the handshake was accepted */
  readonly isAccepted: boolean;
  /** why the connection ended before or without us */
  readonly end: Fault | null;
  /** what became of the ping to our own domain */
  readonly echo: 'returned' | 'silence' | { readonly condition: string };
  /** host -> what it lets us do, as `access=type` */
  readonly grants: ReadonlyMap<string, readonly string[]>;
  /** what the granting host says it is (XEP-0092), as `name version`; null when it does not say */
  readonly software: string | null;
  /** domains that are not ours and whose stanzas came to us */
  readonly foreign: readonly string[];
}

const echoMs = 5_000;
/** ejabberd tells rights some moments after the handshake. */
const grantsMs = 1_000;
const versionMs = 2_000;
const timing = { ...defaultTiming, connectMs: 8_000, handshakeMs: 8_000, closeMs: 2_000 };
const hostsMax = 64;

/** Connects, looks, closes. Rejects `bad-request` or `no-tls` for a service that may not be used; else never. */
export async function probeComponent(
  xmpp: Config['xmpp'],
  clock: Clock,
  signal: AbortSignal,
): Promise<ComponentResult> {
  const { domain, secret } = xmpp;
  const pingId = randomUUID();
  const versionId = randomUUID();
  let software: string | null = null;
  const grants = new Map<string, string[]>();
  const foreign = new Set<string>();
  let echo: ComponentResult['echo'] = 'silence';
  let isAccepted = false;
  let onOnline = (): void => undefined;
  let onEcho = (): void => undefined;
  let onVersion = (): void => undefined;
  let onEnd: (fault: Fault) => void = () => undefined;
  const online = new Promise<void>((resolve) => (onOnline = resolve));
  const echoed = new Promise<void>((resolve) => (onEcho = resolve));
  const versioned = new Promise<void>((resolve) => (onVersion = resolve));
  const ended = new Promise<Fault>((resolve) => (onEnd = resolve));

  const onStanza = (stanza: Element): void => {
    if (attr(stanza, 'id') === pingId) {
      echo = attr(stanza, 'type') === 'error' ? { condition: readError(stanza).condition } : 'returned';
      return onEcho();
    }
    if (attr(stanza, 'id') === versionId) {
      software = softwareIn(stanza);
      return onVersion();
    }
    const advert = childOf(stanza, 'privilege', ns.privilege2) ?? childOf(stanza, 'privilege', ns.privilege1);
    const host = attr(stanza, 'from');
    if (advert && host !== null && grants.size < hostsMax) return void grants.set(host, rightsOf(advert));
    const to = hostOf(attr(stanza, 'to') ?? '');
    if (to === domain) refuse(stanza, connection);
    else if (foreign.size < hostsMax) foreign.add(to);
  };

  const connection: Connection = openConnection({
    service: accepted(parseXmppService, xmpp.service),
    ca: null,
    domain,
    secret,
    stanzaBytes: 1024 * 1024,
    bytesFor: () => 1024 * 1024,
    timing,
    clock,
    onConnected: () => undefined,
    onOnline: () => {
      isAccepted = true;
      onOnline();
    },
    onStanza,
    onOversize: () => undefined,
    onEnd: (fault) => onEnd(fault),
  });
  const onAbort = (): void => connection.destroy(new Fault('timeout'));
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();

  const seen = (end: unknown): ComponentResult => ({
    isAccepted,
    echo,
    grants,
    software,
    foreign: [...foreign],
    end: end instanceof Fault ? end : null,
  });
  const done = new AbortController();
  const until = AbortSignal.any([signal, done.signal]);
  const pause = (ms: number): Promise<unknown> => clock.sleep(ms, until).catch(() => undefined);
  try {
    const early = await Promise.race([online, ended]);
    if (early) return seen(early);
    const ping = el('iq', { type: 'get', id: pingId, from: domain, to: pingAddress(domain) }, payload('ping', ns.ping));
    connection.send(ping.toString());
    await Promise.race([echoed, ended, pause(echoMs)]);
    const end = await Promise.race([ended, pause(grantsMs)]);
    const [host] = grants.keys();
    if (end instanceof Fault || host === undefined) return seen(end);
    const ask = el('iq', { type: 'get', id: versionId, from: domain, to: host }, payload('query', ns.version));
    connection.send(ask.toString());
    return seen(await Promise.race([versioned, ended, pause(versionMs)]));
  } finally {
    done.abort();
    connection.close();
    await ended;
    signal.removeEventListener('abort', onAbort);
  }
}

/** Who writes while we look is told that the bridge is not there, as their server would without us. */
function refuse(stanza: Element, connection: Connection): void {
  const type = attr(stanza, 'type');
  if (type === 'error' || type === 'result' || stanza.getName() === 'presence' || attr(stanza, 'from') === null) return;
  connection.send(errorReply(stanza, new Fault('stopping').toData(), 'en').toString());
}

function softwareIn(stanza: Element): string | null {
  const query = childOf(stanza, 'query', ns.version);
  const said = [query && childText(query, 'name'), query && childText(query, 'version')];
  const text = said.filter((part) => part !== null && part !== '').join(' ');
  return text === '' ? null : text.slice(0, 80);
}

function rightsOf(advert: Element): string[] {
  return childrenOf(advert, 'perm', advert.getNS() ?? '')
    .map((perm) => `${attr(perm, 'access') ?? '?'}=${attr(perm, 'type') ?? 'yes'}`)
    .slice(0, 16);
}

function hostOf(address: string): string {
  const bare = address.split('/')[0] ?? '';
  return bare.slice(bare.lastIndexOf('@') + 1);
}
