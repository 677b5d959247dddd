/**
 * What an operator's command has answered, in words of a reader's language: a text, and a table where there are rows. The
 * ad-hoc commands and the shell show this. Pure.
 */
import type { AdminName } from '../../core/admin/table';
import { textsFor, type Language, type Texts } from '../../core/i18n';
import type { AdminOutputs, DeadLetterView, Done, EnvelopeView, LinkView, RosterView, Status, Table } from '../ports';
import { faultWords, timeWords } from './describe';
import { auditRows, deadRows, findingRows, laneRows, linkRows, wayWords } from './present-rows';
import { table as tableFrom } from './form';

export interface Presented {
  readonly text: string;
  readonly table?: Table;
}

/** An answer that may be anything: `present` knows what belongs to which command. */
type Presenters = { readonly [N in AdminName]: (output: AdminOutputs[N], language: Language) => Presented };

/** The answer of a command in words. Never throws. */
export function present<N extends AdminName>(name: N, output: AdminOutputs[N], language: Language): Presented {
  return presenters[name](output, language);
}

/** Where a list goes on: what to give as `after` or `before`. */
export function nextOf(output: unknown): string | null {
  return typeof output === 'object' && output !== null && 'next' in output && typeof output.next === 'string'
    ? output.next
    : null;
}

const presenters: Presenters = {
  status: (output, language) => ({ text: statusWords(output, language) }),
  'links list': (output, language) => list(output, language, linkRows(output.entries, language)),
  'links show': one,
  'links add': one,
  'links remove': many,
  'links suspend': many,
  'links resume': many,
  'links password': one,
  'links reconnect': many,
  'links export': ({ sealed, count }, language) => ({ text: `${say(language).exported(count)}\n${sealed}` }),
  'links import': ({ added, replaced, kept }, language) => ({ text: say(language).imported(added, replaced, kept) }),
  'rosters show': rosters,
  'rosters compare': rosters,
  lanes: (output, language) => list(output, language, laneRows(output.entries, language)),
  'dead list': (output, language) => list(output, language, deadRows(output.entries, language)),
  'dead show': (output, language) => ({ text: letterWords(output, output.text, language) }),
  'dead resend': many,
  'dead drop': many,
  trace: ({ entries }, language) =>
    entries.length === 0
      ? { text: say(language).notFound }
      : { text: say(language).shown(entries.length), table: findingRows(entries, language) },
  announce: ({ queued, refused }, language) => ({ text: say(language).announced(queued, refused) }),
  audit: (output, language) => list(output, language, auditRows(output.entries, language)),
  'log-level': ({ level }, language) => ({ text: say(language).level(level) }),
  reload({ changed, needRestart }, language) {
    const { reloaded, changed: now, unchanged, needRestart: later } = say(language);
    const isSame = changed.length + needRestart.length === 0;
    const parts = [
      reloaded,
      changed.length > 0 ? now(changed.join(', ')) : isSame ? unchanged : '',
      needRestart.length > 0 ? later(needRestart.join(', ')) : '',
    ];
    return { text: parts.filter(Boolean).join(' ') };
  },
};

function say(language: Language): Texts['operator'] {
  return textsFor(language).operator;
}

function list(
  { entries, next }: { entries: readonly unknown[]; next: string | null },
  language: Language,
  table: Table,
): Presented {
  const { nothing, shown, more } = say(language);
  if (entries.length === 0) return { text: nothing };
  return { text: [shown(entries.length), next === null ? '' : more(next)].filter(Boolean).join(' '), table };
}

function one({ user, account, origin, status, since, fault }: LinkView, language: Language): Presented {
  const { user: u, account: a, origin: o, origins, state, since: s, why } = say(language);
  const rows = [
    [u, user],
    [a, account],
    [o, origins[origin]],
    [state, textsFor(language).commands.statuses[status]],
    [s, timeWords(since)],
    [why, faultWords(fault, language)],
  ];
  return { text: lines(rows) };
}

function many({ done, failed }: Done, language: Language): Presented {
  const { doneFor, id, why } = say(language);
  const rows = failed.map((failure) => [failure.id, failure.text]);
  return {
    text: doneFor(done, failed.length),
    ...(rows.length > 0 ? { table: tableFrom(why, { id, why }, rows) } : {}),
  };
}

function rosters({ changes, changesCount, skipped, skippedCount }: RosterView, language: Language): Presented {
  const { compared, contact, change, alone } = say(language);
  const rows = [...skipped.map((name) => [name, alone]), ...changes.map((one) => [one.contact, one.what.join(', ')])];
  return { text: compared(changesCount, skippedCount), table: tableFrom(change, { contact, change }, rows) };
}

function letterWords(letter: DeadLetterView, text: string, language: Language): string {
  const words = say(language);
  const { envelope, at } = letter;
  const rows = [
    [words.at, timeWords(at)],
    [words.what, `${wayWords(letter)}, ${textsFor(language).commands.kinds[envelope?.kind ?? 'message']}`],
    [words.why, faultWords(envelope?.fault ?? null, language)],
    ...(envelope === null ? [] : envelopeLines(envelope, words)),
    [words.text, `\n${text}`],
  ];
  return lines(rows);
}

function envelopeLines(envelope: EnvelopeView, words: Texts['operator']): readonly (readonly string[])[] {
  const { messageId, envelopeId, acceptedAt, attempts, history } = envelope;
  return [
    [words.id, messageId ?? envelopeId],
    [words.accepted, timeWords(acceptedAt)],
    [words.tries, [String(attempts), ...history.map(({ at, code }) => `${timeWords(at)} ${code}`)].join('; ')],
  ];
}

function statusWords(status: Status, language: Language): string {
  const words = say(language);
  const { statuses } = textsFor(language).commands;
  const { total, ...states } = status.links;
  const parts = Object.entries(states)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${statuses[state as keyof typeof states]}`); // its own keys
  const troubles = status.troubles.map(({ kind, count, fault, remedy }) => {
    const what = `${count === null ? '' : `${count} `}${words.troubles[kind]}`;
    return [`- ${what}`, faultWords(fault, language), remedy === null ? '' : `→ ${remedy}`].filter(Boolean).join(': ');
  });
  return [
    `${status.domain}, ${status.version}`,
    words.up(words.stream, status.isStreamUp),
    words.up(words.far, status.isFarUp),
    words.up(words.store, status.isStoreUp),
    words.linksAre(total, parts.join(', ')),
    ...(status.lanes === null
      ? []
      : [words.lanesAre(status.lanes.envelopes, status.lanes.lanes), words.deadAre(status.lanes.dead)]),
    // one is as it should be; which holds what is told when there are more
    ...(status.processes === null || status.processes.length < 2
      ? []
      : status.processes.map(({ name, version, shardCount, hasStream }) =>
          words.processIs(`${name}, ${version}`, shardCount, hasStream),
        )),
    ...(troubles.length === 0 ? [words.allWell] : [words.wrong, ...troubles]),
  ].join('\n');
}

/** `name: value` for each that has a value. */
function lines(rows: readonly (readonly string[])[]): string {
  return rows
    .filter(([, value]) => Boolean(value))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}
