/**
 * What each command of the API answers, as schemas, for its description. The types are the operator's own; the compiler and
 * a test hold the schemas to them. Made for one description each time.
 */
import { z } from 'zod';
import type { AdminOutputs, EnvelopeView } from '../../bridge/ports';
import { adminNames, faces, linkStates, logLevels, type AdminName, type LinkState } from '../../core/admin/table';
import { faultTable, type FaultCode, type FaultData } from '../../core/fault';

type Schemas = { readonly [N in AdminName]: z.ZodType<AdminOutputs[N]> };

export function answerSchemas(): Schemas {
  const { fault, code, link, done, rosters } = commonSchemas();
  const { lane, letter, opened, finding } = envelopeSchemas();
  const count = z.int().min(0);
  const status = z.object({
    version: z.string(),
    domain: z.string(),
    isStreamUp: z.boolean(),
    isStoreUp: z.boolean(),
    isFarUp: z.boolean(),
    links: z.object(
      Object.fromEntries(['total', ...linkStates].map((name) => [name, count])) as Record<
        LinkState | 'total',
        typeof count
      >,
    ), // made of those names
    lanes: z.object({ envelopes: count, lanes: count, dead: count }).nullable(),
    drains: z.object({ waiting: count, active: count, delayed: count }).nullable(),
    processes: z.array(processSchema()).nullable(),
    troubles: z.array(
      z.object({
        kind: z.enum([
          'stream-down',
          'store-away',
          'far-away',
          'links-refused',
          'links-deferred',
          'lanes-blocked',
          'dead-letters',
        ]),
        count: count.nullable(),
        fault: fault.nullable(),
        remedy: commandName().nullable(),
      }),
    ),
  });
  const audit = z.object({
    id: z.string(),
    at: time(),
    face: z.enum(faces),
    name: z.string(),
    command: commandName(),
    input: z.record(z.string(), z.unknown()),
    fault: code.nullable(),
  });
  return {
    status,
    'links list': page(link),
    'links show': link,
    'links add': link,
    'links remove': done,
    'links suspend': done,
    'links resume': done,
    'links password': link,
    'links reconnect': done,
    'links export': z.object({ sealed: z.string(), count }),
    'links import': z.object({ added: count, replaced: count, kept: count }),
    'rosters show': rosters,
    'rosters compare': rosters,
    lanes: page(lane),
    'dead list': page(letter),
    'dead show': opened,
    'dead resend': done,
    'dead drop': done,
    trace: z.object({ entries: z.array(finding) }),
    announce: z.object({ queued: count, refused: count }),
    audit: page(audit),
    'log-level': z.object({ level: z.enum(logLevels) }),
    reload: z.object({ changed: z.array(z.string()), needRestart: z.array(z.string()) }),
  };
}

function commonSchemas() {
  const code = z.enum(Object.keys(faultTable) as [FaultCode, ...FaultCode[]]); // its keys
  const fault = faultSchema(code);
  const link = z.object({
    user: address<AdminOutputs['links show']['user']>(),
    account: address<AdminOutputs['links show']['account']>(),
    origin: z.enum(['configured', 'registered', 'provisioned']),
    status: z.enum(linkStates),
    since: time().nullable(),
    fault: fault.nullable(),
  });
  const contact = address<AdminOutputs['rosters show']['skipped'][number]>();
  const count = z.int().min(0);
  return {
    code,
    fault,
    link,
    done: z.object({ done: count, failed: z.array(z.object({ id: z.string(), code, text: z.string() })) }),
    rosters: z.object({
      changes: z.array(z.object({ contact, what: z.array(z.string()) })),
      changesCount: count,
      skipped: z.array(contact),
      skippedCount: count,
    }),
  };
}

function envelopeSchemas() {
  const code = z.enum(Object.keys(faultTable) as [FaultCode, ...FaultCode[]]); // its keys
  const fault = faultSchema(code);
  const history = z.array(z.object({ at: time(), code }));
  const envelope: z.ZodType<EnvelopeView> = z.object({
    envelopeId: z.string(),
    kind: z.enum(['message', 'receipt', 'verb', 'bounce']),
    messageId: z.string().nullable(),
    acceptedAt: time(),
    attempts: z.int(),
    fault: fault.nullable(),
    history,
  });
  type Letter = AdminOutputs['dead show'];
  const way = {
    direction: z.enum(['toFar', 'toJabber']).nullable(),
    user: address<NonNullable<Letter['user']>>().nullable(),
    peer: address<NonNullable<Letter['peer']>>().nullable(),
  };
  const letter = { id: z.string(), at: time(), ...way, envelope: envelope.nullable() };
  return {
    lane: z.object({ ...way, lane: z.string(), waiting: z.int(), oldest: envelope.nullable() }),
    letter: z.object(letter),
    opened: z.object({ ...letter, text: z.string() }),
    finding: z.object({
      lane: address<AdminOutputs['trace']['entries'][number]['lane']>(),
      envelopeId: z.string(),
      place: z.enum(['waiting', 'dead', 'gone']),
      ahead: z.int().nullable(),
      acceptedAt: time().nullable(),
      attempts: z.int().nullable(),
      lastFault: fault.nullable(),
      letterId: z.string().nullable(),
      history,
    }),
  };
}

function faultSchema(code: z.ZodType<FaultCode>): z.ZodType<FaultData> {
  const stanza = z.object({
    type: z.enum(['auth', 'cancel', 'continue', 'modify', 'wait']),
    condition: z.string(),
    text: z.string(),
  });
  return z.object({
    code,
    text: z.string(),
    reason: z.exactOptional(z.string() as unknown as z.ZodType<NonNullable<FaultData['reason']>>), // any word of ours
    value: z.exactOptional(z.string()),
    number: z.exactOptional(z.number()),
    stanza: z.exactOptional(stanza),
  });
}

function page<T>(entry: z.ZodType<T>) {
  return z.object({ entries: z.array(entry), next: z.string().nullable().describe('null: this was the last page') });
}

/** ms since the epoch */
function time() {
  return z.number().describe('ms since the epoch');
}

function commandName() {
  return z.enum(adminNames as [AdminName, ...AdminName[]]); // the table is not empty
}

/** A text of a kind of its own. */
function address<T extends string>(): z.ZodType<T> {
  return z.string() as unknown as z.ZodType<T>; // a branded text is a text in JSON
}

/** A process of the bridge, and what it holds. */
const processSchema = () =>
  z.object({
    name: z.string(),
    version: z.string(),
    isThis: z.boolean(),
    shardCount: z.int().min(0),
    hasStream: z.boolean(),
  });
