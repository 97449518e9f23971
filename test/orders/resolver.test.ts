import { describe, expect, it } from 'vitest';
import type { ResolvedCall, UnknownCall, UnresolvedOrder } from '../../src/orders/order-lookup.ts';
import { OrderResolver, RESOLUTION_PAUSES_MS } from '../../src/orders/resolver.ts';

interface Asked {
  readonly account: string;
  readonly upstream: string;
  readonly path: string;
  readonly params: readonly (readonly [string, string])[];
}
interface Reply {
  readonly status: number;
  readonly bodyText: string;
}

const MISSING: Reply = { status: 400, bodyText: '{"code":-2013,"msg":"Order does not exist."}' };
const BUSY: Reply = { status: 503, bodyText: '{"code":-1008,"msg":"busy"}' };
const NEW = order('NEW');
const FILLED = order('FILLED', '1.0');

function order(status: string, executedQty = '0'): Reply {
  return {
    status: 200,
    bodyText: `{"symbol":"BTCUSDT","orderId":9007199254740993,"status":"${status}","executedQty":"${executedQty}"}`,
  };
}

function unknown(requestId: string, path = '/api/v3/order', form: Record<string, string> = {}): UnknownCall {
  const params = { symbol: 'BTCUSDT', newClientOrderId: `bsp-${requestId}`, ...form };
  return {
    requestId,
    client: 'grid-bot',
    account: 'main',
    upstream: 'spot',
    path,
    params: new Map(Object.entries(params)),
    sentAtMs: 1000,
  };
}

/** A resolver whose clock is the sum of the pauses it asked for. `reply` is Binance. */
function stage(
  reply: (asked: Asked) => Reply | Promise<Reply>,
  onResolved?: (resolved: ResolvedCall) => void,
) {
  const asked: Asked[] = [];
  const resolved: ResolvedCall[] = [];
  const overdue: UnresolvedOrder[] = [];
  const timers: { dueMs: number; callback: () => void }[] = [];
  let nowMs = 1000;
  const resolver = new OrderResolver({
    ask: async (account, upstream, path, params) => {
      const one = { account, upstream, path, params };
      asked.push(one);
      return reply(one);
    },
    onResolved: (one) => {
      onResolved?.(one);
      resolved.push(one);
    },
    onOverdue: (order) => overdue.push(order),
    now: () => nowMs,
    startTimer: (delayMs, callback) => {
      const timer = { dueMs: nowMs + delayMs, callback };
      timers.push(timer);
      return () => {
        const at = timers.indexOf(timer);
        if (at >= 0) timers.splice(at, 1);
      };
    },
  });
  /** Lets the timers run, the earliest first, until none is left or `rounds` of them ran. */
  const run = async (rounds = 100): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const timer = timers.sort((a, b) => a.dueMs - b.dueMs).shift();
      if (timer === undefined) return;
      nowMs = timer.dueMs;
      timer.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { resolver, asked, resolved, overdue, timers, run };
}

const PATIENCE_MS = RESOLUTION_PAUSES_MS.reduce((sum, pause) => sum + pause, 0);

