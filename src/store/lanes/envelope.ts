/**
 * An envelope as it lies in a lane: `id LF json`. The id stands first so that a script can tell an envelope without
 * parsing it (the fence of a settlement, searches). The JSON names its version; what does not fit is "poisoned" and never thrown.
 * What is null, false, 0, a chat or a message is left out: most messages are small. Fields that this version does not know are kept. Only the shape is checked: addresses and texts were checked at the edges before they were stored.
 */
import { z } from 'zod';
import { Fault, faultTable } from '../../core/fault';
import { languages, type ReasonName } from '../../core/i18n';
import { en } from '../../core/i18n/en';
import type { Durable, Envelope } from '../../core/model';
import type { Stored } from '../../bridge/ports';

const formatVersion = 2;

const text = z.string();
const orNull = text.nullable().default(null);
const stanza = z.looseObject({
  type: z.enum(['auth', 'cancel', 'continue', 'modify', 'wait']),
  condition: text,
  text,
});
const code = text.refine((word): word is keyof typeof faultTable => Object.hasOwn(faultTable, word));
const reason = text.refine((word): word is ReasonName => Object.hasOwn(en.reasons, word));
const language = z.enum(languages);
const fault = z
  .object({
    code,
    text,
    reason: reason.exactOptional(),
    value: text.exactOptional(),
    number: z.number().exactOptional(),
    stanza: stanza.exactOptional(),
  })
  .readonly();

const isMessage = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !('kind' in value);

const kinds = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('message'),
    id: orNull,
    resource: orNull,
    type: z.enum(['chat', 'normal', 'headline']).default('chat'),
    body: text,
    subject: orNull,
    sentAt: z.number().nullable().default(null),
    wantsReceipt: z.boolean().default(false),
    isMarkable: z.literal(true).exactOptional(),
    nick: orNull,
    language: language.exactOptional(),
  }),
  z.looseObject({
    kind: z.literal('receipt'),
    of: text,
    resource: orNull,
    form: z.enum(['marker', 'both']).exactOptional(),
  }),
  z.looseObject({
    kind: z.literal('verb'),
    verb: z.enum(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']),
    status: orNull,
    nick: text.exactOptional(),
  }),
  z.looseObject({
    kind: z.literal('bounce'),
    of: orNull,
    what: z.enum(['message', 'verb']),
    resource: orNull,
    fault,
    excerpt: orNull,
    sentAt: z.number().exactOptional(),
    language: language.exactOptional(),
  }),
]);

const event = z.preprocess((value) => (isMessage(value) ? { kind: 'message', ...value } : value), kinds);

const record = z.looseObject({
  v: z.literal(formatVersion),
  at: z.number(),
  n: z.number().int().nonnegative().default(0),
  f: fault.nullable().default(null),
  e: event,
  /** only told, so a damaged one is not worth a message; absent in most */
  h: z.array(z.tuple([z.number(), code])).catch([]),
});

/** The stored form. Throws Fault `internal` for an id that is empty, longer than 200 characters or holds a line feed. */
export function encode(envelope: Envelope): string {
  const { id, event, acceptedAt, attempts, lastFault, history = [] } = envelope;
  if (id === '' || id.length > 200 || id.includes('\n')) throw new Fault('internal', { cause: 'envelope id' });
  const tries = attempts === 0 ? {} : { n: attempts };
  const fault = lastFault === null ? {} : { f: lastFault };
  const past = history.length === 0 ? {} : { h: history.map((one) => [one.at, one.code]) };
  const stored = { v: formatVersion, at: acceptedAt, ...tries, ...fault, e: trimmed(event), ...past };
  return `${id}\n${JSON.stringify(stored)}`;
}

const usual: Readonly<Record<string, unknown>> = { kind: 'message', type: 'chat' };

/** Without what the reader puts back by itself. */
function trimmed(event: Durable): object {
  const all: Readonly<Record<string, unknown>> = { ...event };
  const kept: Record<string, unknown> = {};
  for (const name in all) {
    const value = all[name];
    if (value !== null && value !== false && usual[name] !== value) kept[name] = value;
  }
  return kept;
}

/** The stored text as an envelope, or as `poisoned` when it is not one of this version. Never throws. */
export function decode(raw: string): Stored {
  const end = raw.indexOf('\n');
  if (end <= 0) return { poisoned: raw };
  let json: unknown;
  try {
    json = JSON.parse(raw.slice(end + 1));
  } catch {
    return { poisoned: raw };
  }
  const parsed = record.safeParse(json);
  if (!parsed.success) return { poisoned: raw };
  const { at, n, f, e, h } = parsed.data;
  const event: Durable = e;
  const past = h.length === 0 ? {} : { history: h.map(([time, why]) => ({ at: time, code: why })) };
  return { envelope: { id: raw.slice(0, end), event, acceptedAt: at, attempts: n, lastFault: f, ...past } };
}
