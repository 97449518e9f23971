import { unheardReason } from '../../budgets/budget-refusals.ts';
import { redisTrouble, watchTrouble } from '../../budgets/stores/redis-trouble.ts';
import type { Settings } from '../../config/schema/settings.ts';
import { type Finding, fine, problem } from './finding.ts';

const WHAT = 'Redis';
const CONNECTS_WITHIN_MS = 2_000;

/** Says hello to the configured Redis; no key of it is read or written. */
export async function examineRedis({ redisUrl, throttle }: Settings): Promise<readonly Finding[]> {
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
    const reason = redisTrouble(trouble ?? error);
    // Told that it has fellows, the proxy serves with its part.
    return [problem(WHAT, throttle.replicas > 1 ? `${reason}.` : unheardReason(reason))];
  } finally {
    redis.disconnect();
  }
}