describe('the resolver', () => {
  it('The resolver tells once of an order that nobody answers about, after its last pause, and asks on', async () => {
    const { resolver, overdue, asked, run } = stage(() => BUSY);
    resolver.add(unknown('a'));
    await run(RESOLUTION_PAUSES_MS.length - 1);
    expect(overdue).toEqual([]);
    await run(1);
    expect(overdue).toMatchObject([{ requestId: 'a', clientOrderIds: ['bsp-a'] }]);
    await run(5);
    expect([overdue.length, asked.length > RESOLUTION_PAUSES_MS.length]).toEqual([1, true]);
  });

  it('The resolver asks for the order by its client order id and reports what it found', async () => {
    const { resolver, asked, resolved, run } = stage(() => FILLED);
    resolver.add(unknown('a'));
    expect(resolver.open()).toEqual([
      {
        requestId: 'a',
        client: 'grid-bot',
        account: 'main',
        upstream: 'spot',
        path: '/api/v3/order',
        symbols: ['BTCUSDT'],
        clientOrderIds: ['bsp-a'],
        sentAtMs: 1000,
        asked: 0,
      },
    ]);
    await run();
    expect(asked).toEqual([
      {
        account: 'main',
        upstream: 'spot',
        path: '/api/v3/order',
        params: [
          ['symbol', 'BTCUSDT'],
          ['origClientOrderId', 'bsp-a'],
        ],
      },
    ]);
    expect(resolved).toEqual([
      {
        requestId: 'a',
        client: 'grid-bot',
        account: 'main',
        upstream: 'spot',
        path: '/api/v3/order',
        resolution: 'executed',
        orders: [
          {
            clientOrderId: 'bsp-a',
            symbol: 'BTCUSDT',
            resolution: 'executed',
            orderId: '9007199254740993',
            status: 'FILLED',
          },
        ],
        afterMs: RESOLUTION_PAUSES_MS[0],
        asked: 1,
      },
    ]);
    expect(resolver.open()).toEqual([]);
  });

  it('The resolver does not believe a -2013 that comes soon, and finds an order that appears late', async () => {
    let denials = 3;
    const { resolver, resolved, run } = stage(() => (denials-- > 0 ? MISSING : NEW));
    resolver.add(unknown('a'));
    await run();
    expect(resolved.map(({ resolution, asked }) => [resolution, asked])).toEqual([['resting', 4]]);
  });

  it('The resolver says not found only after the whole schedule, and after how long', async () => {
    const { resolver, resolved, run } = stage(() => MISSING);
    resolver.add(unknown('a'));
    await run(RESOLUTION_PAUSES_MS.length - 1);
    expect(resolved).toEqual([]);
    await run();
    expect(resolved[0]).toMatchObject({ resolution: 'not-found', afterMs: PATIENCE_MS });
    expect(PATIENCE_MS).toBeGreaterThan(30_000);
  });

  it('The resolver takes no answer, a busy exchange, or garbage for no evidence, and goes on at its slowest pace', async () => {
    const replies: (Reply | 'silence')[] = ['silence', BUSY, { status: 200, bodyText: '<html>' }];
    let asked = 0;
    const { resolver, resolved, timers, run } = stage(() => {
      const reply = asked < 30 ? replies[asked % 3] : order('REJECTED');
      asked++;
      if (reply === 'silence') throw new Error('GET /api/v3/order?signature=deadbeef failed');
      return reply ?? NEW;
    });
    resolver.add(unknown('a'));
    await run(29);
    expect(resolved).toEqual([]);
    expect(resolver.open()[0]).toMatchObject({ asked: 29, lastStatus: 503, lastCode: -1008 });
    expect(JSON.stringify(resolver.open())).not.toContain('deadbeef');
    expect(timers.length).toBe(1);
    await run();
    expect(resolved.map(({ resolution }) => resolution)).toEqual(['rejected']);
  });

  it('The resolver asks for each order of a batch until each is known', async () => {
    const batch = JSON.stringify([
      { symbol: 'X', newClientOrderId: 'one' },
      { symbol: 'Y', newClientOrderId: 'two' },
    ]);
    const { resolver, asked, resolved, run } = stage(({ params }) =>
      params.some(([, value]) => value === 'one') ? NEW : MISSING,
    );
    resolver.add({ ...unknown('a', '/fapi/v1/batchOrders', { batchOrders: batch }), upstream: 'usdm' });
    await run(1);
    expect(resolver.open()[0]).toMatchObject({ symbols: ['Y'], clientOrderIds: ['two'] });
    await run();
    expect(resolved[0]?.resolution).toBe('mixed');
    expect(resolved[0]?.orders.map(({ resolution }) => resolution)).toEqual(['resting', 'not-found']);
    expect(asked.filter(({ params }) => params[1]?.[1] === 'one').length).toBe(1);
    expect(asked.every(({ path, upstream }) => path === '/fapi/v1/order' && upstream === 'usdm')).toBe(true);
  });

  it('The resolver asks for the orders of a list when the list is over', async () => {
    const form = { listClientOrderId: 'list', workingClientOrderId: 'w', pendingClientOrderId: 'p' };
    const { resolver, asked, resolved, run } = stage(({ path, params }) => {
      if (path === '/api/v3/orderList') return { status: 200, bodyText: '{"listOrderStatus":"ALL_DONE"}' };
      return params.some(([, value]) => value === 'w') ? FILLED : order('EXPIRED');
    });
    resolver.add(unknown('a', '/api/v3/orderList/oto', form));
    await run();
    expect(resolved[0]).toMatchObject({
      resolution: 'executed',
      asked: 3,
      orders: [{ clientOrderId: 'list', status: 'ALL_DONE' }],
    });
    expect(asked.map(({ path }) => path)).toEqual(['/api/v3/orderList', '/api/v3/order', '/api/v3/order']);
  });

  it('The resolver does not call a list ended while one of its orders is not known', async () => {
    const form = { listClientOrderId: 'list', workingClientOrderId: 'w', pendingClientOrderId: 'p' };
    let isReady = false;
    const { resolver, resolved, run } = stage(({ path, params }) => {
      if (path === '/api/v3/orderList') return { status: 200, bodyText: '{"listOrderStatus":"ALL_DONE"}' };
      return !isReady && params.some(([, value]) => value === 'w') ? BUSY : order('CANCELED');
    });
    resolver.add(unknown('a', '/api/v3/orderList/oto', form));
    await run(3);
    expect(resolved).toEqual([]);
    isReady = true;
    await run();
    expect(resolved[0]?.resolution).toBe('ended');
  });

  it('The resolver asks a second place before it takes an order for missing', async () => {
    const history = '/papi/v1/um/conditional/orderHistory';
    const { resolver, asked, resolved, run } = stage(({ path }) =>
      path === history ? { status: 200, bodyText: '{"strategyId":5,"strategyStatus":"TRIGGERED"}' } : MISSING,
    );
    resolver.add(unknown('a', '/papi/v1/um/conditional/order', { newClientStrategyId: 's' }));
    await run();
    expect(asked.map(({ path }) => path)).toEqual(['/papi/v1/um/conditional/openOrder', history]);
    expect(resolved[0]?.orders[0]).toMatchObject({ resolution: 'executed', orderId: '5' });
  });

  it('The resolver does not take one denial for both places', async () => {
    const { resolver, resolved, run } = stage(({ path }) => (path.endsWith('openOrder') ? MISSING : BUSY));
    resolver.add(unknown('a', '/papi/v1/um/conditional/order', { newClientStrategyId: 's' }));
    await run(20);
    expect(resolved).toEqual([]);
  });

  it('The resolver says at once when Binance has no query for such an order', async () => {
    const { resolver, asked, resolved, run } = stage(() => NEW);
    resolver.add(unknown('a', '/sapi/v1/convert/limit/placeOrder'));
    await run();
    expect(asked).toEqual([]);
    expect(resolved).toMatchObject([{ resolution: 'not-queryable', orders: [], afterMs: 0 }]);
  });

  it('The resolver keeps a fate that could not be recorded and records it later, without asking again', async () => {
    let isFull = true;
    const { resolver, asked, resolved, run } = stage(
      () => NEW,
      () => {
        if (isFull) throw new Error('disk full');
      },
    );
    resolver.add(unknown('a'));
    await run(2);
    expect(resolver.open().length).toBe(1);
    isFull = false;
    await run();
    expect(resolved.length).toBe(1);
    expect(asked.length).toBe(1);
    expect(resolver.open()).toEqual([]);
  });

  it('The resolver takes up what an earlier run left open, once each, oldest first', async () => {
    const { resolver, resolved, run } = stage(() => NEW);
    resolver.add({ ...unknown('b'), sentAtMs: 900 });
    resolver.restore([unknown('a'), { ...unknown('b'), sentAtMs: 900 }]);
    expect(resolver.open().map(({ requestId }) => requestId)).toEqual(['b', 'a']);
    await run();
    expect(resolved.map(({ requestId }) => requestId).sort()).toEqual(['a', 'b']);
  });

  it('The resolver asks for a few calls at a time, however many are open', async () => {
    let now = 0;
    let most = 0;
    const { resolver, resolved, timers } = stage(async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return NEW;
    });
    for (let index = 0; index < 50; index++) resolver.add(unknown(`r${index}`));
    for (const { callback } of timers) callback();
    await expect.poll(() => resolved.length).toBe(50);
    expect(most).toBe(4);
  });

  it('A closed resolver has no timer, no question, no record, and takes nothing new', async () => {
    const answer = Promise.withResolvers<Reply>();
    const { resolver, asked, resolved, timers, run } = stage(() => answer.promise);
    const batch = '[{"newClientOrderId":"one"},{"newClientOrderId":"two"}]';
    resolver.add(unknown('a', '/fapi/v1/batchOrders', { batchOrders: batch }));
    resolver.add(unknown('b'));
    await run(1);
    resolver.close();
    expect(timers).toEqual([]);
    resolver.add(unknown('c'));
    answer.resolve(NEW);
    await run();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked.length).toBe(1);
    expect(resolved).toEqual([]);
    expect(resolver.open().map(({ requestId }) => requestId)).toEqual(['a', 'b']);
  });

  it('The resolver runs on real timers too', async () => {
    const resolved: ResolvedCall[] = [];
    const resolver = new OrderResolver({
      ask: async () => NEW,
      onResolved: (one) => void resolved.push(one),
      now: Date.now,
      pausesMs: [1],
    });
    resolver.add(unknown('a'));
    await expect.poll(() => resolved.length).toBe(1);
  });
});
