import { redisTrouble, watchTrouble } from '../../budgets/stores/redis-trouble.ts';
import type { Settings } from '../../config/schema/settings.ts';
import { type Finding, fine, problem } from './finding.ts';

const WHAT = 'Redis';
const CONNECTS_WITHIN_MS = 2_000;

/** Says hello to the configured Redis; no key of it is read or written. */
export async function examineRedis({ redisUrl }: Settings): Promise<readonly Finding[]> {
  if (redisUrl === undefined) return [];
  // Loaded only when it is configured, as by the proxy.
  const { Redis } = await import('ioredis');
  const redis = new Redis(redisUrl.reveal(), {
    lazyConnect: true,
    connectTimeout: CONNECTS_WITHIN_MS,
    commandTimeout: CONNECTS_WITHIN_MS,
    enableOfflineQueue: false,
    retryStrategy: () => null,
  });
  let trouble: Error | undefined;
  watchTrouble(redis, (error) => {
    trouble ??= error;
  });
  try {
    await redis.connect();
    await redis.ping();
    return [fine(WHAT, 'it answers')];
  } catch (error) {
    return [problem(WHAT, `${redisTrouble(trouble ?? error)}.`)];
  } finally {
    redis.disconnect();
  }
}
