/**
 * All links as one sealed text, and back: a machine that was lost is set up again from it and the key file. Sealed with the
 * key that seals passwords, so whoever holds the text alone has nothing, and a text that was changed, cut short, or comes
 * from a bridge with another key or for other domains is refused before anything is changed.
 */
import { z } from 'zod';
import { parseAccount, parseJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { LinkChanges } from '../accounts/link-changes';
import type { Links } from '../accounts/links';
import type { Provision } from '../accounts/provision';
import type { Sealing } from '../ports';
import type { Handlers } from './handlers';

export interface ExportLinksOptions {
  readonly links: Pick<Links, 'users' | 'linkOf'>;
  readonly changes: Pick<LinkChanges, 'take'>;
  /** accounts that were made, also those whose link has ended */
  readonly provision: Pick<Provision, 'made' | 'take'>;
  readonly sealing: Sealing;
  /** the component's and the far network's: links of another bridge are none of this one's */
  readonly domains: readonly [component: string, home: string];
}

const purpose = 'exported links';
/** links that are stored together */
const atOnceCount = 100;

const read = <T>(parse: (text: string) => T | null) =>
  z.string().transform((text, context): T => {
    const value = parse(text);
    if (value !== null) return value;
    context.addIssue('no address');
    return z.NEVER;
  });

/** Made for each import: there are few. */
function format() {
  const link = z.object({
    user: read((text) => parseJid(text)?.bare ?? null),
    account: read(parseAccount),
    password: z.string(),
    origin: z.enum(['configured', 'registered', 'provisioned']),
    isSuspended: z.boolean().optional(),
  });
  return z.object({
    v: z.literal(1),
    domains: z.tuple([z.string(), z.string()]),
    links: z.array(link),
    made: z.array(link),
  });
}

export function makeExportHandlers(options: ExportLinksOptions): Handlers<'links export' | 'links import'> {
  const { links, changes, provision, sealing, domains } = options;

  function opened(sealed: string): z.infer<ReturnType<typeof format>> {
    const parsed = format().safeParse(JSON.parse(sealing.open(purpose, sealed)));
    if (!parsed.success) throw new Fault('not-acceptable', { reason: 'exportUnknown' });
    if (parsed.data.domains.some((domain, at) => domain !== domains[at]))
      throw new Fault('not-acceptable', { reason: 'exportForeign', value: parsed.data.domains.join(', ') });
    return parsed.data;
  }

  return {
    'links export'() {
      const all = [...links.users()].map((user) => links.linkOf(user)).filter((link) => link !== undefined);
      const text = JSON.stringify({ v: 1, domains, links: all, made: provision.made() });
      return { sealed: sealing.seal(purpose, text), count: all.length };
    },
    async 'links import'({ sealed, replace }) {
      const found = opened(sealed);
      for (const { user, account, password, origin } of found.made)
        await provision.take({ user, account, password, origin });
      const counts = { added: 0, replaced: 0, kept: 0 };
      for (let i = 0; i < found.links.length; i += atOnceCount) {
        const part = found.links.slice(i, i + atOnceCount).map(({ isSuspended, ...link }): Link => {
          return isSuspended ? { ...link, isSuspended } : link;
        });
        for (const result of await Promise.all(part.map((link) => changes.take(link, replace)))) counts[result] += 1;
      }
      return counts;
    },
  };
}
