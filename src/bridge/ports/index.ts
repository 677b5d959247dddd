/**
 * What the middle needs from the world, said once, in its own words. Adapters (xmpp, ximss, store, ops) satisfy these
 * by shape; only app.ts sees both sides.
 */
export type { Clock, Log, Meter } from '../../core/runtime';
export type * from './commands';
export type * from './far';
export type * from './jabber';
export type * from './operator';
export type * from './processes';
export type * from './store';
