/** signalBind and signalUnbind, docs/XIMSS.md 2.7: from the bind on a session receives messages and presence. */
import type { Call } from './exchange';
import { deliverStored } from './im';
import { presenceBound, presenceUnbound } from './presence';
import { refusals } from '../refusal';
import { showRequests } from './roster';
import { leaveRooms } from './rooms';
import type { Session } from '../accounts/store';
import type { World } from '../world';

const isOn = (value: string | undefined, whenAbsent: boolean): boolean =>
  value === undefined ? whenAbsent : value === 'yes' || value === '1';

/** Binds; stored messages follow (order by dialect). A second bind of the same session replaces the first. */
export function signalBind(session: Session, call: Call): void {
  const { world, request } = call;
  const { dialect } = world.settings;
  const { clientID } = request.attrs;
  if (clientID !== undefined) settleConflict(world, session, clientID);
  session.bind = {
    clientID,
    readIM: isOn(request.attrs['readIM'], dialect.bareBind.readIM),
    presence: isOn(request.attrs['presence'], dialect.bareBind.presence),
  };
  const start = (): void => {
    deliverStored(world, session);
    presenceBound(world, session);
    if (session.bind?.presence === true) showRequests(session);
  };
  if (dialect.offlineDelivery === 'beforeResponse') start();
  else call.afterwards(start);
}

function settleConflict(world: World, session: Session, clientID: string): void {
  const { sameClientID } = world.settings.dialect;
  if (sameClientID === 'coexist') return;
  for (const other of session.account.sessions) {
    if (other === session || other.bind?.clientID !== clientID) continue;
    if (sameClientID === 'refuse') throw refusals.clientIDTaken();
    unbind(world, other);
  }
}

/** Unbinds; not being bound is no error. */
export function signalUnbind(session: Session, call: Call): void {
  unbind(call.world, session);
}

/** Takes a session out of signalling: by request, by conflict, or because it ended. */
export function unbind(world: World, session: Session): void {
  if (session.bind === null) return;
  session.bind = null;
  if (world.rooms.size > 0) leaveRooms(world, session);
  presenceUnbound(world, session);
}
