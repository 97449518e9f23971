import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Client, type OrderRules, PROXY_CLIENT } from '../../src/core/access/client.ts';
import type { OrderRule } from '../../src/core/access/violation.ts';
import { ExactDecimal } from '../../src/core/decimal.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { toFrameCall } from '../../src/core/frames/frame-call.ts';
import { DAY_MS } from '../../src/core/intervals.ts';
import { jsonMembers } from '../../src/core/json.ts';
import type { NotionalLedger } from '../../src/orders/day-ledger.ts';
import { createFileNotionalLedger } from '../../src/orders/file-ledger.ts';
import type { OrderOutcome, OrderRoom } from '../../src/orders/limits/order-room.ts';
import { createMemoryNotionalLedger } from '../../src/orders/memory-ledger.ts';
import { createOrderLimits, type OrderLimits } from '../../src/orders/order-limits.ts';
import { createPriceBook, type FetchJson } from '../../src/orders/price-book.ts';
import { catalogueEndpoint, catalogueEndpoints } from '../support/fixtures/catalogue-endpoints.ts';
import {
  callOf,
  clientWith,
  DOOR_SAMPLES,
  type Form,
  MARKET_ANSWERS,
} from '../support/fixtures/order-fixtures.ts';
import { runs } from '../support/properties.ts';
import { admitOrders } from './admit-orders.ts';

const NOON = 1_800_000_000_000;
const order = catalogueEndpoint('POST', '/api/v3/order');
const trial = catalogueEndpoint('POST', '/api/v3/order/test');
const MARKET: Form = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.001' };

const answers: FetchJson = async (_, path) => {
  const answer = MARKET_ANSWERS[path];
  if (answer === undefined) throw new Error('status 400');
  return structuredClone(answer);
};

interface Guarded {
  readonly guard: OrderLimits;
  readonly reports: string[];
}

function guarded(
  fetchJson: FetchJson = answers,
  ledger: NotionalLedger = createMemoryNotionalLedger(),
): Guarded {
  const reports: string[] = [];
  const guard = createOrderLimits({
    monotonicNow: () => 0,
    priceBook: createPriceBook({ fetchJson, now: () => 0 }),
    ledger,
    onReport: (client, endpoint, rule) => reports.push(`${client.name} ${endpoint.path} ${rule}`),
  });
  return { guard, reports };
}

/** The rule that a call is refused by; `passed` when none is. */
async function ruleFor(
  guard: OrderLimits,
  client: Client,
  form: Form = MARKET,
  endpoint = order,
  now = NOON,
) {
  try {
    await admitOrders(guard, client, endpoint, callOf(endpoint, form), now);
    return 'passed';
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    expect(error.name).toBe('PROXY_ORDER_REFUSED');
    return error.rule;
  }
}

function less(amount: string): string {
  return new ExactDecimal(amount).minus('1e-18').toFixed();
}

