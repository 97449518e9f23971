import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomFrom } from '../../support/fixtures/budget-simulation.ts';
import { portion, SEED } from '../../support/properties.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';
import { Storm } from '../../support/storm/storm.ts';

const random = randomFrom(SEED);

/** Short windows, so that many of them turn. */
const WINDOW_MS = 5_000;
const LEAST_USED = portion(0.9, 0.8);
/** Four ask for half as much, so that what is kept back for orders and cancels is not used up in each window. */
const LEAST_USED_BY_FOUR = portion(0.88, 0.8);
/** So many calls without room in one window mean that more was asked for than there is. */
const MUCH_REFUSED = 50;

sayWhatIsLeftOut('eight proxies in real time on a Redis that is paused, flushed, killed and cut off');

describe.skipIf(!hasRedisServer)('eight proxies that were not told how many they are', () => {
  let redis: RedisServer;
  let storm: Storm;
  beforeAll(async () => {
    redis = await startRedisServer();
    storm = await Storm.begin({ redis, windowMs: WINDOW_MS, onTheLine: 3 });
  });
  afterAll(async () => {
    redis.resume();
    await storm.end();
    await redis.stop();
  });

  /**
   * What a proxy last heard of a count is as old as its event loop is late. Where all eight share one busy core, the count
   * of orders, of which nothing is kept back, may be passed by what was ordered meanwhile; so it is judged in the long form.
   */
  function refusedByExchange() {
    return storm.exchange.refusals.filter(({ key }) => key === 'weight' || process.env.TEST_LONG === '1');
  }

  async function expectNoneRefused(disturb: () => Promise<unknown>): Promise<void> {
    await expect.poll(() => storm.isTogether).toBe(true);
    await disturb();
    expect(refusedByExchange()).toEqual([]);
  }

  async function expectAllUsed(least = LEAST_USED): Promise<void> {
    const windows = await storm.nextWindows(portion(4, 1));
    expect(refusedByExchange()).toEqual([]);
    // A machine that is too busy to ask for more than there is proves nothing.
    for (const { used, refused } of windows)
      if (refused > MUCH_REFUSED) expect(used).toBeGreaterThanOrEqual(least);
  }

  const rounds = portion(6, 1);

  it('Eight proxies use nine tenths of the limit and no more than all of it while Redis answers', async () => {
    await expect.poll(() => storm.isTogether).toBe(true);
    await expectAllUsed();
    expect(storm.refusals.get('PROXY_WEIGHT_EXHAUSTED')).toBeGreaterThan(50);
  });

  it('Eight proxies stay below the limit when Redis answers after 100 ms now and then', async () => {
    for (let i = 0; i < 4 * rounds; i++)
      await expectNoneRefused(async () => {
        redis.pause();
        await pause(90 + random() * 40);
        redis.resume();
        await pause(random() * 1_000);
      });
    await expectAllUsed();
  });

  it('Eight proxies stay below the limit when some of them have a slow line to Redis, or none', async () => {
    for (let i = 0; i < rounds; i++) {
      await expectNoneRefused(async () => {
        storm.line.delayMs = 75;
        await pause(2_000);
        storm.line.delayMs = 0;
        await pause(500);
      });
      await expectNoneRefused(async () => {
        storm.line.cut();
        await pause(2_500);
        storm.line.mend();
        await pause(500);
      });
    }
  });

  it('Eight proxies stay below the limit when Redis forgets everything', async () => {
    const other = new Redis(redis.port, '127.0.0.1');
    for (let i = 0; i < 2 * rounds; i++)
      await expectNoneRefused(async () => {
        await pause(random() * 3_000);
        await other.flushall();
        await pause(1_000);
      });
    other.disconnect();
  });

  it('Eight proxies stay below the limit when Redis stands still for seconds, and after it', async () => {
    for (let i = 0; i < rounds; i++)
      await expectNoneRefused(async () => {
        redis.pause();
        await pause(portion(10_000, 4_000));
        redis.resume();
        await pause(1_000);
      });
  });

  it('Eight proxies stay below the limit when Redis dies and comes back empty', async () => {
    for (let i = 0; i < rounds; i++)
      await expectNoneRefused(async () => {
        await redis.kill();
        await pause(portion(6_000, 2_000));
        await redis.start();
        await pause(1_000);
      });
  });

  it('No cancel was refused meanwhile', () => {
    expect(storm.cancels.asked).toBeGreaterThan(50);
    expect(storm.cancels.refused).toBe(0);
  });

  it('Four that are left use all of the limit, and the dead four are forgotten', async () => {
    await expectNoneRefused(async () => {
      await storm.kill([0, 1, 4, 5]);
      await pause(4_000);
    });
    await expectAllUsed(LEAST_USED_BY_FOUR);
  });
});
