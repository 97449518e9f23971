import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedClaims } from '../../src/repeats/shared-claims.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../support/servers/redis-server.ts';

sayWhatIsLeftOut('claims that proxies share');

describe.skipIf(!hasRedisServer)('what is written again into an empty Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  it('A claim that still holds comes back, one that cannot come again does not', async () => {
    const claims = new SharedClaims(server.url);
    const holder = { requestId: 'r-1', clientOrderIds: ['a'], state: 'open' } as const;
    expect(await claims.claim(['held', 'over'], holder)).toBeUndefined();
    // The call took longer than its signature was fresh.
    claims.put(['over'], holder, -1);
    await server.kill();
    await server.start();
    const look = new Redis(server.url.reveal());
    try {
      await expect.poll(() => look.dbsize()).toBeGreaterThan(0);
      expect(await look.dbsize()).toBe(1);
      expect(await claims.claim(['held'], { ...holder, requestId: 'r-2' })).toMatchObject({
        requestId: 'r-1',
      });
      expect(await claims.claim(['over'], { ...holder, requestId: 'r-2' })).toBeUndefined();
    } finally {
      look.disconnect();
      claims.close();
    }
  });
});
