/**
 * Putting everything back: what the two rosters said of the people concerned is remembered before, compared afterwards,
 * and mended with the forms that were found to work. What is left over is told, line by line.
 */
import type { Account } from '../../core/address';
import { attr, childrenOf, textOf, type Element } from '../../ximss/wire/element';
import { writeContact } from '../../ximss/protocol/write';
import { removeContact } from './roster';
import type { DialectContext } from './context';
import { sendVerb } from './subscription';
import type { TestSession } from './session';

export type Roster = ReadonlyMap<string, Element>;

export interface RosterSnapshot {
  readonly one: Roster;
  readonly two: Roster;
}

/** Remembers both rosters. */
export async function snapshotRosters(one: TestSession, two: TestSession): Promise<RosterSnapshot> {
  return { one: await one.roster(), two: await two.roster() };
}

const canSee = (restoreItem: Element | undefined): boolean =>
  restoreItem !== undefined && ['to', 'both'].includes(attr(restoreItem, 'subscription') ?? '');
const isAsking = (item: Element | undefined): boolean => item !== undefined && attr(item, 'ask') !== null;

/**
 * Mends both rosters; `invented` are contacts of the first account that were made up. Resolves with what could not be put
 * back, for the operator. Rejects when the connection is lost.
 */
export async function restore(
  context: DialectContext,
  [one, two]: readonly [TestSession, TestSession],
  before: RosterSnapshot,
  invented: readonly Account[],
): Promise<readonly string[]> {
  await restoreSubscription(context, one, two, before.one.get(two.owner.account));
  await restoreSubscription(context, two, one, before.two.get(one.owner.account));
  const concerned: readonly (readonly [TestSession, Account, Roster])[] = [
    ...invented.filter((peer) => peer !== two.owner.account).map((peer) => [one, peer, before.one] as const),
    [one, two.owner.account, before.one],
    [two, one.owner.account, before.two],
  ];
  const left: string[] = [];
  for (const [session, peer, roster] of concerned) {
    const then = roster.get(peer);
    await item(context, session, peer, then);
    if (await session.rosterFits((now) => describeItem(now.get(peer)) === describeItem(then))) continue;
    const now = describeItem((await session.roster()).get(peer));
    left.push(
      `${session.owner.account}: the contact ${peer} is ${now || 'missing'}, was ${describeItem(then) || 'not there'}`,
    );
  }
  return left;
}

/** The subscription of one to two as it was. */
async function restoreSubscription(
  context: DialectContext,
  one: TestSession,
  two: TestSession,
  then: Element | undefined,
): Promise<void> {
  const form = context.dialect.subscriptionForm;
  const now = (await one.roster()).get(two.owner.account);
  if (canSee(then) && !canSee(now)) {
    await sendVerb(one, two, 'subscribe', form);
    await one.rosterFits((roster) => isAsking(roster.get(two.owner.account)) || canSee(roster.get(two.owner.account)));
    await sendVerb(two, one, 'subscribed', form);
    return;
  }
  const wasAsked = context.subscriptionsRequested.has(`${one.owner.account} ${two.owner.account}`) && !isAsking(then);
  if (!canSee(then) && (canSee(now) || wasAsked)) {
    await sendVerb(one, two, 'unsubscribe', form);
    await sendVerb(two, one, 'unsubscribed', form);
  }
}

/** Name and groups as they were, or no contact at all. */
async function item(
  context: DialectContext,
  session: TestSession,
  peer: Account,
  then: Element | undefined,
): Promise<void> {
  const now = (await session.roster()).get(peer);
  if (then === undefined) {
    if (now !== undefined) await removeContact(session, peer);
    return;
  }
  if (now !== undefined && nameAndGroups(now) === nameAndGroups(then)) return;
  const groups = childrenOf(then, 'group').map(textOf);
  const hiddenGroups = groups.filter((group) => group.startsWith('~'));
  await session.ask(writeContact({ account: peer, name: attr(then, 'name'), groups, hiddenGroups }, context.dialect));
}

const nameAndGroups = (element: Element): string => JSON.stringify([attr(element, 'name') ?? '', groupsOf(element)]);
const groupsOf = (element: Element): string[] => childrenOf(element, 'group').map(textOf).sort();

/** A roster item in words; '' when there is none. */
function describeItem(element: Element | undefined): string {
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
