import { describe, expect, it } from 'vitest';
import { member } from '../../support/clients/signed-caller.ts';
import { Lexeme, pick } from '../../support/clients/simulator-ws-caller.ts';
import {
  ALICES,
  BOBS,
  LIMIT_ORDER,
  MARKET_ORDER,
  stageSockets,
} from '../../support/servers/simulator-stage.ts';

const stage = stageSockets({ limits: { ordersPer10Seconds: 3, weightPerMinute: { spot: 100 } } });

describe('the spot API', () => {
  it('The spot API places, queries and cancels an order that REST sees too', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const placed = await line.signed('order.place', { ...LIMIT_ORDER, newClientOrderId: 'mine' });
    expect([placed.status, pick(placed.result, 'status')]).toEqual([200, 'NEW']);
    expect(placed.rateLimits?.map(({ rateLimitType, count }) => [rateLimitType, count])).toEqual([
      ['ORDERS', 1],
      ['ORDERS', 1],
      ['REQUEST_WEIGHT', 2],
    ]);
    const orderId = pick<number>(placed.result, 'orderId');
    const seen = await stage.alice.call('GET', '/api/v3/order', { symbol: 'BTCUSDT', orderId });
    expect(member(seen, 'clientOrderId')).toBe('mine');
    const symbol = 'BTCUSDT';
    expect(pick((await line.signed('order.status', { symbol, orderId })).result, 'status')).toBe('NEW');
    expect(pick((await line.signed('openOrders.status', { symbol })).result, 'length')).toBe(1);
    const canceled = await line.signed('order.cancel', { symbol, origClientOrderId: 'mine' });
    expect(pick(canceled.result, 'status')).toBe('CANCELED');
    const again = await line.signed('order.cancel', { symbol, origClientOrderId: 'mine' });
    expect([again.status, again.error]).toEqual([400, { code: -2011, msg: 'Unknown order sent.' }]);
  });

  it('The spot API fills a market order and tells its history', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const placed = await line.signed('order.place', { ...MARKET_ORDER, quantity: new Lexeme('0.01') });
    expect(pick(placed.result, 'status')).toBe('FILLED');
    const symbol = 'BTCUSDT';
    const trades = await line.signed('myTrades', { symbol });
    expect(pick(trades.result, 0, 'orderId')).toBe(pick(placed.result, 'orderId'));
    expect(pick((await line.signed('allOrders', { symbol })).result, 'length')).toBe(1);
    const counts = await line.signed('account.rateLimits.orders');
    expect(pick(counts.result, 0, 'rateLimitType')).toBe('ORDERS');
  });

  it('The spot API replaces an order, and says which half failed', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const placed = await line.signed('order.place', LIMIT_ORDER);
    const mode = { cancelReplaceMode: 'STOP_ON_FAILURE', ...LIMIT_ORDER, price: '51000' };
    const cancelOrderId = pick<number>(placed.result, 'orderId');
    const replaced = await line.signed('order.cancelReplace', { ...mode, cancelOrderId });
    expect(pick(replaced.result, 'newOrderResult')).toBe('SUCCESS');
    const failed = await line.signed('order.cancelReplace', { ...mode, cancelOrderId });
    expect([failed.status, failed.error?.code]).toEqual([400, -2022]);
    expect(failed.error?.data).toMatchObject({ cancelResult: 'FAILURE', newOrderResult: 'NOT_ATTEMPTED' });
    expect((await line.signed('openOrders.cancelAll', { symbol: 'BTCUSDT' })).status).toBe(200);
    expect(stage.simulator.exchange.spot.orders.open('account-0')).toEqual([]);
  });

  it('The spot API answers market data as REST does', async () => {
    const line = await stage.line('/ws-api/v3');
    const info = await line.call('exchangeInfo', { symbols: ['BTCUSDT', 'ETHUSDT'] });
    expect(pick(info.result, 'symbols', 'length')).toBe(2);
    const symbol = 'BTCUSDT';
    expect(pick((await line.call('depth', { symbol, limit: 5 })).result, 'bids', 'length')).toBe(5);
    expect(pick((await line.call('ticker.price', { symbol })).result, 'symbol')).toBe(symbol);
    expect(pick((await line.call('ticker.book', { symbol })).result, 'symbol')).toBe(symbol);
    expect(pick((await line.call('klines', { symbol, interval: '1m', limit: 3 })).result, 'length')).toBe(3);
    expect(await line.call('depth', { symbol: 'NONE' })).toMatchObject({
      status: 400,
      error: { code: -1121, msg: 'Invalid symbol.' },
    });
  });

  it('The spot API leaves limits out where they are not wanted, by connection or by frame', async () => {
    const silent = await stage.line('/ws-api/v3?returnRateLimits=false', ALICES);
    expect((await silent.call('ping')).rateLimits).toBeUndefined();
    expect((await silent.call('ping', { returnRateLimits: true })).rateLimits).toHaveLength(1);
    const line = await stage.line('/ws-api/v3', ALICES);
    expect((await line.signed('order.test', { ...LIMIT_ORDER, returnRateLimits: false })).rateLimits).toBe(
      undefined,
    );
  });

  it('The spot API writes times in microseconds when the connection asks for it', async () => {
    const line = await stage.line('/ws-api/v3?timeUnit=MICROSECOND');
    expect(pick<number>((await line.call('time')).result, 'serverTime')).toBeGreaterThan(1e15);
  });

  it('The spot API answers 429 with the moment at which to go on, for orders and for weight', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    for (let count = 0; count < 3; count++) await line.signed('order.place', LIMIT_ORDER);
    const fourth = await line.signed('order.place', LIMIT_ORDER);
    const nowMs = stage.simulator.exchange.nowMs();
    expect([fourth.status, fourth.error?.code]).toEqual([429, -1015]);
    const retryAfter = pick<number>(fourth.error?.data, 'retryAfter');
    expect(retryAfter % 10_000).toBe(0);
    expect(retryAfter - nowMs).toBeLessThanOrEqual(10_000);
    stage.simulator.setUsedWeight(100);
    const heavy = await line.call('ping');
    expect([heavy.status, heavy.error?.code]).toEqual([429, -1003]);
    expect(pick<number>(heavy.error?.data, 'retryAfter') % 60_000).toBe(0);
    stage.simulator.ban(100_000);
    const banned = await line.call('ping');
    expect([banned.status, pick<number>(banned.error?.data, 'retryAfter') > nowMs + 60_000]).toEqual([
      418,
      true,
    ]);
  });
});

