/**
 * One connection to the XMPP server, from the socket to its end: header, handshake, stanzas, close (XEP-0114). The Component of
 * @xmpp/component holds it; plugged into it are a socket that knows TLS, a bounded parser of bytes, a bounded buffer of what is
 * written, and a handshake that keeps the stanzas that come before its answer (docs/decisions/0001-component-stream.md says why).
 * Each phase has a deadline. The handshake can be withheld: such a stream is ready and takes part in nothing until `prove`. It never
 * reconnects; `onEnd` is called exactly once and says why, and nothing is called after it.
 */
import { createHash } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import type { Status } from '@xmpp/component';
import { Fault, toFault } from '../../core/fault';
import type { Clock } from '../../bridge/ports';
import { ns } from '../stanza/ns';
import type { Service, StreamTiming } from '../options';
import { makeEntity, openEntity } from './entity';
import { ServiceSocket } from './socket';
import { faultOfStreamError } from './stream-error';
import { StreamParser } from './stream-parser';
import { makeWriteBuffer } from './write-buffer';
import { el, type Element } from '../stanza/element';

/** What every connection of one component has in common. */
export interface ConnectionSettings {
  readonly service: Service;
  readonly ca: string | null;
  readonly lookup?: LookupFunction;
  readonly domain: string;
  readonly secret: string;
  readonly stanzaBytes: number;
  /** what a stanza with this opening tag may have */
  readonly bytesFor: (outer: Element) => number;
  readonly timing: StreamTiming;
  readonly clock: Clock;
}

export interface ConnectionOptions extends ConnectionSettings {
  /** The handshake waits for `prove`, for as long as the server lets it. */
  readonly isWithheld?: boolean;
  /** The socket stands, the handshake begins. */
  readonly onConnected: () => void;
  /** The server's header is read: from here on the handshake is all that is missing. */
  readonly onHeader?: () => void;
  readonly onOnline: () => void;
  readonly onStanza: (stanza: Element) => void;
  /** A stanza over a limit was skipped; see the parser. */
  readonly onOversize: (shell: Element | null, fault: Fault) => void;
  /** stream-conflict, stream-refused, xml-…, unavailable, timeout; stopping when we closed it ourselves. */
  readonly onEnd: (fault: Fault) => void;
}

export interface Connection {
  /** Sends the handshake that was withheld, as soon as the server's header is read. */
  prove(): void;
  /** False when the stream is not open or its bound is reached: then nothing was queued. */
  send(text: string): boolean;
  /** Sends the closing tag; the end comes within `closeMs`. */
  close(): void;
  /** Ends it now. */
  destroy(fault: Fault): void;
  /** clock.monotonic() of the last bytes read */
  lastReadAt(): number;
}

/** Levels of elements in a stanza: forms in forwarded messages need about 12. */
const depthCount = 64;
/** Stanzas that may come before the handshake's answer (Prosody tells privileges then). */
const earlyCount = 64;

