import { describe, expect, it } from 'vitest';
import { member, send } from '../support/clients/signed-caller.ts';
import { stageSimulator } from '../support/servers/running-simulator.ts';

const stage = stageSimulator({ limits: { ordersPerDay: 4 } });
const ORDER = '/api/v3/order';
const REST = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.01',
  price: '50000',
};

const place = (pairs = {}) => stage.alice.call('POST', ORDER, { ...REST, ...pairs });
const public_ = (target: string) => send(stage.simulator.url, 'GET', target);

describe('POST /api/v3/order', () => {
  it('A spot order is answered with ACK, RESULT or FULL, and by default with what suits the type', async () => {
    const full = await place({ newClientOrderId: 'a.b:c/d_1-2' });
    expect(full.json).toMatchObject({ status: 'NEW', clientOrderId: 'a.b:c/d_1-2', fills: [] });
    const result = await place({ newOrderRespType: 'RESULT' });
    expect(result.json).toMatchObject({ executedQty: '0.00000000' });
    expect(result.json).not.toHaveProperty('fills');
    const acknowledged = await place({ newOrderRespType: 'ACK' });
    expect(Object.keys(acknowledged.json as object)).toEqual([
      'symbol',
      'orderId',
      'orderListId',
      'clientOrderId',
      'transactTime',
    ]);
    expect(member<number>(await place({ newOrderRespType: 'all' }), 'code')).toBe(-1136);
  });
  it('A spot order trades a symbol in Chinese characters', async () => {
    const order = { symbol: '币安人生USDT', side: 'BUY', type: 'MARKET', quantity: '100' };
    const filled = await stage.alice.call('POST', ORDER, order);
    expect(filled.json).toMatchObject({
      symbol: '币安人生USDT',
      status: 'FILLED',
      executedQty: '100.00000000',
    });
    const trades = await stage.alice.call('GET', '/api/v3/myTrades', { symbol: '币安人生USDT' });
    expect(trades.json).toEqual([
      expect.objectContaining({ commission: '0.10000000', commissionAsset: '币安人生', isMaker: false }),
    ]);
    const account = await stage.alice.call('GET', '/api/v3/account', { omitZeroBalances: 'true' });
    expect(member<unknown[]>(account, 'balances')).toContainEqual({
      asset: '币安人生',
      free: '99.90000000',
      locked: '0.00000000',
    });
  });
  it('A spot order has to pass the filters that exchangeInfo announces', async () => {
    for (const [pairs, msg] of [
      [{ price: '50000.001' }, 'Filter failure: PRICE_FILTER'],
      [{ quantity: '0.000015' }, 'Filter failure: LOT_SIZE'],
      [{ quantity: '0.00001' }, 'Filter failure: NOTIONAL'],
      [{ quantity: '0' }, 'Invalid quantity.'],
    ] as const) {
      expect((await place(pairs)).json).toEqual({ code: -1013, msg });
    }
    expect(member<number>(await place({ quantity: '0.0000000001' }), 'code')).toBe(-1111);
    const info = await public_('/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%5D');
    expect(member<unknown[]>(info, 'symbols', 0, 'filters')).toContainEqual({
      filterType: 'LOT_SIZE',
      minQty: '0.00001000',
      maxQty: '9000.00000000',
      stepSize: '0.00001000',
    });
  });
  it('A test order carries nothing out', async () => {
    const test = await stage.alice.call('POST', '/api/v3/order/test', REST);
    expect([test.status, test.json]).toEqual([200, {}]);
    expect((await stage.alice.call('GET', '/api/v3/openOrders')).json).toEqual([]);
  });
});

