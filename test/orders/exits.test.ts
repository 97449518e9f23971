import { describe, expect, it } from 'vitest';
import type { OrderRules } from '../../src/core/access/client.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { createMemoryNotionalLedger } from '../../src/orders/memory-ledger.ts';
import { createOrderLimits } from '../../src/orders/order-limits.ts';
import { createPriceBook } from '../../src/orders/price-book.ts';
import { catalogueEndpoint } from '../support/fixtures/catalogue-endpoints.ts';
import { callOf, clientWith, type Form, MARKET_ANSWERS } from '../support/fixtures/order-fixtures.ts';
import { admitOrders } from './admit-orders.ts';

/** The look-ups that were made, and the rule that refuses a call. */
function guarded() {
  const asked: string[] = [];
  const guard = createOrderLimits({
    monotonicNow: () => 0,
    priceBook: createPriceBook({
      fetchJson: async (_, path) => {
        asked.push(path);
        if (MARKET_ANSWERS[path] === undefined) throw new Error('status 400');
        return structuredClone(MARKET_ANSWERS[path]);
      },
      now: () => 0,
    }),
    ledger: createMemoryNotionalLedger(),
    onReport: () => {},
  });
  async function ruleFor(rules: OrderRules, door: string, form: Form, symbols?: ReadonlySet<string>) {
    const [method = '', path = ''] = door.split(' ');
    const endpoint = catalogueEndpoint(method, path);
    try {
      const client = clientWith(rules, symbols === undefined ? {} : { symbols });
      await admitOrders(guard, client, endpoint, callOf(endpoint, form), 0);
      return 'passed';
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      return error.rule;
    }
  }
  return { asked, ruleFor };
}

const SELL = { symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '10' };
const STOP = { ...SELL, algoType: 'CONDITIONAL', type: 'STOP_MARKET', triggerPrice: '90000' };
const CM = { symbol: 'BTCUSD_PERP', side: 'SELL', type: 'MARKET', quantity: '1000' };
const { quantity: _, ...STOP_ALL } = STOP;

const EXITS: readonly (readonly [door: string, form: Form])[] = [
  ['POST /fapi/v1/order', { ...SELL, reduceOnly: 'true' }],
  ['POST /fapi/v1/order', { ...SELL, positionSide: 'LONG' }],
  ['POST /fapi/v1/order', { ...SELL, side: 'BUY', positionSide: 'SHORT' }],
  ['POST /fapi/v1/algoOrder', { ...STOP, reduceOnly: 'true' }],
  ['POST /fapi/v1/algoOrder', { ...STOP_ALL, closePosition: 'true' }],
  ['POST /dapi/v1/order', { ...CM, reduceOnly: 'true' }],
  ['POST /dapi/v1/order', { ...CM, positionSide: 'LONG' }],
  ['POST /papi/v1/um/order', { ...SELL, positionSide: 'LONG' }],
  ['POST /papi/v1/cm/order', { ...CM, reduceOnly: 'true' }],
  ['POST /fapi/v1/batchOrders', { batchOrders: JSON.stringify([{ ...SELL, reduceOnly: 'true' }]) }],
  [
    'POST /eapi/v1/order',
    {
      ...{ symbol: 'BTC-270129-90000-C', side: 'SELL', type: 'LIMIT', price: '1' },
      quantity: '9',
      reduceOnly: 'true',
    },
  ],
];
const NO_VALUE: OrderRules = {
  maxNotional: new Map([['EUR', '1']]),
  maxNotionalPerDay: new Map([['EUR', '1']]),
};