/** Per orderShape: what lies just inside each rule, and what lies just outside. */
describe.each([...DOOR_SAMPLES])('%s under every rule', (name, sample) => {
  const [method = '', path = ''] = name.split(' ');
  const endpoint = catalogueEndpoint(method, path);
  const { asset, values } = sample;
  const dayValue =
    sample.dayValue ??
    (values ?? []).reduce((sum, value) => new ExactDecimal(sum).plus(value).toFixed(), '0');
  const largest = (values ?? ['0']).reduce((one, other) => ExactDecimal.max(one, other).toFixed(), '0');
  const count = values?.length ?? 1;
  const isTrial = path.endsWith('/test');

  const judged = (rules: OrderRules | undefined, symbols?: ReadonlySet<string>) =>
    ruleFor(
      guarded().guard,
      clientWith(rules, symbols === undefined ? {} : { symbols }),
      sample.form,
      endpoint,
    );

  it('The rule symbols passes its own symbol and refuses another', async () => {
    const named = sample.symbol === undefined ? 'symbols' : 'passed';
    expect(await judged(undefined, new Set([sample.symbol ?? 'BTCUSDT']))).toBe(named);
    expect(await judged(undefined, new Set(['DOGEUSDT']))).toBe('symbols');
  });

  it('The rule order.types passes the types of the call and refuses when one is missing', async () => {
    expect(await judged({ types: new Set(sample.types) })).toBe('passed');
    for (const missing of sample.types) {
      const types = new Set(sample.types.filter((type) => type !== missing));
      expect(await judged({ types })).toBe('order.types');
    }
  });

  it('The rule order.maxNotional passes the largest value and refuses below it', async () => {
    const inside = values === undefined ? 'unvaluable' : 'passed';
    const outside = values === undefined ? 'unvaluable' : 'order.maxNotional';
    expect(await judged({ maxNotional: new Map([[asset, largest]]) })).toBe(inside);
    expect(await judged({ maxNotional: new Map([[asset, less(largest)]]) })).toBe(outside);
    expect(await judged({ maxNotional: new Map([['EUR', '1000000']]) })).toBe(outside);
  });

  it('The rule order.maxPerDay passes as many orders as the call has and refuses below it', async () => {
    expect(await judged({ maxPerDay: count })).toBe('passed');
    expect(await judged({ maxPerDay: count - 1 })).toBe(isTrial ? 'passed' : 'order.maxPerDay');
  });

  it('The rule order.maxNotionalPerDay passes the value of the call and refuses below it', async () => {
    const inside = values === undefined ? 'unvaluable' : 'passed';
    const outside = values === undefined ? 'unvaluable' : isTrial ? 'passed' : 'order.maxNotionalPerDay';
    expect(await judged({ maxNotionalPerDay: new Map([[asset, dayValue]]) })).toBe(inside);
    expect(await judged({ maxNotionalPerDay: new Map([[asset, less(dayValue)]]) })).toBe(outside);
    expect(await judged({ maxNotionalPerDay: new Map([['EUR', '1000000']]) })).toBe(outside);
  });

  it('Orders that cannot be read are refused', async () => {
    const everyRule = clientWith({ maxPerDay: 100 });
    const { guard } = guarded();
    for (const form of [{ symbol: 'BTCUSDT', quantity: 'all', newQty: 'all' }, {}]) {
      const expected = sample.symbol === undefined ? 'passed' : 'unreadable';
      expect(await ruleFor(guard, everyRule, form, endpoint)).toBe(expected);
    }
  });
});

