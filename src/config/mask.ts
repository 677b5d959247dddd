/** The configuration as it may be shown: secrets replaced, everything else as it is. */
import { allKeys } from './keys';
import type { Config } from './schema';

const masked = '********';

/** A copy with every secret masked, for `check-config` and the console. A Redis URL loses only its password. Never throws. */
export function maskConfig(config: Config): unknown {
  const secrets = new Set(
    allKeys()
      .filter((key) => key.isSecret)
      .map((key) => key.path.join('.')),
  );
  return mask(config, '', secrets);
}

function mask(value: unknown, path: string, secrets: ReadonlySet<string>): unknown {
  if (secrets.has(path)) return typeof value === 'string' ? maskText(value, path) : value;
  if (Array.isArray(value)) return value.map((item: unknown) => mask(item, `${path}.*`, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, mask(child, path === '' ? key : `${path}.${key}`, secrets)]),
  );
}

function maskText(text: string, path: string): string {
  if (path !== 'redis.url') return masked;
  return text.replace(/^(rediss?:\/\/)(.*)@/i, (_, scheme: string, user: string) => {
    return `${scheme}${user.split(':')[0] ?? ''}:${masked}@`;
  });
}