describe('an exit', () => {
  it.each(EXITS)('An exit through %s counts, and keeps to types and symbols: %j', async (door, form) => {
    const { ruleFor } = guarded();
    expect(await ruleFor({ ...NO_VALUE, maxPerDay: 1 }, door, form)).toBe('passed');
    expect(await ruleFor({ ...NO_VALUE, maxPerDay: 1 }, door, form)).toBe('order.maxPerDay');
    expect(await ruleFor({ types: new Set(['NONE']) }, door, form)).toBe('order.types');
    expect(await ruleFor({}, door, form, new Set(['ETHUSDT']))).toBe('symbols');
  });

  it.each(EXITS)(
    'An exit through %s passes any limit on value, and nobody asks what it is worth: %j',
    async (door, form) => {
      const { asked, ruleFor } = guarded();
      expect(await ruleFor(NO_VALUE, door, form)).toBe('passed');
      expect(asked).toEqual([]);
    },
  );

  it('An exit takes no value out of the day, also when the day is full', async () => {
    const { ruleFor } = guarded();
    const rules = { maxNotionalPerDay: new Map([['USDT', '100050']]) };
    const open = { ...SELL, side: 'BUY', quantity: '1' };
    const exit = { ...SELL, reduceOnly: 'true' };
    expect(await ruleFor(rules, 'POST /fapi/v1/order', exit)).toBe('passed');
    expect(await ruleFor(rules, 'POST /fapi/v1/order', open)).toBe('passed');
    expect(await ruleFor(rules, 'POST /fapi/v1/order', open)).toBe('order.maxNotionalPerDay');
    expect(await ruleFor(rules, 'POST /fapi/v1/order', exit)).toBe('passed');
  });

  it.each([
    ['a plain sale', 'POST /fapi/v1/order', SELL],
    ['the opening side', 'POST /fapi/v1/order', { ...SELL, positionSide: 'SHORT' }],
    [
      'the opening side with reduceOnly',
      'POST /fapi/v1/order',
      { ...SELL, positionSide: 'SHORT', reduceOnly: 'true' },
    ],
    ['reduceOnly in another letter case', 'POST /fapi/v1/order', { ...SELL, reduceOnly: 'TRUE' }],
    [
      'reduceOnly beside a batch',
      'POST /fapi/v1/batchOrders',
      { batchOrders: JSON.stringify([SELL]), reduceOnly: 'true' },
    ],
    ['an amendment', 'PUT /fapi/v1/order', { ...SELL, orderId: '1', price: '1', reduceOnly: 'true' }],
    [
      'an amendment of the closing side',
      'PUT /fapi/v1/order',
      { ...SELL, orderId: '1', price: '1', positionSide: 'LONG' },
    ],
    ['a sale on spot', 'POST /api/v3/order', SELL],
    [
      'a sale on spot with the words of futures',
      'POST /api/v3/order',
      { ...SELL, reduceOnly: 'true', positionSide: 'LONG' },
    ],
    ['a sale on margin', 'POST /sapi/v1/margin/order', { ...SELL, reduceOnly: 'true' }],
    ['a sale on margin of the portfolio', 'POST /papi/v1/margin/order', { ...SELL, reduceOnly: 'true' }],
  ])('An exit is not %s: its value counts', async (_name, door, form) => {
    const { ruleFor } = guarded();
    expect(await ruleFor({ maxNotional: new Map([['USDT', '500']]) }, door, form as Form)).toBe(
      'order.maxNotional',
    );
  });

  it.each([
    ['closePosition in another letter case', { ...STOP_ALL, closePosition: 'TRUE' }],
    ['closePosition with a quantity', { ...STOP, closePosition: 'true' }],
    ['closePosition of the opening side', { ...STOP_ALL, closePosition: 'true', positionSide: 'SHORT' }],
  ])('An exit is not %s: its value cannot be told', async (_name, form) => {
    const { ruleFor } = guarded();
    const rules = { maxNotional: new Map([['USDT', '500']]) };
    expect(await ruleFor(rules, 'POST /fapi/v1/algoOrder', form)).toBe('unvaluable');
  });

  it('An exit in a batch frees itself alone, and the others are named by their place', async () => {
    const { ruleFor } = guarded();
    const exit = { ...SELL, reduceOnly: 'true' };
    const rules = { maxNotional: new Map([['USDT', '500']]) };
    const batch = (...orders: readonly Form[]) => ({ batchOrders: JSON.stringify(orders) });
    const door = 'POST /fapi/v1/batchOrders';
    expect(await ruleFor(rules, door, batch(exit, { ...SELL, quantity: '0.005' }, exit))).toBe('passed');
    expect(await ruleFor(rules, door, batch(exit, SELL, exit))).toBe('order.maxNotional');
    expect(await ruleFor({ maxPerDay: 2 }, door, batch(exit, exit, exit))).toBe('order.maxPerDay');
  });
});