describe('the order guard', () => {
  it('Clients without rules and calls that order nothing are answered at once, without a promise', () => {
    const { guard } = guarded(() => Promise.reject(new Error('asked')));
    const strict = clientWith({ maxPerDay: 0, maxNotional: new Map() }, { symbols: new Set() });
    expect(admitOrders(guard, clientWith(undefined), order, callOf(order, {}), NOON)).toBeUndefined();
    const others = catalogueEndpoints().filter(({ orderShape }) => orderShape === undefined);
    expect(others.length).toBeGreaterThan(700);
    const free = others.filter(
      ({ touches }) => touches === undefined || touches === 'nothing' || touches === 'orders',
    );
    expect(free.length).toBeGreaterThan(600);
    for (const endpoint of free) {
      expect(admitOrders(guard, strict, endpoint, callOf(order, {}), NOON), endpoint.path).toBeUndefined();
    }
    const anySymbol = clientWith({ maxPerDay: 0, maxNotional: new Map() });
    for (const endpoint of others) {
      expect(admitOrders(guard, anySymbol, endpoint, callOf(order, {}), NOON), endpoint.path).toBeUndefined();
    }
  });

  it('A cancel is never held up by order limits, but a countdown is held to its symbol', async () => {
    const { guard } = guarded();
    const strict = clientWith({ maxPerDay: 0, maxLeverage: 1 }, { symbols: new Set() });
    const [cancels, countdowns] = [
      catalogueEndpoints().filter(({ effect, touches }) => effect === 'cancel' && touches === 'orders'),
      catalogueEndpoints().filter(({ effect, touches }) => effect === 'cancel' && touches !== 'orders'),
    ];
    expect(cancels.length).toBeGreaterThan(20);
    for (const endpoint of cancels) {
      expect(admitOrders(guard, strict, endpoint, callOf(order, MARKET), NOON)).toBeUndefined();
    }
    expect(countdowns.map(({ path }) => path.split('/').at(-1))).toEqual([
      'countdownCancelAll',
      'countdownCancelAll',
      'countdownCancelAll',
      'countdownCancelAllHeartBeat',
    ]);
    for (const endpoint of countdowns)
      expect(await ruleFor(guard, strict, MARKET, endpoint), endpoint.path).toBe('symbols');
  });

  it('A refusal names client, endpoint and rule, in words that ccxt passes on', async () => {
    const { guard } = guarded();
    const client = clientWith({ maxNotional: new Map([['USDT', '50']]) });
    const refusal = await Promise.resolve(
      admitOrders(guard, client, order, callOf(order, MARKET), NOON),
    ).catch((error) => error);
    expect(refusal).toBeInstanceOf(ProxyError);
    expect(refusal).toMatchObject({
      name: 'PROXY_ORDER_REFUSED',
      status: 400,
      code: -2010,
      outcome: 'not-sent',
    });
    expect(refusal.message).toBe(
      'Order refused for client grid-bot on POST /api/v3/order: the value is above 50 USDT (rule order.maxNotional).',
    );
    expect(refusal.message).not.toMatch(/LOT_SIZE|PRICE_FILTER|Price \* QTY/i);
  });

  it('The market is asked only when the value matters, and never for a symbol that is not allowed', async () => {
    const asked: string[] = [];
    const { guard } = guarded((upstream, path) => {
      asked.push(path);
      return answers(upstream, path, PROXY_CLIENT);
    });
    const limits = { maxNotional: new Map([['USDT', '1000']]) };
    await ruleFor(
      guard,
      clientWith({ maxPerDay: 5, types: new Set(['MARKET']) }, { symbols: new Set(['BTCUSDT']) }),
    );
    await ruleFor(guard, clientWith(limits, { symbols: new Set(['ETHUSDT']) }));
    expect(asked).toEqual([]);
    await ruleFor(guard, clientWith(limits));
    await ruleFor(guard, clientWith(limits));
    expect(asked).toEqual([
      '/api/v3/exchangeInfo?symbol=BTCUSDT',
      '/api/v3/ticker/bookTicker?symbol=BTCUSDT',
    ]);
  });

  it('An order that cannot be valued because the market cannot be asked is refused', async () => {
    const { guard } = guarded(() => Promise.reject(new Error('connect ECONNREFUSED')));
    const client = clientWith({ maxNotional: new Map([['USDT', '1000']]) });
    expect(await ruleFor(guard, client)).toBe('unvaluable');
    expect(await ruleFor(guard, client, { ...MARKET, symbol: 'NOSUCH' })).toBe('unvaluable');
  });

  it('A look-up without room passes on its error, with the time to wait', async () => {
    const full = new ProxyError('PROXY_WEIGHT_EXHAUSTED', 'No room.', { retryAfterSeconds: 7 });
    const { guard } = guarded(() => Promise.reject(full));
    const client = clientWith({ maxNotional: new Map([['USDT', '1000']]) });
    await expect(admitOrders(guard, client, order, callOf(order, MARKET), NOON)).rejects.toBe(full);
  });

  it('Each quote asset is valued by its own limit', async () => {
    const { guard } = guarded();
    const client = clientWith({
      maxNotional: new Map([
        ['USDT', '1000'],
        ['BTC', '0.08'],
      ]),
    });
    const ether = { symbol: 'ETHBTC', side: 'BUY', type: 'MARKET' };
    expect(await ruleFor(guard, client, { ...ether, quantity: '2' })).toBe('passed');
    expect(await ruleFor(guard, client, { ...ether, quantity: '2.01' })).toBe('order.maxNotional');
  });

  it('A batch is refused whole for one order in it, and nothing of it is counted', async () => {
    const { guard } = guarded();
    const batch = catalogueEndpoint('POST', '/fapi/v1/batchOrders');
    const form = (quantities: readonly string[]) => ({
      batchOrders: JSON.stringify(quantities.map((quantity) => ({ ...MARKET, quantity }))),
    });
    const client = clientWith({ maxNotional: new Map([['USDT', '101']]), maxPerDay: 3 });
    expect(await ruleFor(guard, client, form(['0.001', '0.001', '0.002']), batch)).toBe('order.maxNotional');
    expect(await ruleFor(guard, client, form(['0.001', '0.001', '0.001']), batch)).toBe('passed');
    expect(await ruleFor(guard, client, MARKET)).toBe('order.maxPerDay');
  });

  it('A test order is judged and not counted', async () => {
    const { guard } = guarded();
    const client = clientWith({ maxPerDay: 1, types: new Set(['MARKET']) });
    for (let attempt = 0; attempt < 3; attempt++)
      expect(await ruleFor(guard, client, MARKET, trial)).toBe('passed');
    expect(await ruleFor(guard, client, { ...MARKET, type: 'LIMIT' }, trial)).toBe('order.types');
    expect(await ruleFor(guard, client)).toBe('passed');
  });

  it.each([
    ['refused', 'passed'],
    ['not-sent', 'passed'],
    ['accepted', 'order.maxPerDay'],
    ['unknown', 'order.maxPerDay'],
  ] as const)('When a call ends %s, the next order is %s', async (ending: OrderOutcome, expected) => {
    const { guard } = guarded();
    const client = clientWith({ maxPerDay: 1 });
    const admission = await admitOrders(guard, client, order, callOf(order, MARKET), NOON);
    expect(await ruleFor(guard, client)).toBe('order.maxPerDay');
    guard.settle(admission as OrderRoom, ending);
    expect(await ruleFor(guard, client)).toBe(expected);
  });

  it('A client whose days are not counted holds no room', async () => {
    const { guard } = guarded();
    const client = clientWith({ maxNotional: new Map([['USDT', '1000']]) });
    expect(await admitOrders(guard, client, order, callOf(order, MARKET), NOON)).toBeUndefined();
  });

  it('An order whose room cannot be recorded is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'guard-'));
    const ledger = createFileNotionalLedger(folder, NOON);
    ledger.close();
    expect(await ruleFor(guarded(answers, ledger).guard, clientWith({ maxPerDay: 1 }))).toBe('ledger');
    rmSync(folder, { recursive: true });
  });

  it('Order limits judge a frame by the parameters of its REST twin', async () => {
    const { guard } = guarded();
    const { call } = toFrameCall(order, jsonMembers(JSON.stringify(MARKET)));
    const strict = clientWith({ types: new Set(['LIMIT']) });
    await expect(admitOrders(guard, strict, order, call, NOON)).rejects.toThrow(ProxyError);
    await expect(admitOrders(guard, strict, order, call, NOON)).rejects.toMatchObject({
      rule: 'order.types',
    });
    expect(
      await admitOrders(guard, clientWith({ types: new Set(['MARKET']) }), order, call, NOON),
    ).toBeUndefined();
  });
});

