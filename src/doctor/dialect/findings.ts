/**
 * What the test found, as data, and its two prints: a table for people and the `dialect:` block to paste. Pure.
 */
import { stringify } from 'yaml';
import { defaultDialect, dialectOptions, type Dialect } from '../../ximss/protocol/dialect';

/** `ximss.dialect` of the configuration. */
export type Configured = Readonly<Record<string, string | number | boolean>>;

export type DialectChoice = Partial<Record<keyof Dialect, string>>;

/**
 * assumed: the default reading holds. differs: another one does, `value`. neither: the server does something that no
 * option covers. unknown: it could not be found out.
 */
export type Outcome = 'assumed' | 'differs' | 'neither' | 'unknown';

export interface Finding {
  /** number in docs/XIMSS.md 11; '' for what has none */
  readonly assumption: string;
  /** null: there is no option for it */
  readonly key: keyof Dialect | null;
  /** name in the table where there is no key */
  readonly name?: string;
  readonly outcome: Outcome;
  readonly value: string | null;
  /** what was seen, one line */
  readonly seen: string;
}

/** The finding for an option; `value` decides whether it is the assumed one. */
export function found<K extends keyof Dialect>(key: K, value: Dialect[K], seen: string): Finding {
  const outcome = value === defaultDialect[key] ? 'assumed' : 'differs';
  return { assumption: numberOf(key), key, outcome, value, seen };
}

/** The finding for an option that nothing could be found out about, or that has no fitting value. */
export function notFound(key: keyof Dialect, outcome: 'neither' | 'unknown', seen: string): Finding {
  return { assumption: numberOf(key), key, outcome, value: null, seen };
}

function numberOf(key: keyof Dialect): string {
  return dialectOptions.find((row) => row.key === key)?.assumption ?? '';
}

const words: Readonly<Record<Outcome, string>> = {
  assumed: 'as assumed',
  differs: 'DIFFERS',
  neither: 'NEITHER',
  unknown: 'not told',
};

/** The table, in the order of the assumptions. */
export function tableOf(findings: readonly Finding[]): readonly string[] {
  const order = (finding: Finding): number => Number(finding.assumption.slice(1) || 99);
  const rows = [...findings]
    .sort((a, b) => order(a) - order(b))
    .map((finding) => [
      finding.assumption,
      finding.key ?? finding.name ?? '',
      words[finding.outcome],
      finding.value ?? '',
      finding.seen,
    ]);
  const widths = [0, 1, 2, 3].map((at) => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * The options that should stand in the configuration: what was found to differ, and what the operator has set and the
 * test could not tell.
 */
export function dialectFrom(findings: readonly Finding[], configured: Configured): DialectChoice {
  const choice: DialectChoice = {};
  for (const { key, default: assumed } of dialectOptions) {
    const finding = findings.find((one) => one.key === key && one.value !== null);
    const value = finding === undefined ? configured[key] : finding.value;
    if (value !== undefined && value !== null && String(value) !== assumed) choice[key] = String(value);
  }
  return choice;
}

/** Does the configuration say all this, and nothing else? */
export function isConfigured(choice: DialectChoice, configured: Configured): boolean {
  return dialectOptions.every(
    ({ key, default: assumed }) => String(configured[key] ?? assumed) === (choice[key] ?? assumed),
  );
}

/** The block to paste, lines of YAML. */
export function blockOf(choice: DialectChoice): readonly string[] {
  return stringify({ ximss: { dialect: choice } })
    .trimEnd()
    .split('\n');
}
