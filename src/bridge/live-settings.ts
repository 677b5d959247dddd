/**
 * What of the configuration may change while the bridge runs, as it is now: asked each time it is needed, never kept. A change
 * suspends and resumes the links that the access lists are about, and follows `accounts:`.
 */
import { makeAccess, type Access } from '../core/access';
import type { Language } from '../core/i18n';
import type { Log } from '../core/runtime';
import type { GuardLimits } from './accounts/guard';
import type { Links } from './accounts/links';
import type { LiveSettings } from './types';

export interface LiveSettingsNow {
  readonly access: Access;
  readonly language: () => Language;
  readonly messagesPerMinute: () => number;
  readonly mayRegister: () => boolean;
  readonly limits: () => GuardLimits;
  /** Rejects `store-away`; then some of it may be in effect. */
  change(wanted: LiveSettings, links: Pick<Links, 'whileAccessChanges' | 'configured'>): Promise<void>;
}

export function makeLiveSettings(settings: LiveSettings, log: Log): LiveSettingsNow {
  const access = makeAccess(settings.access);
  let now = settings;
  return {
    access,
    language: () => now.language,
    messagesPerMinute: () => now.messagesPerMinute,
    mayRegister: () => now.registration.mayRegister,
    limits: () => now.registration,
    async change(wanted, links) {
      now = wanted;
      const count = await links.whileAccessChanges(() => access.replace(wanted.access));
      if (count > 0) log.info({ count }, 'links suspended or resumed, the access lists have changed');
      await links.configured.replace(wanted.accounts);
    },
  };
}
