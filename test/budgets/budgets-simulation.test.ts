import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBudgetStore } from '../../src/budgets/stores/memory-store.ts';
import { RedisBudgetStore } from '../../src/budgets/stores/redis-store.ts';
import { ResilientBudgetStore } from '../../src/budgets/stores/resilient-store.ts';
import { type SimulationResult, simulate } from '../support/fixtures/budget-simulation.ts';
import { portion } from '../support/properties.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../support/servers/redis-server.ts';

const SIZE = { proxies: 8, clientsPerProxy: 6, offered: 5 };
/** A smaller exchange keeps the runs on a real Redis short. */
/** Orders weigh nothing on futures: what can be used are the shares of the readers (0.86) and the cancels (0.03). */
const ALL_SHARES = 0.87;
const FUTURES = { ...SIZE, weightLimit: 2_400, ordersLimit: 300 };
const SMALL = { ...SIZE, weightLimit: 3_000, ordersLimit: 150 };

function expectFairAndFull(result: SimulationResult, leastUsed = 0.95): void {
  expect(result.refusedByExchange).toEqual([]);
  expect(Math.min(...result.usedShare)).toBeGreaterThanOrEqual(leastUsed);
  expect(result.cancels).toBeGreaterThan(100);
  expect(result.cancelsRefused).toBe(0);
  expect(result.worstShare).toBeGreaterThanOrEqual(0);
  expect(result.refusals.get('PROXY_WEIGHT_EXHAUSTED')).toBeGreaterThan(1_000);
  expect(result.refusals.get('PROXY_ORDERS_EXHAUSTED')).toBeGreaterThan(100);
}

describe('8 proxies with 6 clients each that want five times the limit', () => {
  it('Eight proxies get all of the limit and no more when they see the same counts', async () => {
    const store = new MemoryBudgetStore();
    expectFairAndFull(await simulate({ ...SIZE, minutes: portion(20, 2), storeOf: () => store }));
  });

  for (const reports of ['pool', 'host'] as const)
    it(`Eight proxies get all of the pool of USD-M and COIN-M and no more when each host reports what the ${reports} counts`, async () => {
      const store = new MemoryBudgetStore();
      const hosts = ['usdm', 'coinm'] as const;
      const minutes = portion(10, 2);
      const result = await simulate({ ...FUTURES, minutes, hosts, reports, storeOf: () => store });
      expectFairAndFull(result, ALL_SHARES);
    });

  sayWhatIsLeftOut('the simulation of 8 proxies on one Redis, and what happens when it dies');

  describe.skipIf(!hasRedisServer)('on a real Redis', () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedisServer();
    });
    afterAll(() => server.stop());

    it('Eight proxies get all of the limit and no more when they share a Redis', async () => {
      const stores: ResilientBudgetStore[] = [];
      const result = await simulate({
        ...SMALL,
        minutes: portion(10, 2),
        storeOf: (_, serverNow) => {
          const shared = new RedisBudgetStore({ url: server.url, egressId: 'simulated', timeoutMs: 5_000 });
          const store = new ResilientBudgetStore({ shared, replicas: 1, serverNow });
          stores.push(store);
          return store;
        },
      });
      expect(stores.map((store) => store.view(0).degraded)).not.toContain(true);
      expectFairAndFull(result);
    });

    it('Eight proxies on one Redis get all of the pool of USD-M and COIN-M and no more, whatever a host reports', async () => {
      const result = await simulate({
        ...FUTURES,
        minutes: portion(6, 2),
        hosts: ['usdm', 'coinm'],
        reports: 'host',
        storeOf: (_, serverNow) => {
          const shared = new RedisBudgetStore({ url: server.url, egressId: 'pooled', timeoutMs: 5_000 });
          return new ResilientBudgetStore({ shared, replicas: 1, serverNow });
        },
      });
      expectFairAndFull(result, ALL_SHARES);
    });

    it('Eight proxies never exceed the limit while Redis dies early in a minute and comes back empty', async () => {
      const stores: ResilientBudgetStore[] = [];
      const told: boolean[][] = [];
      let aloneAt: readonly boolean[] = [];
      const result = await simulate({
        ...SMALL,
        minutes: 3,
        storeOf: (proxy, serverNow) => {
          const shared = new RedisBudgetStore({ url: server.url, egressId: 'dying', timeoutMs: 5_000 });
          const store = new ResilientBudgetStore({ shared, replicas: 1, serverNow, watchMs: 20 });
          told[proxy] = [];
          store.onDegraded((degraded) => told[proxy]?.push(degraded));
          stores.push(store);
          return store;
        },
        async onSecond(second) {
          if (second === 3) {
            // Simulated time outruns the timers: each proxy looks at Redis once more, as it does every second.
            for (let look = 0; look < 15; look++) await pause(20);
            await server.kill();
          }
          if (second === 80) aloneAt = stores.map((store) => store.view(0).degraded);
          if (second === 125) {
            await server.start();
            while (stores.some((store) => store.view(0).degraded))
              await new Promise((resolve) => setTimeout(resolve, 20));
          }
        },
      });
      expect(aloneAt).toEqual(Array(8).fill(true));
      expect(told).toEqual(Array(8).fill([true, false]));
      expect(result.refusedByExchange).toEqual([]);
      expect(result.cancelsRefused).toBe(0);
      expect(Math.min(...result.usedShare)).toBeGreaterThanOrEqual(0.95);
    });
  });
});
