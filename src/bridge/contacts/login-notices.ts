/**
 * What is remembered of a link's logins: that the user was told of a refused one, so that they are told once, and which
 * account their contacts belong to. It does not decide what a refusal means.
 */
import type { Account, BareJid } from '../../core/address';
import { faultText, toFault, type Fault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import type { SendToUser } from '../delivery/gateway-messages';
import { stateTables } from '../state/user-state';
import type { Log, StateStore } from '../ports';

export interface LoginNoticesOptions {
  readonly state: Pick<StateStore, 'read' | 'write'>;
  readonly notify: SendToUser;
  readonly log: Log;
}

export interface LoginNotices {
  /** Tells the user once, until a login works again, in the server's words and what to do. Never rejects. */
  refused(user: BareJid, account: Account, fault: Fault | null): Promise<void>;
  /** A login has worked: the contacts are those of this account. Never rejects. */
  worked(user: BareJid, account: Account): Promise<void>;
  /** The account of the last login that worked, null when there was none. Rejects `store-away`. */
  accountOf(user: BareJid): Promise<string | null>;
}

/** Fields of the table `notes`. */
const fields = { refused: 'refused', account: 'account' } as const;

export function makeLoginNotices({ state, notify, log }: LoginNoticesOptions): LoginNotices {
  const logged = new Map<BareJid, Account>(); // what is stored already

  async function write(user: BareJid, changes: readonly (readonly [string, string | null])[]): Promise<void> {
    await state
      .write(stateTables.notes, user, new Map(changes))
      .catch((thrown: unknown) =>
        log.debug({ peer: user, fault: toFault(thrown).code }, 'the outcome of a login could not be recorded'),
      );
  }

  return {
    async refused(user, account, fault) {
      try {
        if ((await state.read(stateTables.notes, user)).has(fields.refused)) return;
        logged.delete(user);
        notify(user, (language) => {
          const said = fault === null ? null : faultText(fault.toData(), language);
          // our own sentence for it would only say the same again
          return textsFor(language).notices.passwordRefused(account, said?.language === null ? said.text : '');
        });
        await write(user, [[fields.refused, '1']]);
      } catch (thrown) {
        log.warn({ peer: user, fault: toFault(thrown).code }, 'the notice of a refused password failed');
      }
    },
    async worked(user, account) {
      if (logged.get(user) === account) return;
      logged.set(user, account);
      await write(user, [
        [fields.refused, null],
        [fields.account, JSON.stringify(account)],
      ]);
    },
    async accountOf(user) {
      const text = (await state.read(stateTables.notes, user)).get(fields.account);
      return text === undefined ? null : text.slice(1, -1);
    },
  };
}
