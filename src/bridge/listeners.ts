/**
 * What both networks say, passed on to the parts of the middle that it concerns. It runs on the stream readers: it returns at
 * once and never throws. It decides only who is told, and in which order.
 */
import type { Fault } from '../core/fault';
import { textsFor } from '../core/i18n';
import { isDurable, type Link } from '../core/model';
import type { Links } from './accounts/links';
import type { Provision } from './accounts/provision';
import type { Contacts } from './contacts/types';
import type { SendToUser } from './delivery/gateway-messages';
import type { Hold } from './delivery/hold';
import type { Refusals } from './delivery/refusals';
import type { OperatorService } from './operator/operator';
import type { FarListener, FarPort, JabberListener, Scheduler } from './ports';
import type { HandOver } from './processes/hand-over';
import type { Router } from './router';

export interface ListenersOptions {
  readonly router: Pick<Router, 'fromFar' | 'fromJabber'>;
  readonly operator: Pick<OperatorService, 'onSession'>;
  readonly contacts: Pick<Contacts, 'onSession' | 'onContact' | 'onStream' | 'onRosterAccess' | 'isPresent'>;
  readonly links: Pick<Links, 'linkOf'>;
  readonly scheduler: Pick<Scheduler, 'wake' | 'isWaitedFor'>;
  readonly provision: Pick<Provision, 'repair'>;
  readonly hold: Pick<Hold, 'onStream'>;
  readonly refusals: Pick<Refusals, 'onStreamUp'>;
  readonly far: Pick<FarPort, 'open' | 'close'>;
  readonly notify: SendToUser;
  readonly handOver: Pick<HandOver, 'keep' | 'isLeaving'>;
  /** from then on only durable events are taken from the Jabber side */
  readonly isStopping: () => boolean;
}

/** One listener for each network. */
export function makeListeners(options: ListenersOptions): {
  readonly farListener: FarListener;
  readonly jabberListener: JabberListener;
} {
  const { router, operator, contacts, links, scheduler, provision, hold, refusals, far, notify, handOver, isStopping } =
    options;

  const farListener: FarListener = {
    onEvent: (user, peer, event, identity) => router.fromFar(user, peer, event, identity),
    onStatus(user, status, fault) {
      operator.onSession(user, status, fault);
      if (handOver.isLeaving()) return; // the session goes on in another process: nobody needs to hear of its end here
      const link = links.linkOf(user);
      if (status === 'refused' && link?.origin === 'provisioned') return void signUpAgain(link, fault);
      contacts.onSession(user, status, fault);
      if (status === 'online') scheduler.wake({ user });
    },
    onContact: (user, account, contact) => contacts.onContact(user, account, contact),
    onAlert: (user, text) => notify(user, text),
    onLongRefusal: (user, fault) =>
      notify(user, (language) => `${textsFor(language).faults['login-refused']} ${fault.text}`),
    // what waits for them first, then who is there to read it
    urgency: (user) => (scheduler.isWaitedFor(user) ? 2 : 0) + (contacts.isPresent(user) ? 1 : 0),
  };
  const jabberListener: JabberListener = {
    onEvent(user, peer, event) {
      if (handOver.keep(user, peer, event)) return;
      if (!isStopping() || isDurable(event)) router.fromJabber(user, peer, event);
    },
    onStream(now) {
      hold.onStream(now);
      if (now === 'up') refusals.onStreamUp();
      contacts.onStream(now);
    },
    onRosterAccess: (granted) => contacts.onRosterAccess(granted),
  };

  /** The login of an account that we made was refused: it is made again, or the user is told. */
  async function signUpAgain(link: Link, fault: Fault | null): Promise<void> {
    if (!(await provision.repair(link))) return contacts.onSession(link.user, 'refused', fault);
    await far.close(link.user);
    far.open(link);
  }

  return { farListener, jabberListener };
}
