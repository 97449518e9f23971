import type { Settings } from '../config/schema/settings.ts';
import { MemoryBudgetStore } from './stores/memory-store.ts';
import type { BudgetStore } from './stores/store.ts';

/**
 * The store that the configuration asks for: this process alone, or shared through Redis. The Redis client is loaded
 * only where there is a Redis: it is a fifth of the program's memory.
 */
export async function openBudgetStore(settings: Settings, serverNow: () => number): Promise<BudgetStore> {
  const { redisUrl: url, egressId, throttle } = settings;
  if (url === undefined) return new MemoryBudgetStore();
  const { RedisBudgetStore } = await import('./stores/redis-store.ts');
  const { ResilientBudgetStore } = await import('./stores/resilient-store.ts');
  return new ResilientBudgetStore({
    shared: new RedisBudgetStore({ url, egressId }),
    replicas: throttle.replicas,
    serverNow,
  });
}
