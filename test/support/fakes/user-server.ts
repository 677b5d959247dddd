/** The user's server as RFC 6121 appendix A has it, written as two halves; its roster entry for one ghost. */
import type { SubscriptionVerb } from '../../../src/core/model';
import { stateOf, type Half, type PairState } from '../../../src/core/contacts/subscription';

export class UserServer {
  /** the user sees the ghost */
  to: Half = 'no';
  /** the ghost sees the user */
  from: Half = 'no';

  /** What the user's client says; true = routed to us. */
  outbound(verb: SubscriptionVerb): boolean {
    if (verb === 'subscribe') this.to = this.to === 'no' ? 'pending' : this.to;
    if (verb === 'unsubscribe') this.to = 'no';
    if (verb === 'subscribe' || verb === 'unsubscribe') return true;
    const had = this.from;
    if (verb === 'subscribed' && had === 'pending') this.from = 'yes';
    if (verb === 'unsubscribed') this.from = 'no';
    return had !== this.from;
  }

  /** What we say; the automatic reply, if any. */
  inbound(verb: SubscriptionVerb): SubscriptionVerb | null {
    if (verb === 'subscribe' && this.from === 'yes') return 'subscribed';
    if (verb === 'subscribe') this.from = 'pending';
    if (verb === 'unsubscribe') this.from = 'no';
    if (verb === 'subscribed' && this.to === 'pending') this.to = 'yes';
    if (verb === 'unsubscribed') this.to = 'no';
    return null;
  }

  get state(): PairState {
    return stateOf({ sees: this.from, seen: this.to });
  }
}
