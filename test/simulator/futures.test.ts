import { describe, expect, it } from 'vitest';
import { member, send } from '../support/clients/signed-caller.ts';
import { ALICE, stageSimulator } from '../support/servers/running-simulator.ts';

const stage = stageSimulator();
const ORDER = '/fapi/v1/order';
const REST = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.01',
  price: '50000',
};

describe('USD-M orders', () => {
  it('A USD-M order rests, is modified into the market and becomes a position', async () => {
    const placed = await stage.alice.call('POST', ORDER, { ...REST, newClientOrderId: 'f:1' });
    expect(placed.json).toMatchObject({ status: 'NEW', clientOrderId: 'f:1' });
    expect(placed.headers).toMatchObject({
      'x-mbx-used-weight-1m': '0',
      'x-mbx-order-count-10s': '1',
      'x-mbx-order-count-1m': '1',
    });
    const orderId = member<number>(placed, 'orderId');
    const change = { symbol: 'BTCUSDT', side: 'BUY', orderId, quantity: '0.02', price: '70000' };
    const modified = await stage.alice.call('PUT', ORDER, change);
    expect(modified.json).toMatchObject({ orderId, status: 'FILLED', executedQty: '0.02' });
    const positions = await stage.alice.call('GET', '/fapi/v3/positionRisk', { symbol: 'BTCUSDT' });
    expect(positions.json).toEqual([expect.objectContaining({ positionAmt: '0.02' })]);
    const close = { symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '0.02', reduceOnly: 'true' };
    expect((await stage.alice.call('POST', ORDER, close)).json).toMatchObject({ status: 'FILLED' });
    expect((await stage.alice.call('GET', '/fapi/v3/positionRisk')).json).toEqual([]);
    expect(member<number>(await stage.alice.call('POST', ORDER, close), 'code')).toBe(-2022);
  });
  it('A USD-M order is refused for what the exchange refuses', async () => {
    for (const [pairs, code] of [
      [{ type: 'STOP_MARKET', stopPrice: '1' }, -4120],
      [{ quantity: '0.0000001' }, -1111],
      [{ quantity: '0.0001', price: '10000' }, -4164],
      [{ quantity: '100' }, -2019],
      [{ timeInForce: 'GTX', price: '70000' }, -5022],
      [{ timeInForce: 'FOK' }, -5021],
      [{ positionSide: 'LONG' }, -4061],
      [{ price: '50000.001' }, -4014],
      [{ a: '1' }, -1104],
    ] as const) {
      const { json } = await stage.alice.call('POST', ORDER, { ...REST, ...pairs });
      expect({ pairs, code: (json as { code: number }).code }).toEqual({ pairs, code });
    }
    await stage.alice.call('POST', ORDER, { ...REST, newClientOrderId: 'same' });
    const again = await stage.alice.call('POST', ORDER, { ...REST, newClientOrderId: 'same' });
    expect(member<number>(again, 'code')).toBe(-4116);
  });
  it('USD-M orders are cancelled once, and all at a time', async () => {
    await stage.alice.call('POST', ORDER, { ...REST, newClientOrderId: 'x' });
    await stage.alice.call('POST', ORDER, REST);
    const cancel = { symbol: 'BTCUSDT', origClientOrderId: 'x' };
    expect((await stage.alice.call('DELETE', ORDER, cancel)).json).toMatchObject({ status: 'CANCELED' });
    expect(member<number>(await stage.alice.call('DELETE', ORDER, cancel), 'code')).toBe(-2011);
    const all = await stage.alice.call('DELETE', '/fapi/v1/allOpenOrders', { symbol: 'BTCUSDT' });
    expect(member<number>(all, 'code')).toBe(200);
    expect((await stage.alice.call('GET', '/fapi/v1/openOrders')).json).toEqual([]);
  });
});

