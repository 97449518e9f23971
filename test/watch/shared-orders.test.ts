import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SharedOrders } from '../../src/watch/shared-orders.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../support/servers/redis-server.ts';

sayWhatIsLeftOut('orders that proxies tell each other of');

describe.skipIf(!hasRedisServer)('orders of the proxies of one Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  it('Are known to the others by their names; while Redis is away nobody is said to have placed any', async () => {
    const [one, other] = [new SharedOrders(server.url), new SharedOrders(server.url, 0)];
    try {
      one.placed(['main theirs', 'main leg'], 'bot');
      await expect.poll(() => other.placerOf(['main theirs'])).toBe('bot');
      expect(await other.placerOf(['main unknown', 'main leg'])).toBe('bot');
      expect(await other.placerOf(['main unknown'])).toBeUndefined();
      expect(await other.placerOf([])).toBeUndefined();
      await server.kill();
      await expect(other.placerOf(['main theirs'])).rejects.toThrow();
      one.placed(['main meanwhile'], 'bot');
      await server.start();
      // It came back empty, and is told again.
      for (const name of ['main theirs', 'main meanwhile'])
        await expect
          .poll(() => other.placerOf([name]).catch(() => undefined), { timeout: 20_000 })
          .toBe('bot');
    } finally {
      one.close();
      other.close();
    }
  });

  it('A Redis that says nothing counts as away after half a second, so that no order of others waits for it', async () => {
    const orders = new SharedOrders(server.url, 0);
    try {
      await expect.poll(() => orders.placerOf(['main unknown']).catch(() => 'away')).toBeUndefined();
      server.pause();
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const end = orders.placerOf(['main unknown']).then(
        () => 'answered',
        () => 'away',
      );
      await vi.advanceTimersByTimeAsync(500);
      expect(await end).toBe('away');
    } finally {
      vi.useRealTimers();
      server.resume();
      orders.close();
    }
  });
});
