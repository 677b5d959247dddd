/** XEP-0059: a long list in pages, by the names of its entries. Pure; what is asked wrongly gets the first page. */
import { childOf, childText, el, payload, textEl, type Element } from './element';
import { ns } from './ns';

/** What a request wants of a list. */
export interface PageRequest {
  readonly maxCount: number;
  /** the entries after this one; '' : from the beginning */
  readonly after: string | null;
  /** the entries before this one; '' : the last */
  readonly before: string | null;
  /** did the request ask for pages? */
  readonly isAsked: boolean;
}

export interface Page<T> {
  readonly entries: readonly T[];
  readonly names: readonly string[];
  readonly beginsAt: number;
  readonly totalCount: number;
  readonly isAsked: boolean;
}

/** Entries of a page, at most: what a stanza surely holds. */
const pageMax = 100;

export function readPageRequest(query: Element): PageRequest {
  const set = childOf(query, 'set', ns.rsm);
  const said = set && childText(set, 'max', ns.rsm)?.trim();
  const maxCount = said && /^\d{1,6}$/.test(said) ? Math.min(Number(said), pageMax) : pageMax;
  const [after, before] = ['after', 'before'].map((name) => (set === null ? null : childText(set, name, ns.rsm)));
  return { maxCount, after: after ?? null, before: before ?? null, isAsked: set !== null };
}

/** The page of a list. Throws nothing: a name that is not in the list (any more) is taken for the beginning or the end. */
export function pageOf<T>(all: readonly T[], nameOf: (entry: T) => string, request: PageRequest): Page<T> {
  const { maxCount, after, before, isAsked } = request;
  const at = (name: string | null): number => (name === null ? -1 : all.findIndex((entry) => nameOf(entry) === name));
  const end = before === null ? all.length : before === '' || at(before) < 0 ? all.length : at(before);
  const beginsAt = before === null ? at(after) + 1 : Math.max(0, end - maxCount);
  const entries = all.slice(beginsAt, Math.min(end, beginsAt + maxCount));
  return { entries, names: entries.map(nameOf), beginsAt, totalCount: all.length, isAsked };
}

/** The set of a page; null: pages were not asked for, and nothing is left out. */
export function pageEl(page: Page<unknown>): Element | null {
  const { names, beginsAt, totalCount, isAsked } = page;
  if (!isAsked && names.length === totalCount) return null;
  const first = names[0];
  return payload(
    'set',
    ns.rsm,
    {},
    first === undefined ? null : el('first', { index: String(beginsAt) }, first),
    textEl('last', names.at(-1) ?? null),
    textEl('count', String(totalCount)),
  );
}
