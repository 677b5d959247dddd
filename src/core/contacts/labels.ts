/**
 * Name and groups of a contact on two rosters: which side changed them, and what both should have. "Last" is what was
 * agreed on before; without it nobody can tell a change from a difference.
 */
import { excerpt } from '../text';

export interface Labels {
  readonly name: string | null;
  readonly groups: readonly string[];
}

const named = (name: string | null): string | null => name || null;

const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.every((group) => b.includes(group)) && b.every((group) => a.includes(group));

/** Would both be shown the same? The order of groups means nothing, an empty name is none. */
export function isSameLabels(a: Labels, b: Labels): boolean {
  return named(a.name) === named(b.name) && isSameSet(a.groups, b.groups);
}

/**
 * What both rosters should have, name and groups each for itself: from the side that changed it; when both did, the
 * Jabber user's, because it was made here, by a person, and is seen here. An empty name never replaces a name: clients
 * leave it out when they do not care. At first sight (`last` null) the far side's, where it has any.
 */
export function mergeLabels(far: Labels, server: Labels, last: Labels | null): Labels {
  const farName = named(far.name);
  const serverName = named(server.name);
  if (last === null) {
    return { name: farName ?? serverName, groups: far.groups.length > 0 ? far.groups : server.groups };
  }
  const isRenamed = serverName !== null && serverName !== named(last.name);
  const isRegrouped = !isSameSet(server.groups, last.groups);
  return {
    name: isRenamed ? serverName : (farName ?? serverName),
    groups: isRegrouped ? server.groups : far.groups,
  };
}

/** The stored form, JSON text. */
export function serialiseLabels({ name, groups }: Labels): string {
  return JSON.stringify({ name: named(name), groups });
}

/** Null when the text is not stored labels (an older or damaged store). Never throws. */
export function parseLabels(text: string): Labels | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('name' in value) || !('groups' in value)) return null;
  const { name, groups } = value;
  if (name !== null && typeof name !== 'string') return null;
  if (!Array.isArray(groups)) return null;
  const texts = groups.filter((group): group is string => typeof group === 'string');
  return texts.length === groups.length ? { name, groups: texts } : null;
}

/** RFC 7622's bound for parts of addresses serves for labels too: servers refuse or cut longer ones. */
const labelBytes = 1023;
const labelCount = 250;
const groupsMax = 100;

const short = (label: string): string => (Buffer.byteLength(label) > labelBytes ? excerpt(label, labelCount) : label);

/** The same with labels that a server will take. Never throws. */
export function withinBounds<T extends Labels>(contact: T): T {
  const groups = [...new Set(contact.groups.filter((group) => group !== '').map(short))].slice(0, groupsMax);
  return { ...contact, name: contact.name && short(contact.name), groups };
}
