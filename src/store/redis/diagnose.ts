/**
 * Why a target does not lead to a Redis that can be used. Each Sentinel, or node of a Cluster, that is configured is asked
 * by itself, once, with connections of its own; of one server its last error says enough (trouble.ts). The text names the
 * key to look at. Nothing is written.
 */
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { slotsProblem } from './topology';
import { addressOf, keyOf, type HostPort, type Target } from './target';
import { messageOf, troubleOf, type Trouble } from './trouble';

const answerMs = 1_000;
const refusedLogin = /\b(NOAUTH|WRONGPASS|NOPERM)\b/;

/** A whole sentence; `error` is what the connection said last. Never rejects. */
export async function diagnose(target: Target, error: unknown): Promise<Trouble> {
  const { text, isFinal } = troubleOf(error, keyOf(target));
  const ofError = { text: `Redis at ${target.name} ${text}`, isFinal };
  switch (target.kind) {
    case 'single':
      return ofError;
    case 'sentinel':
      return (await diagnoseSentinels(target.options)) ?? ofError;
    case 'cluster':
      return (await diagnoseCluster(target.nodes, target.options)) ?? ofError;
  }
}

type Answer = { readonly at: string; readonly reply: unknown } | { readonly at: string; readonly error: string };

async function diagnoseSentinels(options: RedisOptions): Promise<Trouble | null> {
  const { name = '', sentinels = [], sentinelUsername, sentinelPassword, sentinelTLS } = options;
  const login = {
    ...(sentinelUsername === undefined ? {} : { username: sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
    ...(sentinelTLS === undefined ? {} : { tls: sentinelTLS }),
  };
  const all = await Promise.all(
    sentinels.map(({ host = '127.0.0.1', port = 26_379 }) =>
      ask({ host, port }, login, async (redis) => ({
        address: await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
        watched: namesOf(await redis.call('SENTINEL', 'MASTERS')),
      })),
    ),
  );
  const replies = all.flatMap((answer) => ('reply' in answer ? [answer.reply] : []));
  const known = replies.find((reply) => reply.address !== null);
  if (known) return diagnosePrimary(known.address, options);
  const [unknown] = replies;
  if (unknown) {
    const text = `The Sentinels watch no primary called "${name}" (redis.sentinel.name); they watch: ${unknown.watched.join(', ') || 'none'}.`;
    return { text, isFinal: true };
  }
  return silence(all, 'No Sentinel can be asked', 'redis.sentinel.hosts', 'redis.sentinel.username and password');
}

async function diagnosePrimary(address: unknown, { username, password, tls }: RedisOptions): Promise<Trouble | null> {
  if (!Array.isArray(address)) return null;
  const at = { host: String(address[0]), port: Number(address[1]) };
  const login = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  };
  const answer = await ask(at, login, (redis) => redis.ping());
  if ('reply' in answer) return null;
  return silence(
    [answer],
    'The primary that the Sentinels name cannot be used',
    null,
    'redis.username and redis.password',
  );
}

async function diagnoseCluster(nodes: readonly HostPort[], login: RedisOptions): Promise<Trouble | null> {
  const all = await Promise.all(nodes.map((node) => ask(node, login, (redis) => redis.cluster('SLOTS'))));
  const answered = all.find((answer) => 'reply' in answer);
  if (answered && 'reply' in answered) {
    const text = slotsProblem(answered.reply);
    return text === null ? null : { text, isFinal: false };
  }
  const single = all.find((answer) => 'error' in answer && answer.error.includes('cluster support disabled'));
  if (single) {
    const text = `${single.at} is one server, no node of a Redis Cluster: give it in redis.url instead of redis.cluster.`;
    return { text, isFinal: true };
  }
  return silence(
    all,
    'No node of the Redis Cluster can be asked',
    'redis.cluster',
    'redis.username and redis.password',
  );
}

/** What those say that gave no answer. */
function silence(all: readonly Answer[], what: string, hostsKey: string | null, loginKeys: string): Trouble {
  const errors = all.flatMap((answer) => ('error' in answer ? [answer] : []));
  const refusal = errors.find(({ error }) => refusedLogin.test(error));
  const keys = refusal ? loginKeys : hostsKey;
  const said = errors.map(({ at, error }) => `${at}: ${error}`).join('; ');
  return { text: `${what}${keys === null ? '' : ` (${keys})`}: ${said}`, isFinal: refusal !== undefined };
}

/** The names in an answer to SENTINEL MASTERS, where each is a list of names and values. */
function namesOf(answer: unknown): readonly string[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((row: unknown) => (Array.isArray(row) ? [String(row[row.indexOf('name') + 1])] : []));
}

/** One question to one server on a connection of its own. */
async function ask<T>(
  server: HostPort,
  login: RedisOptions,
  question: (redis: Redis) => Promise<T>,
): Promise<{ readonly at: string; readonly reply: T } | { readonly at: string; readonly error: string }> {
  const at = addressOf(server);
  const redis = new Redis({
    ...login,
    host: server.host,
    port: server.port,
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: answerMs,
    commandTimeout: answerMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let trouble: unknown = null;
  redis.on('error', (error: unknown) => (trouble = error));
  try {
    await redis.connect();
    return { at, reply: await question(redis) };
  } catch (thrown) {
    return { at, error: messageOf(trouble ?? thrown) };
  } finally {
    redis.disconnect();
  }
}
