/**
 * What differs between two configurations, and which of it may change while the bridge runs. Names keys only, never values.
 * Pure.
 */
import type { Config } from './schema';

export interface ConfigChanges {
  /** changed keys that take effect now */
  readonly changed: readonly string[];
  /** changed keys that a running bridge cannot take on */
  readonly needRestart: readonly string[];
  /** what is in effect from now on: what can change as it is wanted, the rest as it was */
  readonly effective: Config;
}

/** Lists count as one key. */
const liveKeys = [
  'access.allow',
  'access.deny',
  'access.admins',
  'accounts',
  'registration.enabled',
  'registration.triesPerHour',
  'registration.linksPerDomain',
  'limits.messagesPerMinute',
  'limits.requestsPerMinute',
  'language',
  'log.level',
] as const;

/** Compares what is in effect with what is wanted. Never throws. */
export function changesOf(now: Config, wanted: Config): ConfigChanges {
  const differing = [...new Set([...keysOf(now), ...keysOf(wanted)])].filter((key) => !isEqual(now, wanted, key));
  const isLive = (key: string): boolean => liveKeys.some((live) => live === key);
  const { access, accounts, registration, language } = wanted;
  const { messagesPerMinute, requestsPerMinute } = wanted.limits;
  return {
    changed: differing.filter(isLive),
    needRestart: differing.filter((key) => !isLive(key)),
    effective: {
      ...now,
      access,
      accounts,
      registration,
      language,
      limits: { ...now.limits, messagesPerMinute, requestsPerMinute },
      log: { ...now.log, level: wanted.log.level },
    },
  };
}

function keysOf(value: object, prefix = ''): readonly string[] {
  return Object.entries(value).flatMap(([name, child]: [string, unknown]) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? keysOf(child, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}

function isEqual(a: Config, b: Config, key: string): boolean {
  return JSON.stringify(at(a, key)) === JSON.stringify(at(b, key));
}

function at(config: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>(
      (value, step) =>
        typeof value === 'object' && value !== null
          ? Object.entries(value).find(([name]) => name === step)?.[1]
          : undefined,
      config,
    );
}
