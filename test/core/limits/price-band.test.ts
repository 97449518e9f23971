import { describe, expect, it } from 'vitest';
import { ExactDecimal } from '../../../src/core/decimal.ts';
import {
  bandNeedsBook,
  bandNeedsDepth,
  type MarketView,
  offBand,
} from '../../../src/core/limits/price-band.ts';
import { offSpread, takesTheBook } from '../../../src/core/limits/spread.ts';
import type { BestPrices } from '../../../src/core/orders/book.ts';
import type { IntendedOrder } from '../../../src/core/orders/intended-order.ts';
import { Unvaluable } from '../../../src/core/orders/notional.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';
import { callOf, type Form, intendedOrders } from '../../support/fixtures/order-fixtures.ts';

const d = (text: string) => new ExactDecimal(text);
const best = (bid: string, ask: string): BestPrices => ({
  bid: d(bid),
  ask: d(ask),
  bidQuantity: d('1'),
  askQuantity: d('1'),
});
const level = (price: string) => ({ price: d(price), quantity: d('1') });
const VIEW: MarketView = {
  best: best('100', '101'),
  depth: { bids: [level('100'), level('94.9')], asks: [level('101'), level('106.06')] },
};

function ordersOf(path: string, form: Form, method = 'POST'): readonly IntendedOrder[] {
  const endpoint = catalogueEndpoint(method, path);
  return intendedOrders(endpoint, callOf(endpoint, { symbol: 'BTCUSDT', ...form }));
}

/** For each order of a call, whether its price passes a band of 5 %. */
function passes(path: string, form: Form, view = VIEW, method = 'POST'): readonly boolean[] {
  return ordersOf(path, form, method).map((order) => offBand(order, '0.05', view) === undefined);
}

const SPOT = '/api/v3/order';
const LIMIT = { type: 'LIMIT', quantity: '1' };

