import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBudgetStore } from '../../../src/budgets/stores/memory-store.ts';
import { RedisBudgetStore } from '../../../src/budgets/stores/redis-store.ts';
import { ResilientBudgetStore } from '../../../src/budgets/stores/resilient-store.ts';
import type { Receipt } from '../../../src/budgets/stores/store.ts';
import type { CallCharge } from '../../../src/core/budget/buckets.ts';
import type { ChargeEnding } from '../../../src/core/budget/window.ts';
import { plainCharge } from '../../support/fixtures/budget-calls.ts';
import { budgetStoreContract } from '../../support/fixtures/budget-store-contract.ts';
import { runs } from '../../support/properties.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';

budgetStoreContract('memory', async () => ({ open: () => new MemoryBudgetStore(), close: async () => {} }));

sayWhatIsLeftOut('the budget store contract on Redis, and that Lua and TypeScript count alike');

describe.skipIf(!hasRedisServer)('on a real Redis', () => {
  budgetStoreContract('redis', async (clock) => {
    const server = await startRedisServer();
    const open = () =>
      new ResilientBudgetStore({
        shared: new RedisBudgetStore({ url: server.url, egressId: 'test', timeoutMs: 5_000 }),
        replicas: 1,
        serverNow: () => clock.nowMs + 100,
        firstWordMs: 30_000,
      });
    return { open, close: () => server.stop() };
  });

  describe('Lua and TypeScript', () => {
    let server: RedisServer;
    let redis: RedisBudgetStore;
    beforeAll(async () => {
      server = await startRedisServer();
      redis = new RedisBudgetStore({ url: server.url, egressId: 'test', timeoutMs: 5_000 });
      await new Promise<void>((resolve) => redis.onConnected(resolve));
    });
    afterAll(async () => {
      await redis.close();
      await server.stop();
    });

    /** Charges as the resilient store does: whose lease has ended asks for another one. */
    async function chargeInside(call: CallCharge, nowMs: number) {
      for (;;) {
        const { outcome, uses } = await redis.charge(call, nowMs);
        if (outcome !== 'outside') return { outcome, uses };
        const look = { freezeKeys: [], buckets: [], wantsLease: true, wantsAll: false };
        await redis.look(look, nowMs);
      }
    }

    const action = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('charge' as const),
          weights: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3 })),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('reconcile' as const),
          pick: fc.nat(),
          reported: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined }),
          free: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('refund' as const), pick: fc.nat() }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('freeze' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('pass' as const),
          ms: fc.oneof(fc.integer({ min: -3_000, max: 15_000 }), fc.integer({ min: -200_000, max: 200_000 })),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('toTheEnd' as const),
          of: fc.constantFrom(10_000, 60_000),
          beforeMs: fc.integer({ min: 1, max: 400 }),
        }),
      },
    );
    let played = 0;

    it('Lua and TypeScript count alike, whatever happens in whatever order and however the clock jumps', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
          const run = ++played;
          const memory = new MemoryBudgetStore();
          const flying: { mine: Receipt; theirs: Receipt }[] = [];
          let nowMs = 1_700_000_050_000 + run * 10_000_000;
          const call = (weight: number, orders: number) => {
            const one = plainCharge(`ip:alike:${run}`, weight, 100);
            const other = plainCharge(`account:alike:${run}`, orders, 10, {
              windowMs: 10_000,
              kind: 'orders',
              scope: 'account',
            });
            const pooled = plainCharge(`ip:pooled:${run}`, weight, 100, { upstream: 'coinm' });
            const rolling = plainCharge(`account:rolling:${run}`, orders, 6, {
              ...({ kind: 'rolling', windowMs: 30_000, scope: 'account' } as const),
            });
            const charges = [one, other, pooled, rolling].flatMap((each) => each.charges);
            return { ...one, freezeKeys: [`ip:key:${run}`], charges };
          };
          for (const each of actions) {
            if (each.do === 'charge') {
              const mine = memory.charge(call(...each.weights), nowMs);
              const { outcome: theirs, uses } = await chargeInside(call(...each.weights), nowMs);
              expect(theirs).toEqual(mine);
              if (mine.kind !== 'charged' || theirs.kind !== 'charged') continue;
              flying.push({ mine: mine.receipt, theirs: theirs.receipt });
              expect(uses).toEqual(memory.view(nowMs).buckets);
            } else if (each.do === 'reconcile' || each.do === 'refund') {
              const [one] = flying.splice(each.pick % Math.max(1, flying.length), 1);
              if (one === undefined) continue;
              if (each.do === 'refund') {
                memory.refund(one.mine, nowMs);
                await redis.refund(one.theirs, nowMs);
                continue;
              }
              const endings: ChargeEnding[] = one.mine.charges.map(({ weight }) => ({
                counted: each.free ? 0 : weight,
                reported: each.reported,
              }));
              memory.reconcile(one.mine, endings, nowMs);
              await redis.reconcile(one.theirs, endings, nowMs);
            } else if (each.do === 'freeze') {
              const freeze = { key: `ip:key:${run}`, untilMs: nowMs + each.ms, status: 429 };
              memory.freeze(freeze);
              await redis.freeze(freeze, nowMs);
            } else if (each.do === 'toTheEnd') {
              nowMs = (Math.floor(nowMs / each.of) + 1) * each.of - each.beforeMs;
            } else {
              nowMs += each.ms;
            }
          }
        }),
        runs(400),
      );
    });
  });
});
