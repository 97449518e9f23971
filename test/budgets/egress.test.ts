import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Budgets } from '../../src/budgets/budgets.ts';
import { MemoryBudgetStore } from '../../src/budgets/stores/memory-store.ts';
import { RedisBudgetStore } from '../../src/budgets/stores/redis-store.ts';
import { ResilientBudgetStore } from '../../src/budgets/stores/resilient-store.ts';
import type { BudgetStore } from '../../src/budgets/stores/store.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { answer, PLACE, read, request } from '../support/fixtures/budget-calls.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../support/servers/redis-server.ts';

const AT = 1_700_000_060_000 + 100;

function budgetsOn(store: BudgetStore): Budgets {
  return new Budgets({
    store,
    serverNow: () => AT,
    throttle: { reserveForOrders: 0, maxWaitMs: 0 },
    onEvent: () => {},
  });
}

/** The error of a read, or of an order, that leaves by an egress; undefined when it was charged. */
async function refused(
  budgets: Budgets,
  egress: string | undefined,
  what = read(1),
): Promise<string | undefined> {
  try {
    budgets.refund(await budgets.charge({ ...request(what), egress }));
    return undefined;
  } catch (error) {
    if (error instanceof ProxyError) return error.name;
    throw error;
  }
}

/** Uses the minute of an egress up, as Binance reports it. */
async function useUp(budgets: Budgets, egress: string | undefined): Promise<void> {
  const ticket = await budgets.charge({ ...request(read(1)), egress });
  budgets.reconcile(ticket, answer(200, { 'x-mbx-used-weight-1m': 6000 }));
}

async function ban(budgets: Budgets, egress: string | undefined): Promise<void> {
  const ticket = await budgets.charge({ ...request(read(1)), egress });
  budgets.reconcile(ticket, answer(418, { 'retry-after': 60 }));
}

/** What one proxy tells Redis another one may hear a little later. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('what is counted by egress in one process', () => {
  it('Weight and bans of an egress are its own, and orders are the account’s', async () => {
    const budgets = budgetsOn(new MemoryBudgetStore());
    await useUp(budgets, 'vpn');
    expect(await refused(budgets, 'vpn')).toBe('PROXY_WEIGHT_EXHAUSTED');
    expect([await refused(budgets, undefined), await refused(budgets, 'other')]).toEqual([
      undefined,
      undefined,
    ]);
    await ban(budgets, undefined);
    expect(await refused(budgets, undefined)).toBe('PROXY_UPSTREAM_FROZEN');
    expect(await refused(budgets, 'other')).toBeUndefined();
    const stopped = await budgets.charge({ ...request(PLACE), egress: 'other' });
    budgets.reconcile(
      stopped,
      answer(
        429,
        {},
        '{"code":-1015,"msg":"Too many new orders; current limit is 100 orders per 10 SECOND."}',
      ),
    );
    expect(await refused(budgets, 'third', PLACE)).toBe('PROXY_ORDERS_EXHAUSTED');
    expect(await refused(budgets, 'third')).toBeUndefined();
  });

  it('The pauses after bans without an end grow for each egress by itself', async () => {
    const budgets = budgetsOn(new MemoryBudgetStore());
    const first = await budgets.charge({ ...request(read(1)), egress: 'vpn' });
    const second = await budgets.charge({ ...request(read(1)), egress: undefined });
    for (const ticket of [first, second]) budgets.reconcile(ticket, answer(418));
    expect(budgets.state.frozen.map(({ egress, untilMs }) => [egress, untilMs])).toEqual([
      ['vpn', expect.any(Number)],
      [undefined, expect.any(Number)],
    ]);
    expect(new Set(budgets.state.frozen.map(({ untilMs }) => untilMs)).size).toBe(1);
  });
});

sayWhatIsLeftOut('what proxies share by egress over Redis');

describe.skipIf(!hasRedisServer)('what is counted by egress over Redis', () => {
  let server: RedisServer;
  const open: Budgets[] = [];
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(async () => {
    for (const budgets of open) await budgets.close();
    await server.stop();
  });

  function proxyOn(egressId: string): Budgets {
    const shared = new RedisBudgetStore({ url: server.url, egressId, timeoutMs: 10_000 });
    const budgets = budgetsOn(
      new ResilientBudgetStore({ shared, replicas: 1, serverNow: () => AT, watchMs: 60_000 }),
    );
    open.push(budgets);
    return budgets;
  }

  it('A way of one account and a whole proxy with the same id share weight and bans, and no other does', async () => {
    const home = proxyOn('home');
    const vpn = proxyOn('vpn');
    await useUp(home, 'vpn');
    await until(async () => (await refused(vpn, undefined)) === 'PROXY_WEIGHT_EXHAUSTED');
    expect(await refused(home, undefined)).toBeUndefined();
    await ban(vpn, 'second-vpn');
    await until(async () => (await refused(home, 'second-vpn')) === 'PROXY_UPSTREAM_FROZEN');
    expect(await refused(proxyOn('second-vpn'), undefined)).toBe('PROXY_UPSTREAM_FROZEN');
    expect(await refused(home, undefined)).toBeUndefined();
    const redis = new Redis(server.url.reveal());
    const keys = await redis.keys('*');
    redis.disconnect();
    expect(keys).toContain('bsp:{budget}:vpn:ip:spot:weight:1M');
    expect(keys).toContain('bsp:{budget}:second-vpn:ip:spot:host');
    expect(keys.filter((key) => key.includes('@'))).toEqual([]);
  });
});