describe('the price band', () => {
  it.each([
    ['BUY', '106.05', true],
    ['BUY', '106.050000000000000001', false],
    ['BUY', '0.01', true],
    ['SELL', '95', true],
    ['SELL', '94.999999999999999999', false],
    ['SELL', '1000000', true],
  ])('A limit %s at %s of a book of 100 and 101 passes: %s', (side, price, expected) => {
    for (const path of [SPOT, '/fapi/v1/order', '/dapi/v1/order', '/eapi/v1/order', '/papi/v1/um/order'])
      expect(passes(path, { ...LIMIT, side, price })).toEqual([expected]);
    for (const path of ['/api/v3/order/cancelReplace', '/sapi/v1/margin/order', '/papi/v1/margin/order'])
      expect(passes(path, { ...LIMIT, side, price })).toEqual([expected]);
    expect(passes('/fapi/v1/order', { orderId: '1', side, quantity: '1', price }, VIEW, 'PUT')).toEqual([
      expected,
    ]);
  });

  it.each([
    ['BUY', '500', '525', true],
    ['BUY', '500', '525.01', false],
    ['SELL', '10', '9.5', true],
    ['SELL', '10', '9.49', false],
  ])('A stop %s set off at %s with the price %s passes: %s', (side, stopPrice, price, expected) => {
    const form = { side, quantity: '1', price };
    for (const type of ['STOP_LOSS_LIMIT', 'TAKE_PROFIT_LIMIT'])
      expect(passes(SPOT, { ...form, type, stopPrice })).toEqual([expected]);
    for (const type of ['STOP', 'TAKE_PROFIT']) {
      expect(passes('/fapi/v1/order', { ...form, type, stopPrice })).toEqual([expected]);
      const algo = { ...form, type, algoType: 'CONDITIONAL', triggerPrice: stopPrice };
      expect(passes('/fapi/v1/algoOrder', algo)).toEqual([expected]);
      const strategy = { ...form, strategyType: type, stopPrice };
      expect(passes('/papi/v1/um/conditional/order', strategy)).toEqual([expected]);
    }
  });

  it('The trigger of an order that becomes a market order is free', () => {
    expect(passes(SPOT, { side: 'BUY', type: 'STOP_LOSS', quantity: '1', stopPrice: '9999' })).toEqual([
      true,
    ]);
    const trailing = {
      type: 'TRAILING_STOP_MARKET',
      quantity: '1',
      activationPrice: '9999',
      callbackRate: '1',
    };
    expect(passes('/fapi/v1/order', { ...trailing, side: 'BUY' })).toEqual([true]);
  });

  it.each([
    ['BUY', {}, '116.655', true],
    ['BUY', {}, '116.656', false],
    ['SELL', {}, '85.5', true],
    ['SELL', {}, '85.49', false],
    ['BUY', { stopPrice: '50' }, '57.75', true],
    ['BUY', { stopPrice: '50' }, '57.76', false],
    ['SELL', { stopPrice: '200' }, '171', true],
    ['SELL', { stopPrice: '200' }, '170.99', false],
  ])(
    'A trailing %s by a tenth with %j at %s is held against where it is set off: %s',
    (side, start, price, ok) => {
      const form = { side, type: 'STOP_LOSS_LIMIT', quantity: '1', price, trailingDelta: '1000', ...start };
      expect(passes(SPOT, form)).toEqual([ok]);
    },
  );

  it('A trigger beside a type that has none frees no price', () => {
    for (const type of ['LIMIT', 'LIMIT_MAKER', 'limit', 'NEW_TYPE'])
      expect(passes(SPOT, { side: 'BUY', type, quantity: '1', price: '200', stopPrice: '200' })).toEqual([
        false,
      ]);
  });

  it('Of a price that is said twice the dearer one counts', () => {
    const form = { ...LIMIT, side: 'BUY', price: '100', limitPrice: '200' };
    expect(passes(SPOT, form)).toEqual([false]);
    expect(passes(SPOT, { ...form, side: 'SELL', price: '100', limitPrice: '1' })).toEqual([false]);
  });

  it('Each leg of a list is judged by itself, and one that waits for another against the price of that one', () => {
    const oco = { side: 'SELL', quantity: '1', price: '120', stopPrice: '90' };
    expect(passes('/api/v3/order/oco', { ...oco, stopLimitPrice: '85.5' })).toEqual([true, true]);
    expect(passes('/api/v3/order/oco', { ...oco, stopLimitPrice: '85.4' })).toEqual([true, false]);
    const entry = { workingType: 'LIMIT', workingSide: 'BUY', workingPrice: '50', workingQuantity: '1' };
    const exit = { pendingType: 'LIMIT_MAKER', pendingSide: 'SELL', pendingQuantity: '1' };
    expect(passes('/api/v3/orderList/oto', { ...entry, ...exit, pendingPrice: '47.5' })).toEqual([
      true,
      true,
    ]);
    expect(passes('/api/v3/orderList/oto', { ...entry, ...exit, pendingPrice: '47.4' })).toEqual([
      true,
      false,
    ]);
    const dear = { ...entry, workingPrice: '107' };
    expect(passes('/api/v3/orderList/oto', { ...dear, ...exit, pendingPrice: '107' })).toEqual([false, true]);
  });

  it('Each order of a batch is judged by itself', () => {
    const [inside, outside] = ['106', '107'].map((price) => ({ symbol: 'X', side: 'BUY', ...LIMIT, price }));
    const batchOrders = JSON.stringify([inside, outside, inside]);
    expect(passes('/fapi/v1/batchOrders', { batchOrders })).toEqual([true, false, true]);
  });

  it.each([
    ['BUY', 'OPPONENT', true],
    ['BUY', 'QUEUE_2', false],
    ['SELL', 'OPPONENT_2', false],
    ['BUY', 'OPPONENT_3', false],
    ['BUY', 'SOMETHING', false],
  ])('A %s that follows the book by %s passes: %s', (side, priceMatch, expected) => {
    expect(passes('/fapi/v1/order', { ...LIMIT, side, priceMatch })).toEqual([expected]);
  });

  it('An amendment without a side is held against both', () => {
    const [order] = ordersOf(
      '/fapi/v1/order',
      { orderId: '1', side: 'BUY', quantity: '1', price: '107' },
      'PUT',
    );
    const sideless = { ...(order as IntendedOrder), side: undefined };
    expect(offBand(sideless, '0.05', VIEW)).toMatch(/above the market/);
    expect(offBand({ ...sideless, ownPrices: [d('94')] }, '0.05', VIEW)).toMatch(/below the market/);
    expect(offBand({ ...sideless, ownPrices: [d('100')] }, '0.05', VIEW)).toBeUndefined();
  });

  it('Where nobody stands on a side the other one counts, and without any the price cannot be judged', () => {
    const [buy] = ordersOf(SPOT, { ...LIMIT, side: 'BUY', price: '105.5' });
    const view = (bid: string, ask: string) => ({ best: best(bid, ask), depth: undefined });
    expect(offBand(buy as IntendedOrder, '0.05', view('100', '0'))).toMatch(/more than 5 % above/);
    expect(offBand(buy as IntendedOrder, '0.05', view('101', '0'))).toBeUndefined();
    expect(() => offBand(buy as IntendedOrder, '0.05', view('0', '0'))).toThrow(Unvaluable);
  });

  it('The book is asked for only where a price is held against it', () => {
    const needs = (path: string, form: Form) => ordersOf(path, form).map(bandNeedsBook);
    expect(needs(SPOT, { ...LIMIT, side: 'BUY', price: '1' })).toEqual([true]);
    expect(needs(SPOT, { side: 'BUY', type: 'MARKET', quantity: '1' })).toEqual([false]);
    const stop = { side: 'SELL', type: 'STOP_LOSS_LIMIT', quantity: '1', price: '1' };
    expect(needs(SPOT, { ...stop, stopPrice: '2' })).toEqual([false]);
    expect(needs(SPOT, { ...stop, trailingDelta: '100' })).toEqual([true]);
    const [deep, first] = ['OPPONENT_5', 'OPPONENT'].flatMap((priceMatch) =>
      ordersOf('/fapi/v1/order', { ...LIMIT, side: 'BUY', priceMatch }),
    );
    expect([deep, first].map((order) => bandNeedsDepth(order as IntendedOrder))).toEqual([true, false]);
  });
});

