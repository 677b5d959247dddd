/**
 * Who may use the bridge, and how fast. Rules: a JID, a domain (that domain exactly), `*.domain` (its subdomains, not
 * itself), `*`. Deny wins over allow; what no rule names is refused. Being an admin does not allow anything else.
 */
import { domainOf, parseDomain, parseJid, type BareJid } from './address';
import { Fault } from './fault';

export type Rule =
  | { readonly kind: 'all' }
  | { readonly kind: 'jid'; readonly jid: BareJid }
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'subdomains'; readonly domain: string };

/** A rule as the operator writes it; null when it is none (a resource, a pattern of another form). */
export function parseRule(text: string): Rule | null {
  if (text === '*') return { kind: 'all' };
  if (text.startsWith('*.')) {
    const domain = parseDomain(text.slice(2));
    return domain === null ? null : { kind: 'subdomains', domain };
  }
  const jid = parseJid(text);
  if (jid === null || jid.resource !== null) return null;
  return jid.bare.includes('@') ? { kind: 'jid', jid: jid.bare } : { kind: 'domain', domain: jid.bare };
}

/** Does the rule name this user? */
function matches(rule: Rule, user: BareJid): boolean {
  switch (rule.kind) {
    case 'all':
      return true;
    case 'jid':
      return user === rule.jid;
    case 'domain':
      return domainOf(user) === rule.domain;
    case 'subdomains':
      return domainOf(user).endsWith(`.${rule.domain}`);
  }
}

export interface AccessLists {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly admins: readonly string[];
}

export interface Access {
  isAllowed(user: BareJid): boolean;
  /** May this user run operator commands? */
  isAdmin(user: BareJid): boolean;
  /** Other lists from now on. Throws as `makeAccess` does, and then nothing has changed. */
  replace(lists: AccessLists): void;
}

/** Throws Fault `bad-request` naming the first rule that is none: a denial that cannot be read must not be skipped. */
export function makeAccess(lists: AccessLists): Access {
  const parse = (text: string): Rule => {
    const rule = parseRule(text);
    if (rule !== null) return rule;
    throw new Fault('bad-request', { text: `"${text}" is neither a JID, a domain, "*.domain" nor "*".` });
  };
  const rulesOf = ({ allow, deny, admins }: AccessLists) => ({
    allow: allow.map(parse),
    deny: deny.map(parse),
    admins: admins.map(parse),
  });
  let rules = rulesOf(lists);
  const isNamed = (some: readonly Rule[], user: BareJid): boolean => some.some((rule) => matches(rule, user));
  return {
    isAllowed: (user) => !isNamed(rules.deny, user) && isNamed(rules.allow, user),
    isAdmin: (user) => isNamed(rules.admins, user),
    replace: (wanted) => void (rules = rulesOf(wanted)),
  };
}

/** A token bucket as a value. `tokens` at `atMs` on a clock that never jumps. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * Takes up to `wantedCount` tokens. `waitMs`: until there is one again. `bucket` null = a full one, so that an unused bucket can be forgotten; at most `burst`
 * tokens gather, refilled evenly at `ratePerMinute`. A clock that went back refills nothing. Never throws.
 */
export function takeTokens(
  bucket: Bucket | null,
  nowMs: number,
  ratePerMinute: number,
  burst: number,
  wantedCount = 1,
): { readonly bucket: Bucket; readonly takenCount: number; readonly waitMs: number } {
  const { tokens, atMs } = bucket ?? { tokens: burst, atMs: nowMs };
  const filled = Math.min(burst, tokens + (Math.max(0, nowMs - atMs) * ratePerMinute) / 60_000);
  const takenCount = Math.min(wantedCount, Math.floor(filled));
  const left = filled - takenCount;
  const waitMs = left >= 1 ? 0 : Math.ceil(((1 - left) * 60_000) / ratePerMinute);
  return { bucket: { tokens: left, atMs: Math.max(nowMs, atMs) }, takenCount, waitMs };
}
