/**
 * Keeps passwords from being guessed through the bridge: wrong tries of a Jabber user, and at an account, cost growing
 * pauses and are few in an hour, few tries are under way at once, and a foreign domain has so many links of its own. The
 * counters lie in the store and outlive the process. It never sees a password, and tells nobody whether one was right.
 */
import { domainOf, type Account, type BareJid } from '../../core/address';
import { Fault, toFault, type FaultCode } from '../../core/fault';
import type { Log, Meter } from '../../core/runtime';
import type { AttemptStore } from '../ports';

export interface GuardLimits {
  /** tries that were not right, of one user and at one account, in an hour */
  readonly triesPerHour: number;
  /** self-made links of one Jabber domain */
  readonly linksPerDomain: number;
}

export interface GuardOptions {
  readonly attempts: AttemptStore;
  /** asked each time: it may change while the bridge runs */
  readonly limits: () => GuardLimits;
  /** Is it a domain of the attached server itself? Its users are not counted. */
  readonly isOwnDomain: (domain: string) => boolean;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Guard {
  /**
   * Makes a try, and remembers how it ended. Rejects `try-later`, with the time in words, when it is too early for this
   * user or this account, or when too many are under way; the far side is then not asked. Else rejects as the try does.
   */
  attempt(user: BareJid, account: Account, attempt: () => Promise<void>): Promise<void>;
  /** Rejects `not-allowed` when the user's domain has all the links it may have; `users` are those who have one. */
  checkDomain(user: BareJid, users: Iterable<BareJid>): void;
}

/** the third wrong try in a row brings the first pause */
const freeCount = 3;
const baseMs = 1_000;
const capMs = 15 * 60_000;
/** tries that may be under way at once, in all */
const underWayMax = 16;
/** what one is told who finds all of them taken */
const busySeconds = 5;

/** Nothing was learned about the password: nobody judged it. */
const unjudged: readonly FaultCode[] = [
  'unavailable',
  'timeout',
  'no-tls',
  'stopping',
  'store-away',
  'too-many-sessions',
];

export function makeGuard(options: GuardOptions): Guard {
  const { attempts, limits, isOwnDomain, log, meter } = options;
  let underWayCount = 0;

  function refuse(user: BareJid, account: Account, waitSeconds: number, why: 'pause' | 'busy'): Fault {
    meter.count('password_tries_refused_total', { why });
    log.warn({ peer: user, account, why, seconds: waitSeconds }, 'a password was not tried');
    return new Fault('try-later', { reason: why === 'busy' ? 'triesBusy' : 'triesMany', value: String(waitSeconds) });
  }

  async function judged(user: BareJid, account: Account, attempt: () => Promise<void>): Promise<void> {
    const names = [`user ${user}`, `account ${account}`];
    const rules = { freeCount, baseMs, capMs, hourlyMax: limits().triesPerHour };
    const waitMs = await attempts.begin(names, rules);
    if (waitMs > 0) throw refuse(user, account, Math.ceil(waitMs / 1_000), 'pause');
    const end = (outcome: 'right' | 'wrong' | 'void'): Promise<void> =>
      attempts
        .end(names, outcome)
        .catch((thrown: unknown) => log.warn({ fault: toFault(thrown).code }, 'the end of a try was not stored'));
    try {
      await attempt();
    } catch (thrown) {
      const { code } = toFault(thrown);
      // a password that needs more of its user was right; a refusal in words that nobody knows may mean a wrong one
      await end(code === 'needs-user' ? 'right' : unjudged.includes(code) ? 'void' : 'wrong');
      throw thrown;
    }
    await end('right');
  }

  return {
    async attempt(user, account, attempt) {
      if (underWayCount >= underWayMax) throw refuse(user, account, busySeconds, 'busy');
      underWayCount += 1;
      try {
        await judged(user, account, attempt);
      } finally {
        underWayCount -= 1;
      }
    },
    checkDomain(user, users) {
      const domain = domainOf(user);
      if (isOwnDomain(domain)) return;
      let count = 0;
      for (const one of users) if (one !== user && domainOf(one) === domain) count += 1;
      if (count < limits().linksPerDomain) return;
      meter.count('password_tries_refused_total', { why: 'domain' });
      log.warn({ peer: user, count }, 'a link was refused, its domain has as many as it may');
      throw new Fault('not-allowed', { reason: 'domainFull' });
    },
  };
}
