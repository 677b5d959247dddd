/**
 * One connection to the XMPP server, from the socket to its end: header, handshake, stanzas, close (XEP-0114). Each phase
 * has a deadline. What is sent in one turn of the event loop goes out as one write, and what the server does not take is
 * bounded. It never reconnects; `onEnd` is called exactly once and says why, and nothing is called after it.
 *
 * Socket and parser are our own and not those of @xmpp/component 0.13 (only the elements, @xmpp/xml, are from there): that
 * one decodes each read by itself (a letter cut in two is lost), takes any element as the handshake's answer, waits for
 * ever in a half-made handshake, keeps what it reads without a bound and passes over comments and DTDs in silence.
 */
import { createHash } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Fault, toFault, type FaultCode } from '../../core/fault';
import type { Clock } from '../../bridge/ports';
import { NS } from '../stanza/ns';
import type { StreamTiming } from '../services/options';
import { makeParser } from './parser';
import type { Service } from './endpoint';
import { attr, childText, el, elements, type Element } from '../stanza/element';

export interface ConnectionOptions {
  readonly service: Service;
  readonly ca: string | null;
  readonly domain: string;
  readonly secret: string;
  readonly stanzaBytes: number;
  /** what a stanza with this opening tag may have */
  readonly bytesFor: (outer: Element) => number;
  readonly timing: StreamTiming;
  readonly clock: Clock;
  /** The socket stands, the handshake begins. */
  readonly onConnected: () => void;
  readonly onOnline: () => void;
  readonly onStanza: (stanza: Element) => void;
  /** A stanza over a limit was skipped; see the parser. */
  readonly onOversize: (shell: Element | null, fault: Fault) => void;
  /** stream-conflict, stream-refused, xml-…, unavailable, timeout; stopping when we closed it ourselves. */
  readonly onEnd: (fault: Fault) => void;
}

export interface Connection {
  /** False when the stream is not open or its bound is reached: then nothing was queued. */
  send(text: string): boolean;
  /** Says goodbye; the end comes within `closeMs`. */
  close(): void;
  /** Ends it now. */
  destroy(fault: Fault): void;
  /** clock.monotonic() of the last bytes read */
  lastReadAt(): number;
}

/** Levels of elements in a stanza: forms in forwarded messages need about 12. */
const DEPTH_COUNT = 64;
/** Written and not yet taken by the server: more is refused. */
const UNSENT_BYTES = 16 * 1024 * 1024;
/** Stanzas that may come before the handshake's answer (Prosody tells privileges then). */
const EARLY_COUNT = 64;
const KEEPALIVE_MS = 30_000;

/** What a stream error means to us; any other is a reason to come again. */
const streamFaults: Readonly<Record<string, FaultCode>> = {
  conflict: 'stream-conflict',
  'not-authorized': 'stream-refused',
  'host-unknown': 'stream-refused',
  'host-gone': 'stream-refused',
  'invalid-namespace': 'stream-refused',
};

type Phase = 'connecting' | 'opening' | 'handshaking' | 'online' | 'closing' | 'over';

