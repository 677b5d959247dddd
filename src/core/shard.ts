/**
 * Which shard a Jabber user belongs to. Everything durable of a link lies in its shard, and a process that holds the
 * shard's lease serves all its links. The number of shards is fixed in a store, and so is this function: FNV-1a over the
 * UTF-8 bytes of the bare JID (its low bits alone are weak), mixed by the finaliser of MurmurHash3. Another hash would
 * need another layout of the store. Pure; it knows no Redis.
 */
import type { BareJid } from './address';
import type { LaneKey } from './model';

const utf8 = new TextEncoder();
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** The shard of a user, 0 to `count` - 1. Never throws. */
export function shardOf(user: BareJid, count: number): number {
  let hash = offsetBasis;
  for (let i = 0; i < user.length; i += 1) {
    const unit = user.charCodeAt(i);
    if (unit > 0x7f) return shardOfBytes(utf8.encode(user), count);
    hash = Math.imul(hash ^ unit, prime);
  }
  return mixed(hash) % count;
}

function shardOfBytes(bytes: Uint8Array, count: number): number {
  return mixed(bytes.reduce((hash, byte) => Math.imul(hash ^ byte, prime), offsetBasis)) % count;
}

function mixed(fnv: number): number {
  let hash = fnv;
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0;
}

/** The user of a lane as it is stored; a damaged key gives whatever stands in that place. Never throws. */
export function userOf(lane: LaneKey): BareJid {
  const begin = lane.indexOf(' ') + 1;
  const end = lane.indexOf(' ', begin);
  return lane.slice(begin, end < 0 ? undefined : end) as BareJid; // laneKey() was given one
}
