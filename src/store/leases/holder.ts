/**
 * Who holds a lease, as a text: this boot of this machine, process id, host, installation, process. It tells whether a
 * holder is known to have ended (a process of this machine that is gone, or whoever had our data directory before us: a
 * container keeps that over its restarts); such a one is not waited for.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The text of this process; `instance` names the installation over its restarts (data-dir.ts). */
export function makeHolder(instance: string): string {
  return [machine, process.pid, hostname(), instance, randomUUID()].join(' ');
}

/** This boot of this machine, as seen from this pid namespace: only there a pid says something. */
const machine = ((): string => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return randomUUID(); // no /proc: no holder is ever known to be dead
  }
})();

/** As an operator finds it. */
export function nameOf(holder: string): string {
  const [, pid, host] = holder.split(' ');
  return host === undefined ? holder : `process ${pid} on ${host}`;
}

/** A holder of this installation before its restart, or of this machine and gone. `self`: the holder who asks. */
export function isDead(holder: string, self: string): boolean {
  if (holder === self) return false;
  const [where, pid, , instance] = holder.split(' ');
  if (instance !== undefined && instance === self.split(' ')[3]) return true;
  if (where !== machine || pid === undefined || !/^\d+$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH';
  }
}
