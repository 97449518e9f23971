import { describe, expect, it } from 'vitest';
import { OwnShareStore } from '../../../src/budgets/stores/alone/own-share-store.ts';
import { RecentGrowth } from '../../../src/budgets/stores/recent-growth.ts';
import type { Bucket } from '../../../src/core/budget/buckets.ts';

describe('by how much a count grew', () => {
  it('What was added in the last second counts, what left the window does not', () => {
    const growth = new RecentGrowth();
    growth.note(100, 0);
    expect(growth.at(0)).toBe(0);
    growth.note(110, 200);
    growth.note(95, 400);
    growth.note(100, 600);
    expect(growth.at(600)).toBe(15);
    expect(growth.at(1_300)).toBe(5);
    expect(growth.at(1_601)).toBe(0);
  });
});

describe('the share of one proxy', () => {
  it('What the others may have ordered unseen is nobody’s to use again', () => {
    const bucket: Bucket = {
      ...{ key: 'spot main ORDERS 10S', scope: 'account', kind: 'orders', upstream: 'spot' },
      ...{ windowMs: 10_000, limit: 100 },
    };
    const passed = (unseen: number) => {
      const store = new OwnShareStore({ partnersOf: () => 4, foreignUse: () => undefined });
      store.seed(bucket, 60, 1_000, unseen);
      const charge = {
        ...{ charges: [{ bucket, weight: 1, ceiling: 100, headers: [] }], freezeKeys: [] },
        lane: 'orders' as const,
      };
      let count = 0;
      while (count < 100 && store.charge(charge as never, 1_000).kind === 'charged') count++;
      return count;
    };
    expect([passed(0), passed(20), passed(40), passed(60)]).toEqual([10, 5, 0, 0]);
  });
});
