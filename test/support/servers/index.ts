/** Both XMPP servers as a table for `describe.each`: name, start function. */
import { startEjabberd } from './ejabberd';
import { startProsody } from './prosody';
import type { XmppServer, XmppServerOptions } from './xmpp-server';

export { startEjabberd } from './ejabberd';
export { startProsody } from './prosody';
export { startRedis } from './redis';
export type { RedisOptions, RedisServer } from './redis';
export type { RosterEntry, XmppServer, XmppServerOptions } from './xmpp-server';

type Start = (options?: XmppServerOptions) => Promise<XmppServer>;

export const xmppServers: readonly (readonly [XmppServer['kind'], Start])[] = [
  ['prosody', startProsody],
  ['ejabberd', startEjabberd],
];
