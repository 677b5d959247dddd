/**
 * The server's own record of IMs: `private/IM/PEER.log` in the files of both accounts (docs/XIMSS.md 7.4).
 * One line per message: UTC time, a separator, direction (`<` from the peer, `>` own), tab, text with line breaks as `\e`.
 * Keeps the last 64 KiB per peer.
 */
import type { Account } from '../accounts/store';
import { ximssTime, type World } from '../world';

const maxBytes = 65_536;

export function appendHistory(world: World, from: Account, to: Account, text: string): void {
  const flat = text.replace(/\n/g, '\\e').replace(/\t/g, ' ');
  append(world, from, to.address, `> \t${flat}`);
  append(world, to, from.address, `< \t${flat}`);
}

function append(world: World, account: Account, peer: string, rest: string): void {
  const name = `private/IM/${peer}.log`;
  const old = account.files.get(name)?.content ?? Buffer.alloc(0);
  const whole = Buffer.concat([old, Buffer.from(`${ximssTime(world.now())} ${rest}\n`)]);
  const cut = whole.length > maxBytes ? whole.indexOf(10, whole.length - maxBytes) + 1 : 0;
  account.files.set(name, { content: whole.subarray(cut), modifiedMs: world.now() });
}
