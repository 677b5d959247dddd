/**
 * Which server this is and how long it has been running: XEP-0092 (else the name in its disco identity, XEP-0030) and
 * XEP-0012, asked of one of its hosts. The host is the configured
 * one, else one that told us our rights (XEP-0356) on this stream, else the parent of our own domain. Whatever is not answered, in
 * time or at all, is null. It draws no conclusions: bridge/delivery/hold does.
 */
import { parseJid, type AddressBook } from '../core/address';
import { Fault } from '../core/fault';
import type { Clock, Log, ServerFacts } from '../bridge/ports';
import type { Iq } from './iq';
import { ns } from './stanza/ns';
import { attr, childrenOf, childText, payload, type Element } from './stanza/element';

export interface ServerOptions {
  readonly book: Pick<AddressBook, 'component'>;
  readonly iq: Pick<Iq, 'request'>;
  /** hosts that told us our rights on this stream */
  readonly hosts: () => readonly string[];
  readonly serverDomain: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** An answer comes at once or never. */
const answerMs = 3_000;
/** ejabberd tells our rights right after the handshake, others before it or not at all. */
const advertMs = 500;
const pollMs = 25;

/** Returns how to ask; that never rejects. */
export function makeServerFacts(options: ServerOptions): (signal: AbortSignal) => Promise<ServerFacts> {
  const { book, iq, hosts, serverDomain, clock, log } = options;

  async function host(signal: AbortSignal): Promise<string | null> {
    if (serverDomain !== null) return serverDomain;
    for (let waitedMs = 0; hosts().length === 0 && waitedMs < advertMs && !signal.aborted; waitedMs += pollMs)
      await clock.sleep(pollMs, signal).catch(() => undefined); // the loop ends too
    return hosts()[0] ?? parentOf(book.component);
  }

  return async (signal) => {
    const to = parseJid((await host(signal)) ?? '')?.bare;
    if (to === undefined || signal.aborted) return { software: null, uptimeMs: null };
    const answered = new AbortController();
    const late = new AbortController();
    const either = AbortSignal.any([signal, late.signal]);
    const ask = (xmlns: string): Promise<Element | null> =>
      iq.request(book.component, to, 'get', payload('query', xmlns), either).catch(() => null);
    clock.sleep(answerMs, answered.signal).then(
      () => late.abort(new Fault('timeout')),
      () => undefined, // answered in time
    );
    const [version, last, info] = await Promise.all([ask(ns.version), ask(ns.lastActivity), ask(ns.discoInfo)]);
    answered.abort();
    const facts = { software: nameIn(version) ?? identityIn(info), uptimeMs: uptimeIn(last) };
    log.info({ host: to, ...facts }, 'the XMPP server');
    return facts;
  };
}

/** The domain above; null when that would be a top-level domain of the world, where nobody is to be asked. */
function parentOf(domain: string): string | null {
  const parent = domain.slice(domain.indexOf('.') + 1);
  return parent !== domain && (parent.includes('.') || parent === 'localhost') ? parent : null;
}

/** XEP-0092 */
function nameIn(query: Element | null): string | null {
  const name = query?.getNS() === ns.version ? childText(query, 'name') : null;
  return name === null || name === '' ? null : name.slice(0, 100);
}

/** XEP-0030: Prosody and ejabberd both name themselves here, also when XEP-0092 is switched off. */
function identityIn(query: Element | null): string | null {
  if (query?.getNS() !== ns.discoInfo) return null;
  const server = childrenOf(query, 'identity', ns.discoInfo).find((one) => attr(one, 'category') === 'server');
  const name = server === undefined ? null : attr(server, 'name');
  return name === null || name === '' ? null : name.slice(0, 100);
}

/** XEP-0012 section 4: seconds since the server was started */
function uptimeIn(query: Element | null): number | null {
  const seconds = query?.getNS() === ns.lastActivity ? attr(query, 'seconds') : null;
  return seconds !== null && /^\d{1,10}$/.test(seconds) ? Number(seconds) * 1000 : null;
}
