import type { Settings } from '../config/settings.ts';
import type { BudgetStore } from '../ports/budget-store.ts';
import { MemoryBudgetStore } from '../stores/memory-budget-store.ts';
import { RedisBudgetStore } from '../stores/redis-budget-store.ts';
import { ResilientBudgetStore } from '../stores/resilient-budget-store.ts';

/** The store that the configuration asks for: this process alone, or shared through Redis. */
export function createBudgetStore(settings: Settings, serverNow: () => number): BudgetStore {
  const { redisUrl: url, egressId, throttle } = settings;
  if (url === undefined) return new MemoryBudgetStore();
  return new ResilientBudgetStore({
    shared: new RedisBudgetStore({ url, egressId }),
    replicas: throttle.replicas,
    serverNow,
  });
}
