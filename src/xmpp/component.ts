/**
 * The XMPP side of the bridge, put together: each stanza that comes in goes where it belongs (pong, privileges, iq, event, refusal, nothing);
 * what goes out passes the guard; delivery is proved by the barrier. It runs on the stream's reader and never waits there.
 */
import { randomUUID } from 'node:crypto';
import { makeAddressBook, type BareJid } from '../core/address';
import { Fault, toFault } from '../core/fault';
import type { Language } from '../core/i18n';
import { makeBarrier, pingAddress } from './stream/barrier';
import { makeAddressReader, type Addresses } from './stanza/addresses';
import { makeIq } from './iq';
import { ns } from './stanza/ns';
import { defaultTiming, type JabberOptions } from './options';
import type { Jabber, JabberListener, LanguageMemory } from '../bridge/ports';
import { makePrivilege } from './privilege';
import { readStanza } from './stanza/read';
import { makeRequestRate } from './request-rate';
import { makeServerFacts } from './server-facts';
import { makeServices } from './services';
import { attr, el, payload, type Element } from './stanza/element';
import { errorReply } from './stanza/error';
import { learnLanguage } from './stanza/language';
import { makeGiveAway } from './stream/give-away';
import { makeStream } from './stream/reconnect';
import { writeEnvelope, writeEvent, writeProbe, type WriteContext } from './stanza/write';
import { makeGuard } from './stream/guard';

export type { JabberOptions } from './options';

/** An answer that we asked for may be so many times as large as other stanzas. */
const answersPerStanza = 64;

