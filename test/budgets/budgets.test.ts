import { describe, expect, it } from 'vitest';
import { Budgets, type Ticket } from '../../src/budgets/budgets.ts';
import { MemoryBudgetStore } from '../../src/budgets/stores/memory-store.ts';
import { PROXY_CLIENT } from '../../src/core/access/client.ts';
import type { Endpoint } from '../../src/core/catalogue/endpoint.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { answer, CANCEL, client, endpoint, PLACE, read, request } from '../support/fixtures/budget-calls.ts';

/** 20 s into a minute, plus what the budgets' time is late by. */
const AT = 1_700_000_060_000 + 100;
const MINUTE = 60_000;
const USED = 'x-mbx-used-weight-1m';

interface Desk {
  readonly budgets: Budgets;
  readonly events: [string, unknown][];
  readonly pages: unknown[];
  nowMs: number;
}

function desk(throttle = { reserveForOrders: 0.1, maxWaitMs: 0 }): Desk {
  const events: [string, unknown][] = [];
  const pages: unknown[] = [];
  const made: Desk = {
    events,
    pages,
    nowMs: AT,
    budgets: new Budgets({
      store: new MemoryBudgetStore(),
      serverNow: () => made.nowMs,
      throttle,
      onEvent: (event, detail) => events.push([event, detail]),
      onPage: (page) => pages.push(page),
    }),
  };
  return made;
}

function charged(of: Desk, what: Endpoint, part: Parameters<typeof request>[1] = {}): Ticket {
  const ticket = of.budgets.charge(request(what, part));
  if (ticket instanceof Promise) throw new Error('the charge was not synchronous');
  return ticket;
}

