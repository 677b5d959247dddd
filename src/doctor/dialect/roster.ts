/**
 * The roster: which form of rosterSet adds, changes and deletes (A18). Tried with a made-up contact of the same domain, so
 * that nobody is bothered; where the server wants a real one, with the other account, when they are strangers. Judged by
 * what the list shows afterwards, never by the response.
 */
import { attr, childrenOf, el, textOf, type Element } from '../../ximss/wire/element';
import type { Account } from '../../core/address';
import { parseAccount } from '../../core/address';
import { dialectOf, type Dialect } from '../../ximss/protocol/dialect';
import { writeContact, writeRemoval } from '../../ximss/protocol/write';
import { found, notFound } from './findings';
import { token, type DialectContext } from './context';
import type { TestSession } from './session';

type Form = Dialect['rosterSetForm'];

/** What one form did. */
export interface RosterFormResult {
  readonly adds: boolean;
  readonly changes: boolean;
  readonly removes: boolean;
  /** the last refusal, null when there was none */
  readonly refusal: string | null;
}

/** Spellings of a removal, ours first; the rest only to clean up, and to tell the operator. */
const removals: readonly Readonly<Record<string, string>>[] = [
  { subscription: 'remove' },
  { what: 'remove' },
  { type: 'remove' },
  { action: 'remove' },
];

/** A18. What it adds is noted on the context first, for the cleaning up. */
export async function tryRoster(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const domain = two.owner.account.slice(two.owner.account.indexOf('@') + 1);
  const invented = parseAccount(`bridge-${token()}@${domain}`);
  for (const peer of [invented, two.owner.account]) {
    if (peer === null) continue;
    if ((await one.roster()).has(peer)) continue;
    context.addedContacts.push(peer);
    const item = await tryForm(one, peer, 'item');
    const what = isWhole(item) ? null : await tryForm(one, peer, 'what');
    if (!item.adds && what?.adds !== true) continue;
    const cleaned = await removeContact(one, peer);
    return context.note(rosterForm(item, what, cleaned));
  }
  context.note(
    notFound('rosterSetForm', 'unknown', 'no contact can be added in any form we know, or both are contacts already'),
  );
}

const isWhole = ({ adds, changes, removes }: RosterFormResult): boolean => adds && changes && removes;

/** The finding of two forms. `cleaned`: the spelling that deleted the contact in the end, null when none was needed or none did. Pure. */
export function rosterForm(
  item: RosterFormResult,
  what: RosterFormResult | null,
  cleaned: string | null,
): ReturnType<typeof found> {
  if (isWhole(item)) return found('rosterSetForm', 'item', 'a contact is added, changed and deleted');
  if (what !== null && isWhole(what))
    return found('rosterSetForm', 'what', `with what= it works; without: ${lacks(item)}`);
  const hint = cleaned === null ? '' : `; deleting works with ${cleaned}, for which there is no option yet`;
  return notFound(
    'rosterSetForm',
    'neither',
    `without what=: ${lacks(item)}${what === null ? '' : `; with it: ${lacks(what)}`}${hint}`,
  );
}

function lacks({ adds, changes, removes, refusal }: RosterFormResult): string {
  const missing = [adds ? null : 'not added', changes ? null : 'not changed', removes ? null : 'not deleted'];
  const text = missing.filter((part) => part !== null).join(', ');
  return refusal === null ? text : `${text} (${refusal})`;
}

async function tryForm(session: TestSession, peer: Account, rosterSetForm: Form): Promise<RosterFormResult> {
  const dialect = dialectOf({ rosterSetForm });
  let refusal: string | null = null;
  const put = async (name: string, group: string): Promise<boolean> => {
    const contact = { account: peer, name, groups: [group], hiddenGroups: [] };
    refusal = (await session.ask(writeContact(contact, dialect))).refusal ?? refusal;
    return session.rosterFits((roster) => shows(roster.get(peer), name, group));
  };
  const adds = await put(`doctor ${rosterSetForm}`, 'Doctor');
  const changes = adds && (await put(`doctor's ${rosterSetForm}`, 'Doctors'));
  refusal = (await session.ask(writeRemoval(peer, dialect))).refusal ?? refusal;
  const removes = adds && (await session.rosterFits((roster) => !roster.has(peer)));
  return { adds, changes, removes, refusal };
}

function shows(item: Element | undefined, name: string, group: string): boolean {
  if (item === undefined) return false;
  const groups = childrenOf(item, 'group').map(textOf);
  return attr(item, 'name') === name && groups.length === 1 && groups[0] === group;
}

/** Deletes a contact in whatever way works; the spelling that did it where it is none of ours. Null: gone before, or still there. */
export async function removeContact(session: TestSession, peer: Account): Promise<string | null> {
  for (const attrs of removals) {
    if (!(await session.roster()).has(peer)) return null;
    await session.ask({ request: el('rosterSet', { peer, ...attrs }) });
    const [name, value] = Object.entries(attrs)[0] ?? [];
    if (await session.rosterFits((roster) => !roster.has(peer))) return `${name}="${value}"`;
  }
  return null;
}
