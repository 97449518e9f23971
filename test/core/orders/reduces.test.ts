import { describe, expect, it } from 'vitest';
import { readCall } from '../../../src/core/call/call.ts';
import { isReducing } from '../../../src/core/orders/reduces.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';
import { callOf, DOOR_SAMPLES, type Form, intendedOrders } from '../../support/fixtures/order-fixtures.ts';

const SELL = { symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '1' };
const BUY = { ...SELL, side: 'BUY' };
const STOP = { symbol: 'BTCUSDT', side: 'SELL', type: 'STOP_MARKET', triggerPrice: '9', stopPrice: '9' };

function reducing(door: string, form: Form): boolean[] {
  const [method = '', path = ''] = door.split(' ');
  const endpoint = catalogueEndpoint(method, path);
  return intendedOrders(endpoint, callOf(endpoint, form)).map(isReducing);
}

const FUTURES = [
  'POST /fapi/v1/order',
  'POST /fapi/v1/order/test',
  'POST /fapi/v1/algoOrder',
  'POST /dapi/v1/order',
  'POST /dapi/v1/algoOrder',
  'POST /papi/v1/um/order',
  'POST /papi/v1/um/algo/order',
  'POST /papi/v1/cm/order',
  'POST /sapi/v1/algo/futures/newOrderTwap',
  'POST /sapi/v1/algo/futures/newOrderVp',
];

describe.each(FUTURES)('an exit through %s', (door) => {
  it('An exit is what reduces or closes in Binance’s own words', () => {
    for (const form of [
      { ...SELL, reduceOnly: 'true' },
      { ...BUY, reduceOnly: 'true' },
      { ...BUY, reduceOnly: 'true', positionSide: 'BOTH' },
      { ...SELL, positionSide: 'LONG' },
      { ...BUY, positionSide: 'SHORT' },
      { ...SELL, positionSide: 'LONG', reduceOnly: 'false' },
      { ...STOP, closePosition: 'true' },
      { ...STOP, closePosition: 'true', positionSide: 'LONG' },
    ])
      expect(reducing(door, form), JSON.stringify(form)).toEqual([true]);
  });

  it('An exit is nothing that opens, and nothing that is spelt otherwise', () => {
    for (const form of [
      SELL,
      BUY,
      { ...SELL, positionSide: 'SHORT' },
      { ...BUY, positionSide: 'LONG' },
      { ...BUY, positionSide: 'LONG', reduceOnly: 'true' },
      { ...SELL, positionSide: 'SHORT', reduceOnly: 'true' },
      { ...SELL, positionSide: 'BOTH' },
      { ...SELL, positionSide: 'long' },
      { ...SELL, positionSide: 'LONG ' },
      { ...SELL, positionSide: 'long', reduceOnly: 'true' },
      ...['TRUE', 'True', 'true ', ' true', '1', 'yes', 'false', '', '"true"', 'true,true'].map(
        (reduceOnly) => ({
          ...SELL,
          reduceOnly,
        }),
      ),
      ...['TRUE', 'True', ' true', '1', 'false', ''].map((closePosition) => ({ ...STOP, closePosition })),
      { ...SELL, closePosition: 'true' },
      { ...STOP, closePosition: 'true', quantity: '0.001' },
      { ...STOP, closePosition: 'true', quoteOrderQty: '5' },
      { ...STOP, closePosition: 'true', positionSide: 'SHORT' },
      { ...SELL, workingReduceOnly: 'true', newReduceOnly: 'true' },
    ])
      expect(reducing(door, form), JSON.stringify(form)).toEqual([false]);
  });
});

