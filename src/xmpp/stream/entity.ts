/**
 * The Component of @xmpp/component with our parts plugged into the places that it offers; what it does itself and what is ours
 * stands in docs/decisions/0001-component-stream.md. It connects, opens the stream, asks for the handshake, tells its status,
 * sorts stanzas from other elements and closes. Its reconnect, iq and middleware are switched off: order and iq are ours.
 */
import { component, type Component } from '@xmpp/component';
import type { Element } from '../stanza/element';
import type { ServiceSocket, SocketTarget } from './socket';
import type { StreamParser } from './stream-parser';

/** What is plugged in; one connection has one of each. */
export interface EntityParts {
  readonly domain: string;
  readonly secret: string;
  readonly target: SocketTarget;
  readonly socket: ServiceSocket;
  readonly parser: StreamParser;
  readonly onData: (bytes: Uint8Array) => void;
  readonly onStreamError: (error: Element) => void;
  /** Takes header, handshake and closing tag into the order of everything that is written. */
  readonly write: (text: string) => void;
  /** The stream is open under this id (null: the server gave none): our side of the handshake is due. */
  readonly authenticate: (id: string | null) => void;
}

/** Nothing happens before `connect`. */
export function makeEntity(parts: EntityParts): Component {
  const { domain, secret, target, socket, parser } = parts;
  const entity = component({ service: `xmpp://${domain}`, domain, password: secret });
  entity.reconnect.stop();
  entity.removeAllListeners('element'); // middleware and iq: they answer by themselves, and out of order
  entity.Socket = constructorOf(socket);
  entity.Parser = constructorOf(parser);
  entity.socketParameters = () => target;
  entity._onData = parts.onData;
  entity._onStreamError = parts.onStreamError;
  entity.write = (text) => {
    parts.write(text);
    return Promise.resolve();
  };
  entity.authenticate = (id) => {
    parts.authenticate(id ?? null);
    return Promise.resolve();
  };
  return entity;
}

/** Opens socket and stream; rejects when the socket does. */
export async function openEntity(entity: Component, domain: string): Promise<void> {
  await entity.connect(`xmpp://${domain}`); // the place is known to socketParameters
  await entity.open({ domain, timeout: 0 }); // the deadline is the connection's
}

/** The library makes its socket and parser with `new`; a constructor may return an object that is there already. */
function constructorOf<T extends object>(made: T): new () => T {
  const constructor: unknown = function () {
    return made;
  };
  return constructor as new () => T; // `new` of this function gives `made`, which TypeScript cannot express
}
