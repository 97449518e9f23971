import { describe, expect, it } from 'vitest';
import { member, send } from '../support/clients/signed-caller.ts';
import { stageSimulator } from '../support/servers/running-simulator.ts';

const stage = stageSimulator();
const FAMILIES = [
  ['USD-M', '/fapi/v1', 'BTCUSDT', '0.01'],
  ['COIN-M', '/dapi/v1', 'BTCUSD_PERP', '1'],
] as const;
const last = () => stage.simulator.exchange.spot.market('BTCUSDT').lastPrice;
const isOpen = (status: string) => (order: unknown) =>
  (order as { algoStatus: string }).algoStatus === status;

describe.each(FAMILIES)('conditional orders of %s', (_name, prefix, symbol, quantity) => {
  const path = `${prefix}/algoOrder`;
  const stop = {
    ...{ algoType: 'CONDITIONAL', symbol, side: 'SELL', type: 'STOP_MARKET' },
    ...{ quantity, triggerPrice: '20000', clientAlgoId: 'stop-1' },
  };

  it('A conditional order is placed, found, listed and cancelled once', async () => {
    const placed = await stage.alice.call('POST', path, stop);
    expect(placed.json).toMatchObject({
      ...{ clientAlgoId: 'stop-1', algoType: 'CONDITIONAL', orderType: 'STOP_MARKET', symbol, side: 'SELL' },
      ...{ quantity, algoStatus: 'NEW', triggerPrice: '20000', closePosition: false, triggerTime: 0 },
    });
    expect(placed.headers).toMatchObject({ 'x-mbx-order-count-1m': '1' });
    const algoId = member<number>(placed, 'algoId');
    for (const id of [{ algoId }, { clientAlgoId: 'stop-1' }])
      expect((await stage.alice.call('GET', path, id)).json).toMatchObject({ algoId, algoStatus: 'NEW' });
    for (const wanted of [{}, { symbol }]) {
      const listed = await stage.alice.call('GET', `${prefix}/openAlgoOrders`, wanted);
      expect(listed.json).toEqual([expect.objectContaining({ algoId, actualOrderId: '' })]);
    }
    expect((await stage.bob.call('GET', `${prefix}/openAlgoOrders`)).json).toEqual([]);
    expect(member<number>(await stage.bob.call('DELETE', path, { algoId }), 'code')).toBe(-2011);
    const cancelled = await stage.alice.call('DELETE', path, { algoId });
    expect(cancelled.json).toEqual({ algoId, clientAlgoId: 'stop-1', code: '200', msg: 'success' });
    expect(member<number>(await stage.alice.call('DELETE', path, { algoId }), 'code')).toBe(-2011);
    expect((await stage.alice.call('GET', `${prefix}/openAlgoOrders`)).json).toEqual([]);
    const all = await stage.alice.call('GET', `${prefix}/allAlgoOrders`, { symbol });
    expect(all.json).toEqual([expect.objectContaining({ algoId, algoStatus: 'CANCELED' })]);
  });

  it('All conditional orders of a symbol are cancelled at a time, and those of the other family stay', async () => {
    const [, otherPrefix, otherSymbol, otherQuantity] = FAMILIES.find(([, each]) => each !== prefix)!;
    const other = { ...stop, symbol: otherSymbol, quantity: otherQuantity };
    await stage.alice.call('POST', `${otherPrefix}/algoOrder`, other);
    await stage.alice.call('POST', path, stop);
    await stage.alice.call('POST', path, { ...stop, clientAlgoId: 'stop-2' });
    const done = await stage.alice.call('DELETE', `${prefix}/algoOpenOrders`, { symbol });
    expect(done.json).toMatchObject({ code: 200 });
    const all = await stage.alice.call('GET', `${prefix}/allAlgoOrders`, { symbol });
    expect((all.json as unknown[]).filter(isOpen('CANCELED'))).toHaveLength(2);
    expect((await stage.alice.call('GET', `${otherPrefix}/openAlgoOrders`)).json).toHaveLength(1);
  });

  it('A conditional order is refused for what the exchange refuses', async () => {
    await stage.alice.call('POST', path, stop);
    const trailing = { type: 'TRAILING_STOP_MARKET', triggerPrice: '' };
    for (const [pairs, code] of [
      [{}, -4116],
      [{ algoType: 'TWAP' }, -1100],
      [{ type: 'LIMIT' }, -1116],
      [{ triggerPrice: '' }, -1102],
      [{ quantity: '' }, -1102],
      [{ closePosition: 'true' }, -1106],
      [{ type: 'STOP' }, -1102],
      [{ price: '20000' }, -1106],
      [trailing, -1102],
      [{ triggerPrice: '200000' }, -2021],
      [{ type: 'TAKE_PROFIT_MARKET' }, -2021],
      [{ side: 'BUY' }, -2021],
      [{ positionSide: 'LONG' }, -4061],
      [{ stopPrice: '1' }, -1104],
    ] as const) {
      const changed = { ...stop, clientAlgoId: 'clientAlgoId' in pairs ? 'x' : `n${code}`, ...pairs };
      const sent = code === -4116 ? stop : changed;
      const { json } = await stage.alice.call('POST', path, sent);
      expect({ pairs, code: (json as { code: number }).code }).toEqual({ pairs, code });
    }
    expect(member<number>(await stage.alice.call('GET', path, { algoId: '1' }), 'code')).toBe(-2013);
    expect(member<number>(await stage.alice.call('DELETE', path), 'code')).toBe(-1102);
  });

  it('Every conditional type is listed, and accepted', async () => {
    const listed = await send(stage.simulator.url, 'GET', `${prefix}/exchangeInfo`);
    const types = member<string[]>(listed, 'symbols', 0, 'orderTypes');
    const more: Readonly<Record<string, object>> = {
      STOP: { price: '19000', timeInForce: 'GTC' },
      STOP_MARKET: {},
      TAKE_PROFIT: { price: '190000', triggerPrice: '190000' },
      TAKE_PROFIT_MARKET: { triggerPrice: '190000' },
      TRAILING_STOP_MARKET: { callbackRate: '1', triggerPrice: '' },
    };
    expect(types).toEqual(['LIMIT', 'MARKET', ...Object.keys(more)]);
    for (const [type, pairs] of Object.entries(more)) {
      const { json } = await stage.alice.call('POST', path, { ...stop, clientAlgoId: type, type, ...pairs });
      expect(json).toMatchObject({ clientAlgoId: type, orderType: type, algoStatus: 'NEW' });
    }
  });
});

