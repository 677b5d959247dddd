/** The Redis of the configuration, on a real one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkRedis } from '../../../src/doctor/checks/redis';
import { systemClock } from '../../../src/ops/clock';
import { freePort } from '../../support/ports';
import { startRedis } from '../../support/servers/redis';
import { configOf } from '../support';
import { here } from './printed';

describe('Redis', () => {
  test('each wrong setting is named with what to type; nothing is written; a held lease is seen', async () => {
    const redis = await startRedis({ appendonly: false, maxmemoryPolicy: 'allkeys-lru', password: 'redis-pw' });
    try {
      const config = configOf({ BRIDGE_REDIS_URL: redis.url });
      const bad = await checkRedis(config, systemClock);
      expect(bad.result).toMatchObject({ ok: false });
      expect(bad.result.advice).toMatch(/CONFIG SET appendonly yes\.\n.*CONFIG SET maxmemory-policy noeviction/);
      expect(JSON.stringify(bad)).not.toContain('redis-pw');
      await redis.cli('config', 'set', 'appendonly', 'yes');
      await redis.cli('config', 'set', 'maxmemory-policy', 'noeviction');
      expect(await checkRedis(config, systemClock)).toMatchObject({ isLed: false, result: { ok: true } });
      expect((await redis.cli('dbsize')).trim()).toBe('0');
      await redis.cli('set', 'bridge:{c}:stream-lease', 'x', 'px', '60000');
      expect((await checkRedis(config, systemClock)).isLed).toBe(true);
      const wrong = await checkRedis(
        configOf({ BRIDGE_REDIS_URL: redis.url.replace('redis-pw', 'nope-pw') }),
        systemClock,
      );
      expect(wrong.result).toMatchObject({ ok: false });
      expect(wrong.result.detail).toMatch(/WRONGPASS/);
      expect(JSON.stringify(wrong)).not.toContain('nope-pw');
    } finally {
      await redis.dispose();
    }
  });

  test('none there', async () => {
    const { result } = await checkRedis(
      configOf({ BRIDGE_REDIS_URL: `redis://127.0.0.1:${await freePort()}` }),
      systemClock,
    );
    expect(result.ok).toBe(false);
    expect(result.detail).toMatch(/nothing listens at redis\.url .*ECONNREFUSED/);
    expect(result.advice).toContain('systemctl start redis-server');
  });

  test('a private one that is not running is not started', async () => {
    const { result } = await checkRedis(configOf({ BRIDGE_DATA_DIR: join(here(), 'data') }), systemClock);
    expect(result).toMatchObject({ ok: true });
    expect(result.detail).toMatch(/redis-server \d+\.\d+\.\d+ is started with the bridge/);
    writeFileSync(join(here(), 'file'), '');
    const inFile = await checkRedis(configOf({ BRIDGE_DATA_DIR: join(here(), 'file') }), systemClock);
    expect(inFile.result).toMatchObject({ ok: false, detail: expect.stringContaining('is no directory') as string });
  });
});
