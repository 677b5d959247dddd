/**
 * What the middle needs from the world, said once, in its own words. Adapters (xmpp, ximss, store, ops) satisfy these
 * by shape; only app.ts sees both sides.
 */
export type { Clock, Log, Meter } from '../../core/runtime';
export type * from './far';
export type * from './jabber';
export type * from './operator';
export type * from './store';
/** Commands (XEP-0050), which the Jabber side offers. */
export type {
  Command,
  CommandContext as CommandContext,
  Field,
  CommandStep as CommandStep,
  Table,
} from '../commands/types';
