/** One sealed text per user: what a far session must not forget with its process. Its id lets in whoever has it. */
import type { Log, NoteStore } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import type { Sealer } from './sealer';
import type { UserFields } from './user-fields';

export interface SessionNoteOptions {
  readonly fields: UserFields;
  readonly sealer: Sealer;
  readonly log: Log;
}

/** Not the user alone: what is sealed here cannot be put in the place of a password. */
const owner = (user: BareJid): string => `${user} session`;

/** NoteStore on Redis. A note that cannot be opened is none. */
export function makeSessionNotes({ fields, sealer, log }: SessionNoteOptions): NoteStore {
  return {
    async read(user: BareJid) {
      const sealed = await fields.read(user);
      if (sealed === null) return null;
      try {
        return sealer.open(owner(user), sealed);
      } catch (thrown) {
        log.warn({ peer: user, fault: toFault(thrown).text }, 'a stored note cannot be opened');
        return null;
      }
    },
    async write(user, note) {
      await fields.write(user, note === null ? null : sealer.seal(owner(user), note));
    },
  };
}
