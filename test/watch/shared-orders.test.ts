import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
});