describe('the price of a conditional order', () => {
  const stop = {
    ...{ algoType: 'CONDITIONAL', symbol: 'BTCUSDT', side: 'BUY', type: 'STOP_MARKET', quantity: '0.01' },
  };
  const buyMuch = () =>
    stage.bob.call('POST', '/api/v3/order', {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'MARKET',
      quantity: '0.4',
    });

  it('A stop that the market reaches becomes an order of USD-M and a position', async () => {
    await stage.alice.call('POST', '/fapi/v1/algoOrder', {
      ...stop,
      triggerPrice: last().add('0.01').toFixed(),
      clientAlgoId: 'reached',
    });
    await buyMuch();
    const found = await stage.alice.call('GET', '/fapi/v1/algoOrder', { clientAlgoId: 'reached' });
    expect(found.json).toMatchObject({
      algoStatus: 'FINISHED',
      actualOrderId: expect.stringMatching(/^\d+$/),
    });
    const orderId = member(found, 'actualOrderId');
    const order = await stage.alice.call('GET', '/fapi/v1/order', { symbol: 'BTCUSDT', orderId });
    expect(order.json).toMatchObject({ status: 'FILLED', side: 'BUY', executedQty: '0.01' });
    const trades = await stage.alice.call('GET', '/fapi/v1/userTrades', { symbol: 'BTCUSDT', orderId });
    expect(trades.json).toMatchObject([{ orderId: Number(orderId), qty: '0.01', buyer: true }]);
  });

  it('A stop that closes a position which is not there is rejected when it is reached', async () => {
    const { quantity: _none, ...closing } = stop;
    await stage.alice.call('POST', '/fapi/v1/algoOrder', {
      ...{ ...closing, closePosition: 'true', clientAlgoId: 'closing' },
      triggerPrice: last().add('0.01').toFixed(),
    });
    await buyMuch();
    const found = await stage.alice.call('GET', '/fapi/v1/algoOrder', { clientAlgoId: 'closing' });
    expect(found.json).toMatchObject({ algoStatus: 'REJECTED', closePosition: true, actualOrderId: '' });
  });

  it('A trailing stop waits until the price comes back by its rate', async () => {
    const { exchange } = stage.simulator;
    await stage.alice.call('POST', '/fapi/v1/algoOrder', {
      ...{
        ...stop,
        side: 'SELL',
        type: 'TRAILING_STOP_MARKET',
        callbackRate: '0.1',
        clientAlgoId: 'trailing',
      },
    });
    const status = async () =>
      member(await stage.alice.call('GET', '/fapi/v1/algoOrder', { clientAlgoId: 'trailing' }), 'algoStatus');
    await buyMuch();
    expect(await status()).toBe('NEW');
    const market = exchange.spot.market('BTCUSDT');
    const top = market.lastPrice;
    market.lastPrice = top.mul('0.9991');
    expect(await status()).toBe('NEW');
    market.lastPrice = top.mul('0.9989');
    expect(await status()).toBe('FINISHED');
  });
});
