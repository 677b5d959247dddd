/** The Jabber side of the bridge, wired: stream, reader, writer, iq services. Implements JabberPort. */
import { Fault } from '../core/fault';
import type { Jabber, JabberOptions } from './options';

export type { Jabber, JabberOptions } from './options';

/** Builds the Jabber side; nothing is connected before start(). */
export function makeJabber(_options: JabberOptions): Jabber {
  throw new Fault('not-implemented');
}