describe('an exit elsewhere', () => {
  it.each([
    'POST /api/v3/order',
    'POST /sapi/v1/margin/order',
    'POST /papi/v1/margin/order',
    'POST /sapi/v1/algo/spot/newOrderTwap',
    'POST /api/v3/order/cancelReplace',
  ])('An exit does not exist without positions, on %s', (door) => {
    for (const more of [{}, { reduceOnly: 'true' }, { positionSide: 'LONG' }, { closePosition: 'true' }])
      expect(reducing(door, { ...SELL, ...more })).toEqual([false]);
    const { quantity: _, ...none } = SELL;
    expect(reducing(door, { ...none, closePosition: 'true' })).toEqual([false]);
  });

  it.each(['PUT /fapi/v1/order', 'PUT /dapi/v1/order', 'PUT /papi/v1/um/order', 'PUT /papi/v1/cm/order'])(
    'An exit is no amendment, where Binance passes these words over: %s',
    (door) => {
      const amend = { ...SELL, orderId: '1', price: '5' };
      for (const more of [{ reduceOnly: 'true' }, { positionSide: 'LONG' }, { closePosition: 'true' }])
        expect(reducing(door, { ...amend, ...more })).toEqual([false]);
      const { quantity: _, ...none } = amend;
      expect(reducing(door, { ...none, closePosition: 'true' })).toEqual([false]);
    },
  );

  it('An exit of the conditional orders of portfolio margin is one as well', () => {
    for (const door of ['POST /papi/v1/um/conditional/order', 'POST /papi/v1/cm/conditional/order']) {
      const form = { ...SELL, strategyType: 'STOP_MARKET', stopPrice: '9' };
      expect(reducing(door, { ...form, reduceOnly: 'true' })).toEqual([true]);
      expect(reducing(door, { ...form, positionSide: 'LONG' })).toEqual([true]);
      expect(reducing(door, { ...form, positionSide: 'SHORT' })).toEqual([false]);
      expect(reducing(door, form)).toEqual([false]);
    }
  });

  it('An exit on options is reduceOnly alone: they know no position side', () => {
    const sale = { symbol: 'BTC-270129-90000-C', side: 'SELL', type: 'LIMIT', quantity: '1', price: '2' };
    expect(reducing('POST /eapi/v1/order', { ...sale, reduceOnly: 'true' })).toEqual([true]);
    expect(reducing('POST /eapi/v1/order', { ...sale, positionSide: 'LONG' })).toEqual([false]);
    expect(reducing('POST /eapi/v1/order', { ...sale, reduceOnly: 'TRUE' })).toEqual([false]);
    const orders = JSON.stringify([sale, { ...sale, reduceOnly: true }, { ...sale, reduceOnly: 'True' }]);
    expect(reducing('POST /eapi/v1/batchOrders', { orders })).toEqual([false, true, false]);
  });

  it.each(['POST /fapi/v1/batchOrders', 'POST /dapi/v1/batchOrders'])(
    'An exit of a batch is told for each element by itself: %s',
    (door) => {
      const batchOrders = JSON.stringify([
        { ...SELL, reduceOnly: 'true' },
        SELL,
        { ...SELL, positionSide: 'LONG' },
        { ...BUY, positionSide: 'LONG' },
        { ...SELL, reduceOnly: 'TRUE' },
        { ...SELL, reduceOnly: true },
      ]);
      expect(reducing(door, { batchOrders })).toEqual([true, false, true, false, false, true]);
      expect(reducing(door, { batchOrders: JSON.stringify([SELL]), reduceOnly: 'true' })).toEqual([false]);
    },
  );

  it('An exit whose reduceOnly stands twice cannot be read at all', () => {
    const endpoint = catalogueEndpoint('POST', '/fapi/v1/order');
    const form = 'symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1&reduceOnly=true';
    const call = readCall('POST', '/fapi/v1/order', Buffer.from(`${form}&reduceOnly=false`));
    expect(() => intendedOrders(endpoint, call)).toThrow(/reduceOnly stands more than once/);
  });

  it('An exit is none of the samples of any door', () => {
    for (const [door, { form }] of DOOR_SAMPLES) expect(reducing(door, form)).not.toContain(true);
  });
});