function refusal(of: Desk, what: Endpoint, part: Parameters<typeof request>[1] = {}): ProxyError {
  try {
    charged(of, what, part);
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
  throw new Error('the call was let in');
}

/** Reads of weight 20 until none is let in. */
function exhaust(of: Desk, part: Parameters<typeof request>[1] = {}): number {
  for (let weight = 0; ; weight += 20) {
    try {
      of.budgets.reconcile(charged(of, read(20), part), answer(200));
    } catch {
      return weight;
    }
  }
}

describe('charging a call', () => {
  it('A charge in memory is synchronous and tells the weight', () => {
    expect(charged(desk(), read(20))).toEqual({ weight: 20, waitMs: 0 });
  });

  it('A charge is refused with the exact time to the end of the minute when nothing is left', () => {
    const it = desk();
    expect(exhaust(it)).toBe(5_400);
    const error = refusal(it, read(20));
    expect([error.name, error.code, error.status, error.retryAfterSeconds]).toEqual([
      'PROXY_WEIGHT_EXHAUSTED',
      -1003,
      429,
      40,
    ]);
    it.nowMs += 39_001;
    expect(refusal(it, read(20)).retryAfterSeconds).toBe(1);
    it.nowMs += 999;
    expect(charged(it, read(20)).weight).toBe(20);
  });

  it('A read never takes what is kept for orders, and an order never what is kept for cancels', () => {
    const it = desk();
    it.budgets.setLimits('spot', [{ type: 'REQUEST_WEIGHT', interval: '1M', windowMs: MINUTE, limit: 60 }]);
    const count = (what: Endpoint) => {
      for (let passed = 0; ; passed++) {
        try {
          it.budgets.reconcile(charged(it, what), answer(400));
        } catch {
          return passed;
        }
      }
    };
    expect([count(read(1)), count(PLACE), count(CANCEL)]).toEqual([54, 4, 2]);
  });

  it('An order beyond the ORDERS count is refused with -1015', () => {
    const it = desk();
    for (let i = 0; i < 50; i++) it.budgets.reconcile(charged(it, PLACE), answer(200));
    const error = refusal(it, PLACE);
    expect([error.name, error.code, error.retryAfterSeconds]).toEqual(['PROXY_ORDERS_EXHAUSTED', -1015, 10]);
    expect(refusal(it, PLACE, { account: 'main' }).name).toBe('PROXY_ORDERS_EXHAUSTED');
    expect(charged(it, PLACE, { account: 'hedge' }).weight).toBe(1);
  });

  it('A call that the order count refuses is charged no weight', () => {
    const it = desk();
    for (let i = 0; i < 60; i++) {
      try {
        it.budgets.reconcile(charged(it, PLACE), answer(400));
      } catch {}
    }
    expect(it.budgets.state.buckets.find(({ kind }) => kind === 'weight')?.used).toBe(50);
  });

  it('A client is kept within its share, may cancel nevertheless, and leaves the others alone', () => {
    const it = desk();
    const greedy = client('greedy', 100);
    expect(exhaust(it, { client: greedy })).toBe(100);
    expect(refusal(it, read(1), { client: greedy }).name).toBe('PROXY_WEIGHT_EXHAUSTED');
    expect(charged(it, CANCEL, { client: greedy }).weight).toBe(1);
    expect(charged(it, read(20)).weight).toBe(20);
  });

  it('Callers without a key are kept within the share of anonymous', () => {
    const it = desk();
    const part = { client: client('anonymous', 40), account: undefined };
    expect(exhaust(it, part)).toBe(40);
  });
});

describe('learning from an answer', () => {
  it('An answer tells what Binance says is used, which counts a neighbour on the same IP', () => {
    const it = desk();
    const ticket = charged(it, read(20));
    expect(it.budgets.reconcile(ticket, answer(200, { [USED]: 5_390 }))).toBe(5_390);
    expect(refusal(it, read(20)).name).toBe('PROXY_WEIGHT_EXHAUSTED');
    expect(charged(it, read(10)).weight).toBe(10);
  });

  it('The used weight of a /sapi endpoint is read from its own header', () => {
    const it = desk();
    const margin = endpoint({ path: '/sapi/v1/margin/openOrders', weights: [{ scope: 'IP', max: 10 }] });
    expect(it.budgets.reconcile(charged(it, margin), answer(200, { 'x-sapi-used-ip-weight-1m': 70 }))).toBe(
      70,
    );
  });

  it.each([[PLACE], [CANCEL]])(
    'A successful spot order or cancel costs nothing, and a failed one its weight',
    (what) => {
      const it = desk();
      const own = client('grid', 100);
      const used = (kind: string) => it.budgets.state.buckets.find((each) => each.kind === kind)?.used;
      it.budgets.reconcile(charged(it, what, { client: own }), answer(200));
      expect([used('weight'), used('share')]).toEqual([0, 0]);
      it.budgets.reconcile(charged(it, what, { client: own }), answer(400));
      expect([used('weight'), used('share')]).toEqual([1, 1]);
    },
  );

  it('A successful order keeps its order count', () => {
    const it = desk();
    it.budgets.reconcile(charged(it, PLACE), answer(200));
    expect(it.budgets.state.buckets.find(({ kind }) => kind === 'orders')?.used).toBe(1);
  });

  it('A lower order count is believed, since fills take it down', () => {
    const it = desk();
    for (let i = 0; i < 30; i++)
      it.budgets.reconcile(charged(it, PLACE), answer(200, { 'x-mbx-order-count-10s': i + 1 }));
    it.budgets.reconcile(charged(it, PLACE), answer(200, { 'x-mbx-order-count-10s': 4 }));
    expect(it.budgets.state.buckets.find(({ key }) => key.endsWith('10S'))?.used).toBe(4);
  });

  it('A call that was not sent is given back, and one that was lost is kept', () => {
    const it = desk();
    const [given, lost] = [charged(it, read(20)), charged(it, read(20))];
    it.budgets.refund(given);
    it.budgets.keep(lost);
    expect(it.budgets.state.buckets.find(({ kind }) => kind === 'weight')?.used).toBe(20);
  });

  it('A ticket ends once', () => {
    const it = desk();
    const ticket = charged(it, read(20));
    it.budgets.keep(ticket);
    it.budgets.refund(ticket);
    expect(it.budgets.reconcile(ticket, answer(429, { 'retry-after': 60 }))).toBeUndefined();
    expect(it.budgets.state.frozen).toEqual([]);
    expect(it.budgets.state.buckets.find(({ kind }) => kind === 'weight')?.used).toBe(20);
  });

  it('A call counts in the next window too when the window turns while it is under way', () => {
    const it = desk();
    const ticket = charged(it, read(20));
    it.nowMs += 40_000;
    expect(it.budgets.state.buckets.find(({ kind }) => kind === 'weight')?.used).toBe(0);
    it.budgets.keep(ticket);
    expect(it.budgets.state.buckets.find(({ kind }) => kind === 'weight')?.used).toBe(20);
    const late = charged(it, read(30));
    it.nowMs += 1_000;
    it.budgets.reconcile(late, answer(200, { [USED]: 30 }));
    expect(exhaust(it)).toBeLessThanOrEqual(5_400 - 30);
  });

  it('The used weight is not forgotten when the clock jumps ahead and back', () => {
    const it = desk();
    exhaust(it);
    it.nowMs += 60_000;
    charged(it, read(20));
    it.nowMs -= 60_000;
    expect(refusal(it, read(20)).name).toBe('PROXY_WEIGHT_EXHAUSTED');
  });

  it('A clock that was years ahead for a moment does not stop calls for ever', () => {
    const it = desk();
    exhaust(it);
    it.nowMs += 10 * 365 * 86_400_000;
    charged(it, read(20));
    it.nowMs = AT + MINUTE;
    charged(it, read(20));
    it.nowMs += MINUTE;
    expect(exhaust(it)).toBe(5_400);
  });
});

describe('a freeze', () => {
  const banned = `{"code":-1003,"msg":"Way too much request weight used; IP banned until ${AT + 3 * 86_400_000}. Please use WebSocket Streams for live updates to avoid bans."}`;

  it('A ban stops every caller of the host, cancels too, for as long as it says, and is told once', () => {
    const it = desk();
    const tickets = [charged(it, read(1)), charged(it, read(1)), charged(it, read(1))];
    for (const ticket of tickets)
      it.budgets.reconcile(ticket, answer(418, { 'retry-after': 3 * 86_400 }, banned));
    for (const what of [read(1), PLACE, CANCEL, endpoint({ path: '/sapi/v1/account/status' })]) {
      const error = refusal(it, what, { client: client('other') });
      expect([error.name, error.status, error.code]).toEqual(['PROXY_UPSTREAM_FROZEN', 429, -1003]);
      expect(error.retryAfterSeconds).toBeGreaterThanOrEqual(3 * 86_400);
      expect(error.retryAfterSeconds).toBeLessThanOrEqual(3 * 86_400 + 1);
    }
    expect(it.events).toEqual([['frozen', { upstream: 'spot', untilMs: AT + 3 * 86_400_000, status: 418 }]]);
    expect(it.budgets.state.frozen).toEqual([
      { upstream: 'spot', untilMs: AT + 3 * 86_400_000, status: 418 },
    ]);
  });

  it('A freeze does not stop another host', () => {
    const it = desk();
    it.budgets.reconcile(charged(it, read(1)), answer(429, { 'retry-after': 30 }));
    expect(charged(it, read(1, { upstream: 'usdm', path: '/fapi/v1/depth' })).weight).toBe(1);
  });

  it('A freeze is over at its time, tells so, and nothing was sent in between', () => {
    const it = desk();
    it.budgets.reconcile(charged(it, read(1)), answer(429, { 'retry-after': 30 }));
    it.nowMs += 29_900;
    expect(refusal(it, read(1)).retryAfterSeconds).toBe(1);
    it.nowMs += 100;
    charged(it, read(1));
    expect(it.events.map(([event]) => event)).toEqual(['frozen', 'thawed']);
    expect(it.budgets.state.frozen).toEqual([]);
  });

  it('A freeze ends with the minute when a 429 names no time', () => {
    const it = desk();
    it.budgets.reconcile(
      charged(it, read(1)),
      answer(429, {}, '{"code":-1003,"msg":"Too many requests queued."}'),
    );
    expect(refusal(it, read(1)).retryAfterSeconds).toBe(40);
  });

  const PAGE = '<html>403 Forbidden</html>';

  it.each([
    ['the client that provoked it', {}, read(1)],
    ['everybody when the proxy itself got it', { client: PROXY_CLIENT }, CANCEL],
  ])(
    'A firewall stops %s, longer each time, and not by calls that were under way together',
    (_, who, stopped) => {
      const it = desk();
      for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
        const together = [charged(it, read(1), who), charged(it, read(1), who)];
        for (const ticket of together) it.budgets.reconcile(ticket, answer(403, {}, PAGE));
        expect(refusal(it, stopped).retryAfterSeconds).toBe(minutes * 60);
        it.nowMs += minutes * MINUTE;
      }
      it.budgets.reconcile(charged(it, read(1), who), answer(200));
      it.budgets.reconcile(charged(it, read(1), who), answer(403, {}, PAGE));
      expect(refusal(it, stopped).retryAfterSeconds).toBe(60);
    },
  );

  it('A firewall’s page for one client stops no other, no cancel and no question of the proxy', () => {
    const it = desk();
    it.budgets.reconcile(charged(it, read(1)), answer(403, {}, PAGE));
    const error = refusal(it, PLACE);
    expect([error.name, error.rule]).toEqual(['PROXY_UPSTREAM_FROZEN', 'client frozen by 403']);
    charged(it, CANCEL);
    charged(it, read(1), { client: client('another') });
    charged(it, read(1), { client: PROXY_CLIENT });
    expect(it.budgets.state.frozen).toEqual([]);
    expect(it.events).toEqual([
      ['frozen', { upstream: 'spot', client: 'app', untilMs: AT - 100 + MINUTE, status: 403 }],
    ]);
    expect(it.pages).toEqual([{ upstream: 'spot', egress: undefined }]);
  });

  it('A full order count stops the orders of that account and nothing else', () => {
    const it = desk();
    it.budgets.reconcile(
      charged(it, PLACE),
      answer(
        429,
        {},
        '{"code":-1015,"msg":"Too many new orders; current limit is 50 orders per 10 SECOND."}',
      ),
    );
    const error = refusal(it, PLACE);
    expect([error.name, error.code, error.retryAfterSeconds]).toEqual(['PROXY_ORDERS_EXHAUSTED', -1015, 10]);
    expect(charged(it, PLACE, { account: 'hedge' }).weight).toBe(1);
    expect(charged(it, CANCEL).weight).toBe(1);
    expect(charged(it, read(1)).weight).toBe(1);
    expect(it.budgets.state.frozen).toEqual([]);
    expect(it.budgets.state.frozenOrders).toMatchObject([{ account: 'main', status: 429 }]);
  });

  it('A replacement that was refused for the order count does not stop the host', () => {
    const it = desk();
    const body =
      '{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","newOrderResponse":{"code":-1015,"msg":"Too many new orders."}}}';
    const replace = endpoint({ ...PLACE, path: '/api/v3/order/cancelReplace' });
    it.budgets.reconcile(charged(it, replace), answer(429, {}, body));
    expect(charged(it, CANCEL).weight).toBe(1);
    expect(refusal(it, replace).name).toBe('PROXY_ORDERS_EXHAUSTED');
  });
});