/** Builds the Jabber side; nothing is connected before start(). Throws Fault jid-malformed when a domain is none. */
export function makeJabber(options: JabberOptions): Jabber {
  const { clock, log, meter, stanzaBytes } = options;
  const timing = { ...defaultTiming, ...options.timing };
  const book = makeAddressBook({ componentDomain: options.domain, homeDomain: options.homeDomain });
  const readAddresses = makeAddressReader(book);
  let languages: LanguageMemory = { of: () => options.language, said: () => undefined }; // the middle's from start()
  const domain = book.component;
  const pingTo = pingAddress(options.serverDomain ?? domain);
  let online = new AbortController();

  let giveUp: (fault: Fault) => void = () => undefined;
  const failed = new Promise<Fault>((resolve) => (giveUp = resolve));

  const stream = makeStream({
    ...options,
    domain,
    timing,
    bytesFor,
    onUp,
    onDown,
    onStanza,
    onOversize,
    onGivenUp: (fault) => giveUp(fault),
  });
  let isPinging = false;
  const guard = makeGuard({
    domain,
    stanzaBytes,
    send: (text) => giveAway.send(text, isPinging),
    onTag: (chars) => barrier.onTag(chars),
    meter,
    log,
  });
  const barrier = makeBarrier({
    target: pingTo,
    sendPing,
    sendSpaces: (count) => void stream.send(' '.repeat(count)),
    onDead: (fault) => stream.fail(fault),
    newId: randomUUID,
    pongMs: timing.pongMs,
    clock,
    meter,
  });
  const rate = makeRequestRate(options.requestsPerMinute, clock);
  let isLinked: (user: BareJid) => boolean = () => false; // known from start()
  const iq = makeIq({
    mayAsk: (user) => rate.take(user),
    write: (stanza) => guard.write(stanza),
    send: (stanza) => guard.send('iq', [guard.serialise(stanza)]),
    languageOf: (user, stanza) => learnLanguage(languages, user, stanza),
    newId: randomUUID,
    answerMs: timing.iqMs,
    clock,
    log,
    meter,
  });
  const { serverDomain } = options;
  const privilege = makePrivilege({
    book,
    iq,
    serverDomain,
    advertMs: timing.advertMs,
    clock,
    log,
    onAccess: (access) => listener?.onRosterAccess(access),
  });
  const serverFacts = makeServerFacts({ book, iq, hosts: () => privilege.hosts(), serverDomain, clock, log });
  const giveAway = makeGiveAway({ stream, pass: () => barrier.pass(), serverFacts, clock, proofMs: timing.closeMs });
  let listener: JabberListener | null = null; // nothing is connected before start(), which gives it
  let context: WriteContext = {
    book,
    stanzaBytes,
    caps: () => payload('c', ns.caps),
    shownAvatar: (hash) => hash,
    languageOf: (user) => languages.of(user),
  };

  /** The answer to a question of ours may be a whole roster. */
  function bytesFor(outer: Element): number {
    return iq.isAwaited(outer) ? answersPerStanza * stanzaBytes : stanzaBytes;
  }

  function onUp(): void {
    online = new AbortController();
    privilege.onUp();
    listener?.onStream('up', null);
    keepAlive(online.signal).catch((thrown: unknown) => stream.fail(toFault(thrown)));
  }

  function onDown(fault: Fault): void {
    const lost = fault.code === 'stopping' ? fault : new Fault('unavailable', { cause: fault });
    online.abort();
    barrier.reset(lost);
    iq.reset(lost);
    privilege.reset();
    listener?.onStream('down', fault);
  }

  function sendPing(id: string): boolean {
    isPinging = true;
    const isSent = guard.write(el('iq', { type: 'get', id, from: domain, to: pingTo }, payload('ping', ns.ping)));
    isPinging = false;
    return isSent;
  }

  /** A ping at once (is our domain routed to us?) and then after every silence. Ends with the stream. */
  async function keepAlive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await barrier.pass().catch(() => undefined); // onDown tells why
      do
        await clock.sleep(timing.keepAliveMs, signal).catch(() => undefined); // the stream is down
      while (!signal.aborted && stream.silentMs() < timing.keepAliveMs);
    }
  }

  function onStanza(stanza: Element): void {
    const kind = stanza.getName();
    meter.count('stanzas_total', { dir: 'in', kind });
    try {
      if (kind !== 'iq' || !isPong(stanza)) route(kind, stanza);
    } catch (thrown) {
      reportFault(kind, thrown);
    }
  }

  function reportFault(kind: string, thrown: unknown): void {
    const { code, cause } = toFault(thrown);
    meter.count('faults_total', { part: 'xmpp', code });
    log.error({ kind, fault: code, err: cause }, 'a stanza could not be handled');
  }

  /** Our ping itself when it went to our own domain, else its answer. Nobody else can send from these two addresses. */
  function isPong(stanza: Element): boolean {
    const from = attr(stanza, 'from');
    return (from === domain || from === pingTo) && barrier.onPong(attr(stanza, 'id') ?? '');
  }

  function route(kind: string, stanza: Element): void {
    const addresses = readAddresses(stanza);
    if (typeof addresses === 'string') return dropped(kind, addresses);
    if (kind === 'iq') return iq.onIq(stanza, addresses);
    if (kind === 'message' && privilege.onMessage(stanza, addresses.from.bare)) return;
    relay(kind, stanza, addresses);
  }

  function relay(kind: string, stanza: Element, addresses: Addresses): void {
    const language = learnLanguage(languages, addresses.from.bare, stanza);
    const reading = readStanza(stanza, addresses, language);
    if ('drop' in reading) return dropped(kind, reading.drop);
    if ('refuse' in reading) return refuse(stanza, reading.refuse, language);
    const user = addresses.from.bare;
    if (kind === 'presence' && !rate.takeFor(user, reading.event, isLinked(user)))
      return refuse(stanza, new Fault('lane-full', { reason: 'tooManyRequests' }), language);
    if (addresses.peer !== null) listener?.onEvent(user, addresses.peer, reading.event);
  }

  function refuse(stanza: Element, fault: Fault, language: Language): void {
    meter.count('faults_total', { part: 'xmpp', code: fault.code });
    log.debug({ kind: stanza.getName(), fault: fault.code }, 'refused');
    guard.write(errorReply(stanza, fault.toData(), language));
  }

  function dropped(kind: string, reason: string): void {
    meter.count('faults_total', { part: 'xmpp', code: reason });
    log.debug({ kind, reason }, 'dropped');
  }

  /** The sender of what was too large is told, when that can be done. */
  function onOversize(tag: Element | null, fault: Fault): void {
    meter.count('faults_total', { part: 'xmpp', code: fault.code });
    log.warn({ kind: tag?.getName(), cause: fault.cause }, 'a stanza over a limit was skipped');
    if (!tag) return;
    iq.onTooLarge(tag, fault);
    const type = attr(tag, 'type');
    const addresses = readAddresses(tag);
    if (type === 'error' || type === 'result' || typeof addresses === 'string') return;
    if (tag.getName() === 'presence') return;
    guard.write(errorReply(tag, fault.toData(), learnLanguage(languages, addresses.from.bare, tag)));
  }

  return {
    start(middle, patienceMs = 0) {
      const { services, caps, shownAvatar } = makeServices(options, middle, book);
      iq.serve(services);
      context = { ...context, caps, shownAvatar };
      ({ listener, languages } = middle);
      isLinked = (user) => middle.registration.accountOf(user) !== null;
      return stream.start(patienceMs);
    },
    stop: () => stream.stop(),
    failed,
    prepare: () => stream.prepare(),
    isPrepared: () => stream.isPrepared(),
    giveAway: (go) => giveAway.begin(go),
    write: (texts) => void guard.send('passed-on', texts),
    isUp: () => stream.state() === 'online',
    async deliver(user, peer, envelopes) {
      if (giveAway.hasBegun()) throw new Fault('unavailable');
      const now = clock.now();
      const texts = envelopes.flatMap((envelope) => ({
        kind: envelope.event.kind === 'verb' ? 'presence' : 'message',
        texts: writeEnvelope(context, user, peer, envelope, now).map((stanza) => guard.serialise(stanza)),
      }));
      for (const { kind, texts: parts } of texts) if (!guard.send(kind, parts)) throw new Fault('unavailable');
      await barrier.pass();
    },
    barrier: () => barrier.pass(),
    sendNow(user, peer, event) {
      try {
        const stanzas = writeEvent(context, user, peer, event, randomUUID(), clock.now());
        return stanzas.every((stanza) => guard.write(stanza));
      } catch (thrown) {
        reportFault(event.kind, thrown);
        return false;
      }
    },
    probe: (user, peer) => guard.write(writeProbe(book, user, peer)),
    rosterAccess: () => privilege.rosterAccess(),
    serverFacts,
    wasAway: () => stream.wasAway(),
    silentMs: () => stream.silentMs(),
    readRoster: (user, signal) => privilege.readRoster(user, signal),
    writeRoster: (user, entry, signal) => privilege.writeRoster(user, entry, signal),
  };
}
