import type { Settings } from '../config/schema/settings.ts';
import { Budgets, type BudgetsOptions } from './budgets.ts';
import { MemoryBudgetStore } from './stores/memory-store.ts';
import type { BudgetStore } from './stores/store.ts';

/** The budgets of this proxy, with the store that the configuration names. */
export async function wireBudgets(
  settings: Settings,
  { serverNow, onEvent, onPage }: Pick<BudgetsOptions, 'serverNow' | 'onEvent' | 'onPage'>,
): Promise<Budgets> {
  const store = await openStore(settings, serverNow);
  return new Budgets({ store, serverNow, throttle: settings.throttle, onEvent, ...(onPage && { onPage }) });
}

/**
 * The store of this process alone, or one that is shared through Redis. The Redis client is loaded only when Redis is
 * configured: it is a fifth of the program's memory.
 */
async function openStore(settings: Settings, serverNow: () => number): Promise<BudgetStore> {
  const { redisUrl: url, egress, throttle } = settings;
  if (url === undefined) return new MemoryBudgetStore();
  const { RedisBudgetStore } = await import('./stores/redis-store.ts');
  const { ResilientBudgetStore } = await import('./stores/resilient-store.ts');
  return new ResilientBudgetStore({
    shared: new RedisBudgetStore({ url, egressId: egress.main.id }),
    replicas: throttle.replicas,
    serverNow,
  });
}
