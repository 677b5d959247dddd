/** Figures of a run: percentiles, CPU time and memory of a process, and a table for people. */
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds on the machine's monotonic clock, the same in every process. */
export const machineMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** The p-th percentile (0..100) of unsorted samples; NaN without samples. */
export function percentile(samples: readonly number[], p: number): number {
  if (samples.length === 0) return NaN;
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? NaN;
}

/** CPU seconds (user and system) a process has used, from /proc. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** CPU seconds of this process and of all that it has started, by role: those named by pid, Redis, and the rest. */
export function cpuByRole(named: ReadonlyMap<number, string>): ReadonlyMap<string, number> {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const [head = '', rest = ''] = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ');
      parents.set(Number(entry), { parent: Number(rest.split(' ')[1]), name: head.slice(head.indexOf('(') + 1) });
    } catch {
      // it ended between the look and the reading
    }
  }
  const isOurs = (pid: number): boolean => pid === process.pid || (pid > 1 && isOurs(parents.get(pid)?.parent ?? 0));
  const sums = new Map<string, number>();
  for (const [pid, { name }] of parents) {
    if (!isOurs(pid)) continue;
    const role = named.get(pid) ?? (pid === process.pid ? 'load' : name === 'redis-server' ? 'redis' : 'server');
    sums.set(role, (sums.get(role) ?? 0) + cpuSeconds(pid));
  }
  return sums;
}

/** Resident memory of a process in KiB. */
export function rssKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
}

/** The most it has had resident so far, in KiB. */
export function peakKib(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
}

export type Cell = string | number;

/** Prints rows under a heading; numbers to three significant digits. */
export function table(title: string, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const text = (cell: Cell): string => (typeof cell === 'string' ? cell : formatNumber(cell));
  const cells = [head, ...rows.map((row) => row.map(text))];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  console.log(`\n${title}\n`);
  console.log(line(head));
  console.log(`| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  for (const row of cells.slice(1)) console.log(line(row));
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
