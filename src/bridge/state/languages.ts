/**
 * Which language each Jabber user reads: the one that they have chosen, else the one that they wrote in last (xml:lang, RFC 6120 section 4.7.4), else the
 * configured one. Notices and errors come later than what they are about. Kept over restarts for linked users; of others
 * the last few thousand are remembered. What is lost costs no more than a text in the configured language.
 */
import type { BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { languageOfTag, type Language } from '../../core/i18n';
import { makeRecentMap } from '../../core/recent-map';
import type { Log } from '../../core/runtime';
import type { LanguageMemory, StateStore } from '../ports';
import { stateTables } from './user-state';

export interface LanguagesOptions {
  readonly state: StateStore;
  readonly isLinked: (user: BareJid) => boolean;
  /** what they have chosen for good; null: what they said last counts */
  readonly chosen: (user: BareJid) => Language | null;
  /** of who has not said one; asked each time */
  readonly fallback: () => Language;
  readonly log: Log;
}

export interface Languages extends LanguageMemory {
  /** Loads what is stored; before a session is opened, since that may be refused at once. Rejects `store-away`. */
  start(): Promise<void>;
  /** The link has ended, and what was stored of it is gone. */
  forgetStored(user: BareJid): void;
}

/** A field of the table `notes`. */
const field = 'language';
/** users whose notes are read at once */
const readsCount = 50;

export function makeLanguages({ state, isLinked, chosen, fallback, log }: LanguagesOptions): Languages {
  const stored = new Map<BareJid, Language>();
  const others = makeRecentMap<BareJid, Language>();

  async function store(user: BareJid, language: Language): Promise<void> {
    try {
      await state.write(stateTables.notes, user, new Map([[field, language]]));
    } catch (thrown) {
      log.debug({ peer: user, fault: toFault(thrown).code }, 'the language of a user could not be stored');
    }
  }

  async function read(user: BareJid): Promise<void> {
    const language = languageOfTag((await state.read(stateTables.notes, user)).get(field) ?? null);
    if (language !== null && !stored.has(user)) stored.set(user, language);
  }

  return {
    of: (user) => chosen(user) ?? stored.get(user) ?? others.get(user) ?? fallback(),
    said(user, language) {
      if (stored.get(user) === language) return;
      if (!isLinked(user)) return others.set(user, language);
      stored.set(user, language);
      void store(user, language);
    },
    async start() {
      for await (const users of state.users(stateTables.notes)) {
        for (let i = 0; i < users.length; i += readsCount) {
          await Promise.all(users.slice(i, i + readsCount).map(read));
        }
      }
    },
    forgetStored(user) {
      const language = stored.get(user);
      stored.delete(user);
      if (language !== undefined) others.set(user, language);
    },
  };
}
