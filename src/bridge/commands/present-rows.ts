/** The rows of an operator's lists, in words of a reader's language: links, lanes, dead letters, findings, the audit log. Pure. */
import { parseLaneKey } from '../../core/model';
import { textsFor, type Language } from '../../core/i18n';
import type { AuditEntry, DeadLetterView, Finding, LaneParts, LaneView, LinkView, Table } from '../ports';
import { faultWords, placeWords, timeWords } from './describe';
import { table } from './form';

/** From whom to whom. */
export function wayWords({ direction, user, peer }: LaneParts): string {
  const [from, to] = direction === 'toJabber' ? [peer, user] : [user, peer];
  return `${from ?? '?'} → ${to ?? '?'}`;
}

export function linkRows(entries: readonly LinkView[], language: Language): Table {
  const { user, account, state, since, why } = textsFor(language).operator;
  const { statuses } = textsFor(language).commands;
  const rows = entries.map((one) => [
    one.user,
    one.account,
    statuses[one.status],
    timeWords(one.since),
    faultWords(one.fault, language),
  ]);
  return table(state, { user, account, status: state, since, why }, rows);
}

export function laneRows(entries: readonly LaneView[], language: Language): Table {
  const words = textsFor(language).operator;
  const { unreadable } = textsFor(language).commands;
  const rows = entries.map(({ lane, waiting, oldest, ...way }) => [
    way.direction === null ? lane : wayWords(way),
    String(waiting),
    timeWords(oldest?.acceptedAt ?? null),
    String(oldest?.attempts ?? ''),
    oldest ? faultWords(oldest.fault, language) : unreadable,
  ]);
  const { direction, waiting, oldest, tries, why } = words;
  return table(waiting, { direction, waiting, oldest, tries, why }, rows);
}

export function deadRows(entries: readonly DeadLetterView[], language: Language): Table {
  const { id, at, direction, what, why } = textsFor(language).operator;
  const { kinds, unreadable } = textsFor(language).commands;
  const rows = entries.map((one) => [
    one.id,
    timeWords(one.at),
    wayWords(one),
    one.envelope === null ? unreadable : kinds[one.envelope.kind],
    faultWords(one.envelope?.fault ?? null, language),
  ]);
  return table(what, { id, at, direction, what, why }, rows);
}

export function findingRows(entries: readonly Finding[], language: Language): Table {
  const { direction, state, accepted, id, tries, why } = textsFor(language).operator;
  const { commands } = textsFor(language);
  const rows = entries.map((one) => {
    const way = parseLaneKey(one.lane);
    return [
      way === null ? one.lane : wayWords(way),
      placeWords(one, commands),
      timeWords(one.acceptedAt),
      one.letterId ?? one.envelopeId,
      String(one.attempts ?? ''),
      faultWords(one.lastFault, language),
    ];
  });
  return table(state, { direction, state, accepted, id, tries, why }, rows);
}

export function auditRows(entries: readonly AuditEntry[], language: Language): Table {
  const { at, who, face, command, what, outcome, done } = textsFor(language).operator;
  const rows = entries.map((one) => [
    timeWords(one.at),
    one.name,
    one.face,
    one.command,
    Object.entries(one.input)
      .map(([name, value]) =>
        value === true ? name : `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`,
      )
      .join(', '),
    one.fault ?? done,
  ]);
  return table(command, { at, who, face, command, what, outcome }, rows);
}
