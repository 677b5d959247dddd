/**
 * Rooms, assumption A15, only with dialect.rooms: `presenceSet peer="room@domain"` enters, presence offline leaves,
 * `sendIM type="groupchat"` speaks, `readIM type="groupchat"` carries the nick (the real name, else the user name) in clientID.
 * A room exists while somebody is in it; any free address of a local domain can be one.
 */
import type { Address } from '../address';
import { refusals } from '../refusal';
import type { Session } from '../accounts/store';
import type { World } from '../world';
import { el } from '../xml';

const maxRooms = 1000;

function nickOf(session: Session): string {
  const { realName, address } = session.account;
  return realName === '' ? (address.split('@')[0] ?? '') : realName;
}

/** Enters or leaves; all inside are told. Throws Refusal when the address cannot be a room. */
export function roomPresence(world: World, session: Session, peer: Address, value: string): void {
  const isRoom = world.accounts.isLocal(peer.domain) && world.accounts.get(peer.full) === undefined;
  if (!world.settings.dialect.rooms || !isRoom) throw refusals.noRooms();
  if (value === 'offline') return leaveRoom(world, session, peer.full);
  if (!world.rooms.has(peer.full) && world.rooms.size >= maxRooms) throw refusals.noRooms();
  const members = world.rooms.get(peer.full) ?? new Set();
  world.rooms.set(peer.full, members);
  for (const other of members) {
    session.sink.push(el('presence', { peer: peer.full, clientID: nickOf(other) }, el('presence', {}, 'online')));
  }
  members.add(session);
  for (const member of members) {
    member.sink.push(el('presence', { peer: peer.full, clientID: nickOf(session) }, el('presence', {}, value)));
  }
}

function leaveRoom(world: World, session: Session, room: string): void {
  const members = world.rooms.get(room);
  if (members === undefined || !members.delete(session)) return;
  if (members.size === 0) world.rooms.delete(room);
  for (const member of members) {
    member.sink.push(el('presence', { peer: room, type: 'unavailable', clientID: nickOf(session) }));
  }
}

/** A session that ends or unbinds is in no room any more. */
export function leaveRooms(world: World, session: Session): void {
  for (const room of [...world.rooms.keys()]) leaveRoom(world, session, room);
}

/** Says something to all who are in, the speaker too. Throws Refusal when the speaker is not in. */
export function roomSpeak(world: World, session: Session, room: string, text: string, iqid: string | undefined): void {
  const members = world.rooms.get(room);
  if (members?.has(session) !== true) throw refusals.noRooms();
  const message = el(
    'readIM',
    { peer: room, type: 'groupchat', clientID: nickOf(session), iqid },
    el('body', {}, text),
  );
  for (const member of members) member.sink.push(message);
}