describe('queries and cancels', () => {
  it('A query finds an order by either id, and only for its owner', async () => {
    const orderId = member<number>(await place({ newClientOrderId: 'mine' }), 'orderId');
    for (const by of [{ orderId }, { origClientOrderId: 'mine' }]) {
      const found = await stage.alice.call('GET', ORDER, { symbol: 'BTCUSDT', ...by });
      expect(found.json).toMatchObject({ orderId, clientOrderId: 'mine', status: 'NEW', isWorking: true });
    }
    const foreign = await stage.bob.call('GET', ORDER, { symbol: 'BTCUSDT', orderId });
    expect(foreign.json).toEqual({ code: -2013, msg: 'Order does not exist.' });
    const nothing = await stage.alice.call('GET', ORDER, { symbol: 'BTCUSDT' });
    expect(member<number>(nothing, 'code')).toBe(-1102);
  });
  it('An order is cancelled once', async () => {
    await place({ newClientOrderId: 'mine' });
    const cancel = { symbol: 'BTCUSDT', origClientOrderId: 'mine' };
    const canceled = await stage.alice.call('DELETE', ORDER, cancel);
    expect(canceled.json).toMatchObject({ status: 'CANCELED', origClientOrderId: 'mine' });
    expect((await stage.alice.call('DELETE', ORDER, cancel)).json).toEqual({
      code: -2011,
      msg: 'Unknown order sent.',
    });
  });
  it('A cancel of all open orders cancels everything of a symbol', async () => {
    await place();
    await place({ symbol: 'ETHUSDT', price: '2000' });
    const canceled = await stage.alice.call('DELETE', '/api/v3/openOrders', { symbol: 'BTCUSDT' });
    expect(canceled.json).toEqual([expect.objectContaining({ symbol: 'BTCUSDT', status: 'CANCELED' })]);
    const open = await stage.alice.call('GET', '/api/v3/openOrders');
    expect(open.json).toEqual([expect.objectContaining({ symbol: 'ETHUSDT' })]);
    const all = await stage.alice.call('GET', '/api/v3/allOrders', { symbol: 'BTCUSDT' });
    expect(all.json).toEqual([expect.objectContaining({ status: 'CANCELED' })]);
  });
});

