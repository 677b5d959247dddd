/**
 * Putting everything back: what the two rosters said of the people concerned is remembered before, compared afterwards,
 * and mended with the forms that were found to work. What is left over is told, line by line.
 */
import type { Account } from '../../core/address';
import { attr, childrenOf, textOf, type Element } from '../../ximss/wire/element';
import { writeContact } from '../../ximss/protocol/write';
import { cleanUp } from './roster';
import type { Stage } from './context';
import { say } from './subscription';
import type { Visit } from './session';

export type Roster = ReadonlyMap<string, Element>;

export interface Snapshot {
  readonly one: Roster;
  readonly two: Roster;
}

/** Remembers both rosters. */
export async function snapshot(one: Visit, two: Visit): Promise<Snapshot> {
  return { one: await one.roster(), two: await two.roster() };
}

const canSee = (item: Element | undefined): boolean =>
  item !== undefined && ['to', 'both'].includes(attr(item, 'subscription') ?? '');
const isAsking = (item: Element | undefined): boolean => item !== undefined && attr(item, 'ask') !== null;

/**
 * Mends both rosters; `invented` are contacts of the first person that were made up. Resolves with what could not be put
 * back, for the operator. Rejects when the connection is lost.
 */
export async function putBack(
  stage: Stage,
  [one, two]: readonly [Visit, Visit],
  before: Snapshot,
  invented: readonly Account[],
): Promise<readonly string[]> {
  await direction(stage, one, two, before.one.get(two.person.account));
  await direction(stage, two, one, before.two.get(one.person.account));
  const concerned: readonly (readonly [Visit, Account, Roster])[] = [
    ...invented.filter((peer) => peer !== two.person.account).map((peer) => [one, peer, before.one] as const),
    [one, two.person.account, before.one],
    [two, one.person.account, before.two],
  ];
  const left: string[] = [];
  for (const [visit, peer, roster] of concerned) {
    const then = roster.get(peer);
    await item(stage, visit, peer, then);
    if (await visit.rosterFits((now) => looks(now.get(peer)) === looks(then))) continue;
    const now = looks((await visit.roster()).get(peer));
    left.push(`${visit.person.account}: the contact ${peer} is ${now || 'missing'}, was ${looks(then) || 'not there'}`);
  }
  return left;
}

/** The subscription of one to two as it was. */
async function direction(stage: Stage, one: Visit, two: Visit, then: Element | undefined): Promise<void> {
  const form = stage.dialect.subscriptionForm;
  const now = (await one.roster()).get(two.person.account);
  if (canSee(then) && !canSee(now)) {
    await say(one, two, 'subscribe', form);
    await one.rosterFits(
      (roster) => isAsking(roster.get(two.person.account)) || canSee(roster.get(two.person.account)),
    );
    await say(two, one, 'subscribed', form);
    return;
  }
  const wasAsked = stage.asked.has(`${one.person.account} ${two.person.account}`) && !isAsking(then);
  if (!canSee(then) && (canSee(now) || wasAsked)) {
    await say(one, two, 'unsubscribe', form);
    await say(two, one, 'unsubscribed', form);
  }
}

/** Name and groups as they were, or no contact at all. */
async function item(stage: Stage, visit: Visit, peer: Account, then: Element | undefined): Promise<void> {
  const now = (await visit.roster()).get(peer);
  if (then === undefined) {
    if (now !== undefined) await cleanUp(visit, peer);
    return;
  }
  if (now !== undefined && card(now) === card(then)) return;
  const groups = childrenOf(then, 'group').map(textOf);
  const hiddenGroups = groups.filter((group) => group.startsWith('~'));
  await visit.ask(writeContact({ account: peer, name: attr(then, 'name'), groups, hiddenGroups }, stage.dialect));
}

const card = (element: Element): string => JSON.stringify([attr(element, 'name') ?? '', groupsOf(element)]);
const groupsOf = (element: Element): string[] => childrenOf(element, 'group').map(textOf).sort();

/** A roster item in words; '' when there is none. */
export function looks(element: Element | undefined): string {
  if (element === undefined) return '';
  const groups = groupsOf(element);
  return [
    attr(element, 'subscription') ?? 'without a subscription word',
    attr(element, 'name') === null ? null : `named "${attr(element, 'name')}"`,
    groups.length === 0 ? null : `in ${groups.join(', ')}`,
    isAsking(element) ? 'asked' : null,
  ]
    .filter((part) => part !== null)
    .join(', ');
}
