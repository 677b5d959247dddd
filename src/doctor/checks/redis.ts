/**
 * The Redis row: an own Redis is asked for its settings; of the private one the program and the data directory are
 * looked at, and its settings when it runs. Nothing is started and nothing written: a file made by a doctor who is root
 * would lock the bridge's own user out.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../bridge/ports';
import type { Config } from '../../config';
import { redisSettings } from '../../config/parts';
import { toFault } from '../../core/fault';
import type { CheckResult } from '../runner';
import { isOlder, minimumRedis } from '../../store/redis/check';
import { probePrivateRedis, probeRedis, type RedisFindings } from '../../store/probe';
import { findProgram } from '../../store/redis/private/process';

const versionMs = 5_000;

export interface RedisState {
  readonly result: CheckResult;
  /** a running bridge holds the lease there */
  readonly isLed: boolean;
}

/** Looks at the Redis of the configuration. Never rejects. */
export async function checkRedis(config: Config, clock: Clock): Promise<RedisState> {
  const settings = redisSettings(config);
  const { url, sentinel, cluster } = settings;
  if (url === null && sentinel === null && cluster === null)
    return checkPrivateRedis(config.dataDir, config.scale.shards, clock);
  try {
    return redisResult(await probeRedis(settings, clock, config.scale.shards));
  } catch (thrown) {
    const advice =
      url === null
        ? 'Compare the keys under redis: with sentinel.conf or redis.conf; docs/OPERATING.md shows a whole set.'
        : 'Start it (systemctl start redis-server) and compare redis.url with its port and password;\n' +
          'or leave redis.url out, then the bridge starts a private one.';
    return { isLed: false, result: { ok: false, detail: toFault(thrown).text, advice } };
  }
}

function redisResult({ name, version, problems, weaknesses, untold: unknown, isLed }: RedisFindings): RedisState {
  const where = `Redis ${version} at ${name}`;
  if (problems.length > 0) {
    const detail = `${where} may not be used as it is set`;
    return { isLed, result: { ok: false, detail, advice: problems.join('\n') } };
  }
  if (unknown.length === 0) {
    const but = weaknesses.map((weakness) => `; but: ${weakness}`).join('');
    return { isLed, result: { ok: true, detail: `${where}: append-only file on, nothing is evicted${but}` } };
  }
  const detail = `${where} does not tell ${unknown.join(' and ')}`;
  const advice = 'It must be set to: appendonly yes, maxmemory-policy noeviction. Look at its console.';
  return { isLed, result: { ok: 'skip', detail, advice } };
}

async function checkPrivateRedis(dataDir: string, shards: number, clock: Clock): Promise<RedisState> {
  const result = await probePrivateRedis(dataDir, clock, shards);
  if (result !== null) return redisResult(result);
  const failed = (detail: string, advice: string): RedisState => ({
    isLed: false,
    result: { ok: false, detail, advice },
  });
  const program = findProgram('redis-server');
  if (program === null) {
    return failed(
      'the program redis-server is missing (redis.url is null: a private one is started)',
      '    apt-get install redis-server\nor give the URL of another Redis: redis.url',
    );
  }
  const version = await versionOf(program);
  if (version !== null && isOlder(version, minimumRedis)) {
    return failed(`${program} is ${version}, at least ${minimumRedis} is needed`, 'Install a newer redis-server.');
  }
  const problem = unusable(dataDir);
  if (problem !== null) return failed(problem, adviceForDir(dataDir));
  const detail = `private: ${program} ${version ?? ''} is started with the bridge, data in ${dataDir}`;
  return { isLed: false, result: { ok: true, detail: detail.replace(/ {2,}/g, ' ') } };
}

function versionOf(program: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, ['--version'], { timeout: versionMs }, (_, out) =>
      resolve(/v=(\d[\d.]*)/.exec(out)?.[1] ?? null),
    );
  });
}

/** Why the bridge, run by this very user, could not keep its data there; null when it could. */
function unusable(dir: string): string | null {
  let at = dir;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  if (!statSync(at).isDirectory()) return `${at} is no directory (dataDir)`;
  try {
    accessSync(at, constants.W_OK | constants.X_OK);
    return null;
  } catch {
    return `this user may not write into ${at} (dataDir)`;
  }
}

const adviceForDir = (dir: string): string =>
  `Run the doctor as the bridge's user, or give it the directory:\n    chown -R BRIDGE-USER ${dir}`;