describe('a client in report mode', () => {
  const strict: OrderRules = {
    types: new Set(['LIMIT']),
    maxNotional: new Map([['USDT', '1']]),
    maxPerDay: 0,
  };
  const reporting = (rules: OrderRules, symbols?: ReadonlySet<string>): Client =>
    clientWith(rules, { policyMode: 'report', ...(symbols && { symbols }) });

  it('A client in report mode is told of every rule that would have refused, once, and passes', async () => {
    const { guard, reports } = guarded();
    expect(await ruleFor(guard, reporting(strict, new Set(['ETHUSDT'])))).toBe('passed');
    const rules: OrderRule[] = ['symbols', 'order.types', 'order.maxNotional', 'order.maxPerDay'];
    expect(reports).toEqual(rules.map((rule) => `grid-bot /api/v3/order ${rule}`));
  });

  it('A client in report mode is told the same of orders that can be neither read nor valued', async () => {
    const broken = guarded(() =>
      Promise.reject(new ProxyError('PROXY_WEIGHT_EXHAUSTED', '', { retryAfterSeconds: 1 })),
    );
    expect(await ruleFor(broken.guard, reporting({ maxNotional: new Map() }))).toBe('passed');
    expect(await ruleFor(broken.guard, reporting({ maxNotional: new Map() }), { symbol: 'BTCUSDT' })).toBe(
      'passed',
    );
    expect(broken.reports.map((line) => line.split(' ').at(-1))).toEqual(['unvaluable', 'unreadable']);
  });

  it('A client in report mode is told nothing of orders inside its rules, and its days are counted', async () => {
    const { guard, reports } = guarded();
    const client = reporting({ maxPerDay: 1 });
    await ruleFor(guard, client);
    expect(reports).toEqual([]);
    await ruleFor(guard, client);
    expect(reports).toEqual(['grid-bot /api/v3/order order.maxPerDay']);
  });
});