describe('POST /api/v3/order/cancelReplace', () => {
  const replace = (pairs: Record<string, string | number>) =>
    stage.alice.call('POST', '/api/v3/order/cancelReplace', {
      ...REST,
      cancelReplaceMode: 'STOP_ON_FAILURE',
      ...pairs,
    });

  it('A cancel-replace does both', async () => {
    const cancelOrderId = member<number>(await place(), 'orderId');
    const both = await replace({ cancelOrderId, price: '51000' });
    expect([both.status, both.json]).toEqual([
      200,
      {
        cancelResult: 'SUCCESS',
        newOrderResult: 'SUCCESS',
        cancelResponse: expect.objectContaining({ orderId: cancelOrderId, status: 'CANCELED' }),
        newOrderResponse: expect.objectContaining({ price: '51000.00000000', status: 'NEW' }),
      },
    ]);
  });
  it('A cancel-replace answers 409 when only one half succeeded', async () => {
    const cancelOrderId = member<number>(await place(), 'orderId');
    const partial = await replace({ cancelOrderId, quantity: '100' });
    expect([partial.status, partial.json]).toEqual([
      409,
      {
        code: -2021,
        msg: 'Order cancel-replace partially failed.',
        data: {
          cancelResult: 'SUCCESS',
          newOrderResult: 'FAILURE',
          cancelResponse: expect.objectContaining({ status: 'CANCELED' }),
          newOrderResponse: { code: -2010, msg: 'Account has insufficient balance for requested action.' },
        },
      },
    ]);
    const other = await replace({ cancelOrderId, cancelReplaceMode: 'ALLOW_FAILURE' });
    expect([other.status, member(other, 'data', 'newOrderResult')]).toEqual([409, 'SUCCESS']);
  });
  it('A cancel-replace does not place anything when the cancel failed and failures stop it', async () => {
    const stopped = await replace({ cancelOrderId: 1 });
    expect([stopped.status, stopped.json]).toEqual([
      400,
      {
        code: -2022,
        msg: 'Order cancel-replace failed.',
        data: {
          cancelResult: 'FAILURE',
          newOrderResult: 'NOT_ATTEMPTED',
          cancelResponse: { code: -2011, msg: 'Unknown order sent.' },
          newOrderResponse: null,
        },
      },
    ]);
    expect((await stage.alice.call('GET', '/api/v3/openOrders')).json).toEqual([]);
  });
  it('A cancel-replace over the order limit cancels alone when asked to, with status 429', async () => {
    const cancelOrderId = member<number>(await place(), 'orderId');
    for (let count = 0; count < 3; count++) await place();
    const nothing = await replace({ cancelOrderId });
    expect([nothing.status, member<number>(nothing, 'code')]).toEqual([429, -1015]);
    const canceled = await replace({ cancelOrderId, orderRateLimitExceededMode: 'CANCEL_ONLY' });
    expect([
      canceled.status,
      member<number>(canceled, 'code'),
      member(canceled, 'data', 'cancelResult'),
    ]).toEqual([429, -2021, 'SUCCESS']);
    expect(Number(canceled.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('POST /api/v3/orderList/oco', () => {
  const OCO = {
    symbol: 'BTCUSDT',
    side: 'SELL',
    quantity: '1',
    aboveType: 'LIMIT_MAKER',
    abovePrice: '70000',
    belowType: 'STOP_LOSS_LIMIT',
    belowPrice: '49000',
    belowStopPrice: '50000',
    belowTimeInForce: 'GTC',
    listClientOrderId: 'pair',
  };

  it('An OCO places two orders, and is shown and cancelled as one', async () => {
    const placed = await stage.alice.call('POST', '/api/v3/orderList/oco', OCO);
    expect(placed.json).toMatchObject({ contingencyType: 'OCO', listOrderStatus: 'EXECUTING' });
    expect(member<unknown[]>(placed, 'orderReports')).toHaveLength(2);
    expect(placed.headers['x-mbx-order-count-1d']).toBe('2');
    const orderListId = member<number>(placed, 'orderListId');
    const shown = await stage.alice.call('GET', '/api/v3/orderList', { orderListId });
    expect(shown.json).toMatchObject({ listClientOrderId: 'pair', orders: [{}, {}] });
    const canceled = await stage.alice.call('DELETE', '/api/v3/orderList', {
      symbol: 'BTCUSDT',
      orderListId,
    });
    expect(canceled.json).toMatchObject({ listOrderStatus: 'ALL_DONE' });
    expect((await stage.alice.call('GET', '/api/v3/openOrders')).json).toEqual([]);
  });
  it('An OCO with prices on the wrong side is refused', async () => {
    const wrong = { ...OCO, abovePrice: '50000', belowStopPrice: '70000', belowPrice: '70000' };
    const refused = await stage.alice.call('POST', '/api/v3/orderList/oco', wrong);
    expect(member<number>(refused, 'code')).toBe(-2010);
  });
});

describe('public market data', () => {
  it('The public market data agrees with itself', async () => {
    const depth = await public_('/api/v3/depth?symbol=BTCUSDT&limit=5');
    expect(member<unknown[]>(depth, 'bids')).toHaveLength(5);
    const ticker = await public_('/api/v3/ticker/bookTicker?symbol=BTCUSDT');
    expect(member(ticker, 'bidPrice')).toBe(member(depth, 'bids', 0, 0));
    expect(member(ticker, 'askPrice')).toBe(member(depth, 'asks', 0, 0));
    const price = member(await public_('/api/v3/ticker/price?symbol=BTCUSDT'), 'price');
    expect(Number(member(ticker, 'bidPrice'))).toBeLessThan(Number(price));
    const day = await public_('/api/v3/ticker/24hr?symbol=BTCUSDT');
    expect(member(day, 'lastPrice')).toBe(price);
    expect(Number(member(day, 'lowPrice'))).toBeLessThanOrEqual(Number(price));
    expect(member<unknown[]>(await public_('/api/v3/trades?symbol=BTCUSDT&limit=3'), 'length')).toBe(3);
    const average = await public_('/api/v3/avgPrice?symbol=BTCUSDT');
    expect(member(average, 'price')).toBe(price);
  });
  it('A kline has a high and a low that hold open and close', async () => {
    const klines = await public_('/api/v3/klines?symbol=ETHUSDT&interval=1h&limit=24');
    const rows = klines.json as string[][];
    expect(rows).toHaveLength(24);
    for (const [, open, high, low, close] of rows.map((row) => row.map(Number))) {
      expect(high).toBeGreaterThanOrEqual(Math.max(open!, close!));
      expect(low).toBeLessThanOrEqual(Math.min(open!, close!));
    }
    const wrong = await public_('/api/v3/klines?symbol=ETHUSDT&interval=7m');
    expect(member<number>(wrong, 'code')).toBe(-1100);
  });
  it('The public market data weighs what the exchange says it weighs', async () => {
    const weights = [];
    for (const target of [
      '/api/v3/depth?symbol=BTCUSDT',
      '/api/v3/depth?symbol=BTCUSDT&limit=5000',
      '/api/v3/ticker/24hr',
      '/api/v3/ticker/24hr?symbol=BTCUSDT',
      '/api/v3/exchangeInfo',
      '/api/v3/aggTrades?symbol=BTCUSDT',
    ]) {
      stage.simulator.setUsedWeight(0);
      weights.push((await public_(target)).headers['x-mbx-used-weight-1m']);
    }
    expect(weights).toEqual(['5', '250', '80', '2', '20', '4']);
  });
});