describe('the USD-M API', () => {
  it('The USD-M API places, modifies, queries and cancels an order', async () => {
    const line = await stage.line('/ws-fapi/v1', BOBS);
    const order = { ...LIMIT_ORDER, quantity: '0.01' };
    const placed = await line.signed('order.place', order);
    const orderId = pick<number>(placed.result, 'orderId');
    expect(pick(placed.result, 'status')).toBe('NEW');
    const symbol = 'BTCUSDT';
    const changes = { symbol, orderId, side: 'BUY', quantity: '0.02', price: '50001' };
    expect(pick((await line.signed('order.modify', changes)).result, 'origQty')).toBe('0.02');
    expect(pick((await line.signed('order.status', { symbol, orderId })).result, 'price')).toBe('50001');
    expect(pick((await line.signed('order.cancel', { symbol, orderId })).result, 'status')).toBe('CANCELED');
  });

  it('The USD-M API tells account, balance and positions in both versions', async () => {
    const line = await stage.line('/ws-fapi/v1', BOBS);
    for (const version of ['', 'v2/']) {
      const account = await line.signed(`${version}account.status`);
      expect(pick(account.result, 'totalWalletBalance')).toBe('10000.00000000');
      expect(pick((await line.signed(`${version}account.balance`)).result, 0, 'asset')).toBe('USDT');
      expect((await line.signed(`${version}account.position`)).status).toBe(200);
    }
    const symbol = 'BTCUSDT';
    expect(pick((await line.call('ticker.price', { symbol })).result, 'symbol')).toBe(symbol);
    expect(pick((await line.call('ticker.book', { symbol })).result, 'symbol')).toBe(symbol);
    expect(pick((await line.call('depth', { symbol, limit: 5 })).result, 'asks', 'length')).toBe(5);
    expect((await line.call('exchangeInfo')).error?.code).toBe(-5000);
  });
});

describe('the COIN-M API', () => {
  it('The COIN-M API verifies strictly and echoes orders', async () => {
    const line = await stage.line('/ws-dapi/v1', ALICES);
    const order = { ...LIMIT_ORDER, symbol: 'BTCUSD_PERP', quantity: '1' };
    expect(pick((await line.signed('order.place', order)).result, 'symbol')).toBe('BTCUSD_PERP');
    expect((await line.signed('order.place', order, { quantity: '2' })).error?.code).toBe(-1022);
    expect((await line.signed('account.balance')).status).toBe(200);
  });
});
