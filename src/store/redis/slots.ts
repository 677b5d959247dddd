/** The slots and nodes of a Redis Cluster, as CLUSTER SLOTS and CLUSTER NODES tell them. Pure. */

const slotCount = 16_384;

/** The ranges of slots that no node serves, like `0-99`. Never throws. */
export function uncoveredSlots(answer: unknown): readonly string[] {
  const served = rangesOf(answer).sort(([a], [b]) => a - b);
  const gaps: string[] = [];
  let next = 0;
  for (const [from, to] of [...served, [slotCount, slotCount] as const]) {
    if (from > next) gaps.push(from === next + 1 ? String(next) : `${next}-${from - 1}`);
    next = Math.max(next, to + 1);
  }
  return gaps;
}

export interface ClusterNodes {
  /** that serve slots */
  readonly primaryCount: number;
  readonly replicaCount: number;
  /** primaries without a replica, `HOST:PORT` */
  readonly alone: readonly string[];
}

/** What CLUSTER NODES tells of those that have not failed. (CLUSTER SLOTS leaves out the replicas of an empty one.) Never throws. */
export function readNodes(text: string): ClusterNodes {
  const nodes = text
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , flags = '']) => !/\b(fail|handshake|noaddr)\b/.test(flags.replaceAll('fail?', '')));
  const replicas = nodes.filter(([, , flags = '']) => flags.includes('slave'));
  const primaries = nodes.filter(
    ([, , flags = '', , , , , , ...slots]) => flags.includes('master') && slots.length > 0,
  );
  const followed = new Set(replicas.map(([, , , of]) => of));
  const alone = primaries.filter(([id]) => !followed.has(id)).map(([, address = '']) => address.split('@')[0] ?? '');
  return { primaryCount: primaries.length, replicaCount: replicas.length, alone };
}

const rows = (answer: unknown): readonly (readonly unknown[])[] =>
  Array.isArray(answer) ? answer.filter((row): row is unknown[] => Array.isArray(row)) : [];

/** A row without a node is served by nobody. */
const rangesOf = (answer: unknown): (readonly [number, number])[] =>
  rows(answer)
    .filter((row) => row.length > 2)
    .map(([from, to]) => [Number(from), Number(to)] as const);
