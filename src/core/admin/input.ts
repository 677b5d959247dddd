/**
 * Reads what was given to an operator's command: of each kind of argument what it may be, whichever face it came through.
 * The same schemas describe the API. It looks nothing up: whether a user has a link is the command's business.
 */
import { z } from 'zod';
import { parseAccount, parseJid } from '../address';
import { Fault } from '../fault';
import { adminCommand, type AdminInput, type AdminName, type Argument, type Kinds } from './table';

const lineMax = 1_000;
const textMax = 64 * 1_024;
const addressMax = 3_071; // RFC 7622 section 3.1, each part at most 1023 bytes
const passwordMax = 1_024;
/** about 80,000 links */
export const sealedMaxChars = 16 * 1_024 * 1_024;
const listMax = 500;
const pageMax = 500;
const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const read = <T>(parse: (text: string) => T | null, what: string) =>
  z
    .string()
    .max(addressMax)
    .transform((text, context): T => {
      const value = parse(text.trim());
      if (value !== null) return value;
      context.addIssue({ code: 'custom', message: `is no ${what}` });
      return z.NEVER;
    });

/** Made when the first command comes: a bridge without an operator does not carry them. */
let schemas: { readonly [K in keyof Kinds]: z.ZodType<Kinds[K]> } | null = null;
const schemaOfKind = (kind: keyof Kinds): z.ZodType =>
  (schemas ??= {
    user: read((text) => parseJid(text)?.bare ?? null, 'JID'),
    account: read(parseAccount, 'account (user@domain)'),
    word: z.string().trim().max(lineMax),
    text: z.string().max(textMax),
    secret: z.string().min(1).max(passwordMax),
    sealed: z.string().trim().min(1).max(sealedMaxChars),
    letter: z.string().max(100),
    count: z.int().min(1).max(pageMax),
    number: z.int().min(0),
    flag: z.boolean(),
    time: z
      .string()
      .max(100)
      .refine(isTime, 'is neither a date and time (ISO 8601) nor a time back (90s, 30m, 2h, 3d)'),
    choice: z.string(),
  })[kind];

/** The schema of one argument as JSON has it. */
export function schemaOf({ kind, choices, isMany, isRequired }: Argument): z.ZodType {
  const one = choices === undefined ? schemaOfKind(kind) : z.enum(choices);
  const given = isMany ? z.array(one).max(listMax) : one;
  return isRequired ? (isMany ? z.array(one).min(1).max(listMax) : given) : given.nullish();
}

/** What a text (of a query, a form, a shell) is as JSON. Never throws: what it cannot be is told by `readInput`. */
export function valueOfText({ kind }: Argument, text: string): unknown {
  switch (kind) {
    case 'count':
    case 'number':
      return /^\d{1,15}$/.test(text.trim()) ? Number(text) : text;
    case 'flag':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
    default:
      return text;
  }
}

/** The input of a command. Throws Fault `bad-request` that names the first argument that is wrong, never its value. */
export function readInput<N extends AdminName>(name: N, given: unknown): AdminInput<N> {
  const { args, oneOf, someOf } = adminCommand(name);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrong('', 'must be an object');
  const values: Readonly<Record<string, unknown>> = { ...given };
  const unknown = Object.keys(values).find((key) => !args.some((one) => one.name === key));
  if (unknown !== undefined) throw wrong(unknown.slice(0, 50), 'is not known here');
  const input: Record<string, unknown> = {};
  for (const argument of args) {
    const parsed = schemaOf(argument).safeParse(values[argument.name]);
    if (!parsed.success) throw wrong(argument.name, parsed.error.issues[0]?.message ?? '');
    input[argument.name] = parsed.data ?? (argument.isMany ? [] : argument.kind === 'flag' ? false : null);
  }
  const isGiven = (key: string): boolean => {
    const value = input[key];
    return value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
  };
  const wanted = oneOf ?? someOf;
  const givenCount = wanted?.filter(isGiven).length;
  if (givenCount === 0 || (oneOf && givenCount !== 1))
    throw wrong(wanted?.join(', ') ?? '', 'one of them must be given');
  return input as AdminInput<N>; // made by the table that the type is made of
}

/** When that was, ms since the epoch; null for null. `text` has been read. */
export function timeOf(text: string, now: number): number;
export function timeOf(text: string | null, now: number): number | null;
export function timeOf(text: string | null, now: number): number | null {
  if (text === null) return null;
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return amount === undefined ? Date.parse(text) : now - Number(amount) * unitsMs[unit as keyof typeof unitsMs]; // matched above
}

function isTime(text: string): boolean {
  return /^\d{1,9}[smhd]$/.test(text) || (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)));
}

function wrong(name: string, why: string): Fault {
  return new Fault('bad-request', { text: `${name}: ${why}`.replace(/^: /, '') });
}
