/** What one Redis server tells of itself: INFO, and settings, which managed services may keep to themselves. */
import type { Redis } from 'ioredis';
import { replyOf } from './errors';

/** `name:value` lines of INFO. Never throws. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).map((line) => /^([^#:]+):(.*)$/.exec(line));
  return new Map(lines.filter((match) => match !== null).map((match) => [match[1] ?? '', match[2] ?? '']));
}

/** A setting; null when CONFIG is forbidden, renamed, or does not know it. Connection errors pass through. */
export async function settingOf(redis: Redis, name: string): Promise<string | null> {
  try {
    const answer: unknown = await redis.config('GET', name);
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
  } catch (thrown) {
    if (replyOf(thrown) !== null) return null;
    throw thrown;
  }
}