/** Begins to connect at once. */
export function openConnection(options: ConnectionOptions): Connection {
  const { service, domain, secret, timing, clock } = options;
  const { host, port, isTls } = service;
  let phase: Phase = 'connecting';
  let deadline = new AbortController();
  let readAt = clock.monotonic();
  let queued: string[] = [];
  let queuedBytes = 0;
  /** we said goodbye on a stream that was up */
  let isLeaving = false;
  const early: Element[] = [];

  const end = (fault: Fault): void => {
    if (phase === 'over') return;
    phase = 'over';
    deadline.abort();
    parser.end();
    queued = [];
    socket.destroy();
    options.onEnd(fault);
  };

  const enter = (next: Phase, limitMs: number | null): void => {
    phase = next;
    deadline.abort();
    deadline = new AbortController();
    if (limitMs === null) return;
    clock.sleep(limitMs, deadline.signal).then(
      () => end(next === 'closing' ? new Fault('stopping') : new Fault('timeout', { cause: `the phase ${next}` })),
      () => undefined, // the phase ended in time
    );
  };

  const flush = (): void => {
    if (phase === 'over' || queued.length === 0) return;
    const text = queued.join('');
    queued = [];
    queuedBytes = 0;
    socket.write(text);
  };

  const queue = (text: string): void => {
    if (queued.length === 0) setImmediate(flush);
    queued.push(text);
    queuedBytes += text.length;
  };

  const onHeader = (header: Element): void => {
    const id = attr(header, 'id') ?? '';
    if (header.getName() !== 'stream' || header.getNS() !== NS.stream) {
      return end(new Fault('unavailable', { cause: 'this is not the stream of an XMPP server' }));
    }
    if (id === '') return; // Prosody refuses an unknown domain so: a stream error follows, or the deadline passes
    enter('handshaking', timing.handshakeMs);
    const proof = createHash('sha1')
      .update(id + secret, 'utf8')
      .digest('hex');
    queue(el('handshake', {}, proof).toString());
  };

  const onElement = (element: Element): void => {
    const name = element.getName();
    if (name === 'error' && element.getNS() === NS.stream) return end(streamFault(element));
    const isStanza = name === 'message' || name === 'presence' || name === 'iq';
    // while it closes too: what the server had sent before it read our goodbye is not sent again
    if (phase === 'online' || isLeaving) return isStanza ? options.onStanza(element) : undefined;
    if (phase !== 'handshaking') return;
    if (isStanza && early.length < EARLY_COUNT) return void early.push(element);
    if (name !== 'handshake') return end(new Fault('unavailable', { cause: 'no handshake in the answer' }));
    enter('online', null);
    options.onOnline();
    for (const stanza of early.splice(0)) if (isOnline()) options.onStanza(stanza);
  };

  const isOnline = (): boolean => phase === 'online';

  const parser = makeParser(
    { stanzaBytes: options.stanzaBytes, depthCount: DEPTH_COUNT, bytesFor: options.bytesFor },
    {
      onHeader,
      onStanza: onElement,
      onOversize: options.onOversize,
      onEnd: () => {
        if (phase === 'closing') return end(new Fault('stopping'));
        socket.end('</stream:stream>');
        end(new Fault('unavailable', { cause: 'the server closed the stream' }));
      },
    },
  );

  const onConnect = (): void => {
    options.onConnected();
    enter('opening', timing.handshakeMs);
    const attrs = `to='${domain}' xmlns='${NS.component}' xmlns:stream='${NS.stream}'`;
    queue(`<?xml version='1.0'?><stream:stream ${attrs}>`);
  };

  const tls = { ...(options.ca === null ? {} : { ca: options.ca }), ...(isIP(host) === 0 ? { servername: host } : {}) };
  const socket: Socket = isTls ? connectTls({ host, port, ...tls }, onConnect) : connectTcp({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEPALIVE_MS);
  socket.on('data', (bytes: Buffer) => {
    readAt = clock.monotonic();
    try {
      parser.write(bytes);
    } catch (thrown) {
      end(toFault(thrown));
    }
  });
  socket.on('error', (cause) => end(new Fault('unavailable', { cause })));
  socket.on('close', () => {
    if (phase === 'closing') end(new Fault('stopping'));
    else end(new Fault('unavailable', { cause: 'the connection was closed' }));
  });
  enter('connecting', timing.connectMs);

  return {
    send(text) {
      if (phase !== 'online' || socket.writableLength + queuedBytes + text.length > UNSENT_BYTES) return false;
      queue(text);
      return true;
    },
    close() {
      if (phase === 'over' || phase === 'closing') return;
      const wasOpen = phase !== 'connecting';
      isLeaving = phase === 'online';
      flush();
      enter('closing', timing.closeMs);
      // no end of the socket yet: a server that reads one may drop what it has still to say (RFC 6120 section 4.4)
      if (wasOpen) socket.write('</stream:stream>');
      else end(new Fault('stopping'));
    },
    destroy: end,
    lastReadAt: () => readAt,
  };
}

/** RFC 6120 section 4.9; the server's text goes to the log, not to users. */
function streamFault(error: Element): Fault {
  const condition = elements(error).find((child) => child.getNS() === NS.streamErrors && child.getName() !== 'text');
  const name = condition?.getName() ?? 'undefined-condition';
  const text = childText(error, 'text', NS.streamErrors);
  const code = Object.hasOwn(streamFaults, name) ? streamFaults[name] : undefined;
  return new Fault(code ?? 'unavailable', { cause: text === null ? name : `${name}: ${text}` });
}