/** Begins to connect at once. */
export function openConnection(options: ConnectionOptions): Connection {
  const { service, ca, domain, secret, stanzaBytes, bytesFor, onOversize, timing, clock } = options;
  const limitsMs: Partial<Record<Status, number>> = {
    connecting: timing.connectMs,
    opening: timing.handshakeMs,
    closing: timing.closeMs,
  };
  let isWithheld = options.isWithheld === true;
  const early: Element[] = [];
  let deadline = new AbortController();
  let readAt = clock.monotonic();
  let isOver = false;
  let streamId: string | null = null; // in the server's header
  let hasProved = false; // our side of the handshake is sent
  let isClosing = false; // our closing tag is sent,
  let isLeaving = false; // on a stream that was up

  const socket = new ServiceSocket();
  const parser = new StreamParser({ stanzaBytes, depthCount, bytesFor }, onOversize);
  const buffer = makeWriteBuffer({
    write: (text) => socket.write(text),
    unsentBytes: () => socket.unsentBytes(),
  });

  const entity = makeEntity({
    domain,
    secret,
    target: { ...service, ca, lookup: options.lookup },
    socket,
    parser,
    onData(bytes) {
      readAt = clock.monotonic();
      try {
        parser.write(bytes);
      } catch (thrown) {
        end(toFault(thrown));
      }
    },
    onStreamError: (error) => end(faultOfStreamError(error)),
    write: (text) => void (isOver || buffer.push(text)),
    authenticate(id) {
      if (isOver || id === null || id === '') return; // Prosody refuses an unknown domain so: a stream error follows
      streamId = id;
      options.onHeader?.();
      if (!isWithheld) prove();
    },
  });

  const prove = (): void => {
    isWithheld = false;
    if (entity.status === 'open') limit('open');
    if (isOver || hasProved || isClosing || streamId === null) return;
    hasProved = true;
    buffer.push(el('handshake', {}, proofOf(streamId, secret)).toString());
  };

  const end = (fault: Fault): void => {
    if (isOver) return;
    isOver = true;
    deadline.abort();
    parser.end();
    entity._detachParser();
    buffer.clear();
    socket.destroy();
    options.onEnd(fault);
  };

  const limit = (status: Status): void => {
    deadline.abort();
    deadline = new AbortController();
    const limitMs = status === 'open' && !isWithheld ? timing.handshakeMs : limitsMs[status];
    if (limitMs === undefined) return;
    clock.sleep(limitMs, deadline.signal).then(
      () => end(isClosing ? new Fault('stopping') : new Fault('timeout', { cause: `the phase ${status}` })),
      () => undefined, // the phase ended in time
    );
  };

  const onStatus = (status: Status, argument: unknown): void => {
    if (isOver) return;
    limit(status);
    if (status === 'connect') options.onConnected();
    if (status === 'open') onHeader(argument as Element); // the library gives the header with this status
    if (status === 'close') onServerClose();
    if (status === 'disconnect') end(isClosing ? new Fault('stopping') : lost('the connection was closed'));
  };

  const onHeader = (header: Element): void => {
    if (header.getName() !== 'stream' || header.getNS() !== ns.stream)
      end(lost('this is not the stream of an XMPP server'));
  };

  const onServerClose = (): void => {
    if (isClosing) return end(new Fault('stopping'));
    socket.end('</stream:stream>');
    end(lost('the server closed the stream'));
  };

  const onStanza = (stanza: Element): void => {
    // while it closes too: what the server had sent before it read our closing tag is not sent again
    if (entity.status === 'online' || isLeaving) return options.onStanza(stanza);
    if (isOver || !hasProved || isClosing) return;
    if (early.length < earlyCount) early.push(stanza);
    else end(lost('no handshake in the answer'));
  };

  const onOther = (element: Element): void => {
    if (isOver || !hasProved || isClosing || entity.status === 'online') return;
    if (element.getName() !== 'handshake') return end(lost('no handshake in the answer'));
    entity._status('online');
    options.onOnline();
    for (const stanza of early.splice(0)) if (!isOver) onStanza(stanza);
  };

  entity.on('status', onStatus);
  entity.on('stanza', onStanza);
  entity.on('nonza', onOther);
  entity.on('error', (cause) => end(lost(cause)));
  openEntity(entity, domain).catch((cause: unknown) => end(lost(cause)));

  return {
    prove,
    send: (text) => !isOver && entity.status === 'online' && buffer.offer(text),
    close() {
      if (isOver || isClosing) return;
      isClosing = true;
      isLeaving = entity.status === 'online';
      if (entity.status === 'connecting' || entity.status === 'connect') return end(new Fault('stopping'));
      // no end of the socket yet: a server that reads one may drop what it has still to say (RFC 6120 section 4.4)
      entity.close(0).catch(() => undefined); // its end is told by the status, or the deadline passes
      buffer.flush();
    },
    destroy: end,
    lastReadAt: () => readAt,
  };
}

/** XEP-0114 section 3: SHA-1 of stream id and secret */
function proofOf(id: string, secret: string): string {
  return createHash('sha1')
    .update(id + secret, 'utf8')
    .digest('hex');
}

/** The stream is gone and will be tried again. */
function lost(cause: unknown): Fault {
  return new Fault('unavailable', { cause });
}
