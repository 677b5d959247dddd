/**
 * Why a Redis cannot be used, in words for an operator, with the key of the configuration and what to do. It knows the
 * errors of Node's sockets and the words of Redis' own refusals (redis.io, "Redis security", "AUTH"); what it does not
 * know it gives as it was said. It decides nothing but whether waiting may help.
 */

export interface Trouble {
  /** follows "Redis at NAME" */
  readonly text: string;
  /** waiting does not help, somebody must change something */
  readonly isFinal: boolean;
}

interface Row {
  readonly said: RegExp;
  readonly means: string;
  readonly isFinal: boolean;
}

const rows: readonly Row[] = [
  {
    said: /NOAUTH/,
    means: 'wants a password: write it into KEY, redis://:PASSWORD@HOST:PORT',
    isFinal: true,
  },
  { said: /WRONGPASS|invalid password/i, means: 'refuses the user or the password of KEY', isFinal: true },
  { said: /NOPERM/, means: 'does not let the user of KEY do what is needed (ACL)', isFinal: true },
  {
    said: /DENIED .*protected mode/,
    means:
      'is in protected mode and serves its own machine only: set requirepass there and the password in KEY, ' +
      'or protected-mode no where nobody else can reach it',
    isFinal: true,
  },
  { said: /DB index/, means: 'has no database of the number in KEY', isFinal: true },
  { said: /ECONNREFUSED/, means: 'does not run, or not there: nothing listens at KEY', isFinal: false },
  { said: /ENOENT/, means: 'does not run, or not there: no such socket as in KEY', isFinal: false },
  {
    said: /EACCES/,
    means: 'has a socket that this user may not open: see KEY and unixsocketperm',
    isFinal: true,
  },
  { said: /ENOTFOUND|EAI_AGAIN/, means: 'is not found: see the host in KEY', isFinal: false },
  {
    said: /certificate|self-signed/i,
    means: 'has a certificate that is not trusted here: redis.caFile names one more authority',
    isFinal: true,
  },
  {
    said: /ETIMEDOUT/,
    means: 'does not answer: see host and port in KEY, the firewall, and whether TLS (rediss:) is spoken there',
    isFinal: false,
  },
];

/** What an error of a connection or a refusal means; `key` says where the Redis is. Never throws. */
export function troubleOf(error: unknown, key: string): Trouble {
  const said = messageOf(error);
  const row = rows.find((one) => one.said.test(said));
  if (row === undefined) return { text: `cannot be used: ${said}`, isFinal: false };
  // Redis explains its protected mode on half a page
  return { text: `${row.means.replace('KEY', key)} (${said.split('. ')[0] ?? ''})`, isFinal: row.isFinal };
}

/** What an error says, or its code where it says nothing (a failure on each of several addresses). Never throws. */
export function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no answer';
  if ('message' in error && typeof error.message === 'string' && error.message !== '') return error.message;
  return 'code' in error && typeof error.code === 'string' ? error.code : 'no answer';
}