describe('the spread', () => {
  it('An order takes the book when it is MARKET, or names neither price nor trigger', () => {
    const takes = (path: string, form: Form) =>
      ordersOf(path, { side: 'BUY', quantity: '1', ...form }).map(takesTheBook);
    expect(takes(SPOT, { type: 'MARKET' })).toEqual([true]);
    expect(takes(SPOT, { type: 'MARKET', price: '1' })).toEqual([true]);
    expect(takes(SPOT, { type: 'NEW_TYPE' })).toEqual([true]);
    expect(takes('/sapi/v1/algo/spot/newOrderTwap', { duration: '300' })).toEqual([true]);
    expect(takes('/sapi/v1/algo/spot/newOrderTwap', { duration: '300', limitPrice: '9' })).toEqual([false]);
    expect(takes(SPOT, { type: 'LIMIT', price: '1' })).toEqual([false]);
    expect(takes(SPOT, { type: 'STOP_LOSS', stopPrice: '1' })).toEqual([false]);
    expect(takes('/fapi/v1/order', { type: 'LIMIT', priceMatch: 'OPPONENT_20' })).toEqual([false]);
  });

  it.each([
    ['100', '102', true],
    ['100', '102.000000000000000001', false],
    ['0.00000003', '0.00000003', true],
    ['0', '102', false],
    ['100', '0', false],
  ])('A spread of two per cent passes a book of %s and %s: %s', (bid, ask, expected) => {
    expect(offSpread('0.02', best(bid, ask)) === undefined).toBe(expected);
  });
});