describe('orders of several clients at the same time', () => {
  const attempt = fc.record({
    client: fc.constantFrom('a', 'b', 'c'),
    thousandths: fc.integer({ min: 1, max: 40 }),
    hops: fc.nat(6),
    ending: fc.constantFrom<OrderOutcome>('accepted', 'refused', 'unknown', 'not-sent'),
    settleHops: fc.nat(8),
    laterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: DAY_MS / 2 })),
  });

  async function hop(times: number): Promise<void> {
    for (let index = 0; index < times; index++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  it.each([
    ['in memory', undefined],
    ['in a file', 'file'],
  ])('Orders of several clients never exceed a sum of the day (%s)', async (_, kind) => {
    let refusedOnce = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { minLength: 10, maxLength: 40 }), async (attempts) => {
        const folder = kind && mkdtempSync(join(tmpdir(), 'guard-'));
        const ledger = folder ? createFileNotionalLedger(folder, NOON) : createMemoryNotionalLedger();
        let delay = 0;
        const { guard } = guarded(async (upstream, path) => {
          await hop(delay++ % 3);
          return answers(upstream, path, PROXY_CLIENT);
        }, ledger);
        // The ask is 100000.5, so a thousandth of a coin is worth 100.0005.
        const rules = { maxNotionalPerDay: new Map([['USDT', '5000.025']]), maxPerDay: 9 };
        const counted = new Set<{ client: string; thousandths: number; atMs: number }>();
        let now = NOON;
        const check = (client: string): void => {
          const own = [...counted].filter((each) => each.client === client && now - each.atMs < DAY_MS);
          expect(own.reduce((sum, { thousandths }) => sum + thousandths, 0)).toBeLessThanOrEqual(50);
          expect(own.length).toBeLessThanOrEqual(9);
        };
        await Promise.all(
          attempts.map(async ({ client, thousandths, hops, ending, settleHops, laterMs }) => {
            await hop(hops);
            now += laterMs;
            const atMs = now;
            const form = { ...MARKET, quantity: `0.${String(thousandths).padStart(3, '0')}` };
            let admission: OrderRoom | undefined;
            try {
              admission = await admitOrders(
                guard,
                clientWith(rules, { name: client }),
                order,
                callOf(order, form),
                atMs,
              );
            } catch (error) {
              expect((error as ProxyError).rule).toMatch(/^order\.max(Notional)?PerDay$/);
              refusedOnce++;
              return;
            }
            const entry = { client, thousandths, atMs };
            counted.add(entry);
            check(client);
            await hop(settleHops);
            // Room that is given back must not be counted by this check before the guard frees it.
            if (ending === 'refused' || ending === 'not-sent') counted.delete(entry);
            guard.settle(admission as OrderRoom, ending);
            check(client);
          }),
        );
        if (folder) {
          ledger.close();
          rmSync(folder, { recursive: true });
        }
      }),
      runs(kind ? 400 : 1_000),
    );
    expect(refusedOnce).toBeGreaterThan(50);
  });
});