describe('USD-M batches', () => {
  it('A USD-M batch answers each order in its place, errors included', async () => {
    const orders = [
      { ...REST, symbol: '币安人生USDT', quantity: '100', price: '0.15', newClientOrderId: 'b:1' },
      { ...REST, symbol: 'NOPEUSDT' },
      { ...REST, newClientOrderId: 'b:2' },
    ];
    const placed = await stage.alice.call('POST', '/fapi/v1/batchOrders', {
      batchOrders: JSON.stringify(orders),
    });
    expect(placed.json).toEqual([
      expect.objectContaining({ symbol: '币安人生USDT', status: 'NEW' }),
      { code: -1121, msg: 'Invalid symbol.' },
      expect.objectContaining({ clientOrderId: 'b:2' }),
    ]);
    expect(placed.headers).toMatchObject({
      'x-mbx-used-weight-1m': '5',
      'x-mbx-order-count-10s': '5',
      'x-mbx-order-count-1m': '1',
    });
    const orderId = member<number>(placed, 2, 'orderId');
    const changes = [{ symbol: 'BTCUSDT', side: 'BUY', orderId, quantity: '0.02', price: '50000' }];
    const changed = await stage.alice.call('PUT', '/fapi/v1/batchOrders', {
      batchOrders: JSON.stringify(changes),
    });
    expect(changed.json).toEqual([expect.objectContaining({ orderId, origQty: '0.02' })]);
    const canceled = await stage.alice.call('DELETE', '/fapi/v1/batchOrders', {
      symbol: 'BTCUSDT',
      orderIdList: JSON.stringify([orderId, 1]),
    });
    expect(canceled.json).toEqual([
      expect.objectContaining({ orderId, status: 'CANCELED' }),
      { code: -2011, msg: 'Unknown order sent.' },
    ]);
  });
  it('A USD-M batch that is no list of at most five is refused', async () => {
    const batch = (batchOrders: string) => stage.alice.call('POST', '/fapi/v1/batchOrders', { batchOrders });
    expect(member<number>(await batch('[{'), 'code')).toBe(-1100);
    expect(member<number>(await batch('{}'), 'code')).toBe(-1130);
    expect(member<number>(await batch(JSON.stringify(Array(6).fill(REST))), 'code')).toBe(-4082);
    expect((await batch('[1]')).json).toEqual([expect.objectContaining({ code: -1130 })]);
  });
});

describe('the other derivatives', () => {
  it('The derivatives keep one listen key per account until it is deleted', async () => {
    const call = (method: string, path: string) =>
      send(stage.simulator.url, method, path, { headers: { 'X-MBX-APIKEY': ALICE.apiKey } });
    for (const path of [
      '/fapi/v1/listenKey',
      '/dapi/v1/listenKey',
      '/eapi/v1/listenKey',
      '/papi/v1/listenKey',
    ]) {
      const first = member(await call('POST', path), 'listenKey');
      expect((await call('PUT', path)).status).toBe(200);
      expect(member(await call('POST', path), 'listenKey')).toBe(first);
      expect((await call('DELETE', path)).status).toBe(200);
      expect(member(await call('POST', path), 'listenKey')).not.toBe(first);
    }
  });
  it('COIN-M and options echo orders, and portfolio margin needs its switch', async () => {
    const coin = await stage.alice.call('POST', '/dapi/v1/order', {
      symbol: 'BTCUSD_PERP',
      newClientOrderId: 'c',
    });
    expect(coin.json).toMatchObject({ symbol: 'BTCUSD_PERP', clientOrderId: 'c', status: 'NEW' });
    const option = await stage.alice.call('POST', '/eapi/v1/order', {
      symbol: 'BTC-261225-60000-C',
      clientOrderId: 'o',
    });
    expect(option.json).toMatchObject({ clientOrderId: 'o' });
    stage.simulator.setRestrictions(ALICE.apiKey, { enablePortfolioMarginTrading: false });
    const portfolio = await stage.alice.call('POST', '/papi/v1/um/order', REST);
    expect(member<number>(portfolio, 'code')).toBe(-2015);
  });
  it('USD-M and COIN-M list their contracts', async () => {
    for (const [target, symbol] of [
      ['/fapi/v1/exchangeInfo', 'BTCUSDT'],
      ['/dapi/v1/exchangeInfo', 'BTCUSD_PERP'],
    ] as const) {
      const listed = await send(stage.simulator.url, 'GET', target);
      expect(member(listed, 'symbols', 0, 'symbol')).toBe(symbol);
    }
    const ratio = '/futures/data/topLongShortPositionRatio?symbol=BTCUSDT&period=5m';
    const headers = { 'X-MBX-APIKEY': ALICE.apiKey };
    expect((await send(stage.simulator.url, 'GET', ratio)).status).toBe(200);
    expect((await send(stage.simulator.url, 'GET', ratio, { headers })).status).toBe(200);
  });
});
