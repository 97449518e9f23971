import { describe, expect, it } from 'vitest';
import { send } from '../../support/clients/signed-caller.ts';
import { type Json, type Line, pick } from '../../support/clients/simulator-ws-caller.ts';
import { ALICE } from '../../support/servers/running-simulator.ts';
import {
  ALICES,
  BOBS,
  LIMIT_ORDER,
  MARKET_ORDER,
  stageSockets,
} from '../../support/servers/simulator-stage.ts';

const stage = stageSockets();
const isReport = (message: Json) => pick(message, 'event', 'e') === 'executionReport';
const report = async (line: Line) => pick<Json>(await line.until(isReport), 'event');
const subscribed = async (key = ALICES) => {
  const line = await stage.line('/ws-api/v3', key);
  await line.signed('userDataStream.subscribe.signature');
  return line;
};

describe('spot user data', () => {
  it('Spot user data reports an order placed over REST, its cancel, and the balances each time', async () => {
    const line = await subscribed();
    await stage.alice.call('POST', '/api/v3/order', { ...LIMIT_ORDER, newClientOrderId: 'mine' });
    expect(await line.next()).toMatchObject({
      subscriptionId: 0,
      event: { e: 'executionReport', c: 'mine', x: 'NEW', X: 'NEW', q: '0.01000000', w: true },
    });
    expect(await line.next()).toMatchObject({
      event: {
        e: 'outboundAccountPosition',
        B: [{ a: 'BTC' }, { a: 'USDT', f: '99500.00000000', l: '500.00000000' }],
      },
    });
    await stage.alice.call('DELETE', '/api/v3/order', { symbol: 'BTCUSDT', origClientOrderId: 'mine' });
    expect(await report(line)).toMatchObject({ C: 'mine', x: 'CANCELED', X: 'CANCELED', w: false });
    expect(await line.next()).toMatchObject({
      event: { e: 'outboundAccountPosition', B: [{}, { a: 'USDT', f: '100000.00000000' }] },
    });
    await stage.alice.call('POST', '/api/v3/order', { ...LIMIT_ORDER, newClientOrderId: 'next' });
    expect(await line.next()).toMatchObject({ event: { c: 'next', x: 'NEW' } });
  });

  it('Spot user data reports every fill with what has been filled by then', async () => {
    const line = await subscribed();
    const deep = { ...MARKET_ORDER, quantity: '1.6' };
    const placed = await stage.alice.call('POST', '/api/v3/order', deep);
    const fills = pick<Json[]>(placed.json, 'fills');
    expect(await report(line)).toMatchObject({ x: 'NEW', z: '0.00000000' });
    for (const [position, fill] of fills.entries()) {
      expect(await report(line)).toMatchObject({
        x: 'TRADE',
        X: position === fills.length - 1 ? 'FILLED' : 'PARTIALLY_FILLED',
        t: fill.tradeId,
        l: fill.qty,
        L: fill.price,
        n: fill.commission,
        z: position === fills.length - 1 ? '1.60000000' : expect.any(String),
      });
    }
    expect(fills.length).toBeGreaterThan(1);
  });

  it('Spot user data goes to every subscription of the account and to nobody else', async () => {
    const [first, second, other] = [await subscribed(), await subscribed(), await subscribed(BOBS)];
    await first.signed('order.place', LIMIT_ORDER);
    expect(await report(second)).toMatchObject({ x: 'NEW', p: '50000.00000000' });
    await stage.bob.call('POST', '/api/v3/order', { ...LIMIT_ORDER, price: '49000' });
    expect(await report(other)).toMatchObject({ x: 'NEW', p: '49000.00000000' });
  });

  it('Spot user data comes after the answer to the frame that caused it', async () => {
    const line = await subscribed();
    line.send(`{"id":"o","method":"order.place","params":${line.paramsText(LIMIT_ORDER)}}`);
    expect(await line.next()).toMatchObject({ id: 'o', status: 200 });
    expect(await report(line)).toMatchObject({ x: 'NEW' });
  });

  it('Spot user data tells a resting maker of the trade that a stranger made', async () => {
    const line = await subscribed();
    const best = stage.simulator.exchange.spot.market('BTCUSDT').streetBest('BUY')!;
    const price = best.add('0.01').toFixed();
    await stage.alice.call('POST', '/api/v3/order', { ...LIMIT_ORDER, price });
    await report(line);
    const sell = { symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '0.004' };
    await stage.bob.call('POST', '/api/v3/order', sell);
    expect(await report(line)).toMatchObject({ x: 'TRADE', X: 'PARTIALLY_FILLED', m: true, z: '0.00400000' });
  });

  it('Spot user data reports what expires', async () => {
    const line = await subscribed();
    await stage.alice.call('POST', '/api/v3/order', { ...LIMIT_ORDER, timeInForce: 'IOC' });
    expect(await report(line)).toMatchObject({ x: 'NEW' });
    expect(await report(line)).toMatchObject({ x: 'EXPIRED', X: 'EXPIRED' });
  });

  it('Spot user data tells nothing of what happened before, or before a reset', async () => {
    await stage.alice.call('POST', '/api/v3/order', LIMIT_ORDER);
    const line = await subscribed();
    await stage.alice.call('POST', '/api/v3/order', { ...LIMIT_ORDER, price: '49000' });
    expect(await report(line)).toMatchObject({ p: '49000.00000000' });
    stage.simulator.reset();
    await stage.alice.call('POST', '/api/v3/order', { ...LIMIT_ORDER, price: '48000' });
    expect(await report(line)).toMatchObject({ p: '48000.00000000' });
  });
});

describe('USD-M user data', () => {
  const listenKey = async () => {
    const api = await stage.line('/ws-fapi/v1', ALICES);
    const started = await api.call('userDataStream.start', { apiKey: ALICE.apiKey });
    return pick(started.result, 'listenKey');
  };

  it.each(['/private/ws/', '/ws/', '/private/stream?streams=', '/private/ws?listenKey='])(
    'USD-M user data comes over %s with a listen key',
    async (path) => {
      const key = await listenKey();
      const line = await stage.line(`${path}${key}`);
      await stage.alice.call('POST', '/fapi/v1/order', { ...LIMIT_ORDER, newClientOrderId: 'f1' });
      const message = await line.next();
      const wrapped = path.includes('streams=');
      expect(wrapped ? message : { stream: key, data: message }).toMatchObject({
        stream: key,
        data: { e: 'ORDER_TRADE_UPDATE', o: { c: 'f1', x: 'NEW', X: 'NEW' } },
      });
    },
  );

  it('USD-M user data tells of conditional orders, and of the order that each brings', async () => {
    const line = await stage.line(`/private/ws/${await listenKey()}`);
    const market = stage.simulator.exchange.spot.market('BTCUSDT');
    const stop = {
      ...{ algoType: 'CONDITIONAL', symbol: 'BTCUSDT', side: 'BUY', type: 'STOP_MARKET', quantity: '0.01' },
      triggerPrice: market.lastPrice.mul('1.001').toFixed(2),
    };
    const place = (clientAlgoId: string) =>
      stage.alice.call('POST', '/fapi/v1/algoOrder', { ...stop, clientAlgoId });
    const event = (caid: string, X: string) => ({
      e: 'ALGO_UPDATE',
      o: { caid, X, o: 'STOP_MARKET', S: 'BUY' },
    });
    await place('a1');
    expect(await line.next()).toMatchObject(event('a1', 'NEW'));
    await stage.alice.call('DELETE', '/fapi/v1/algoOrder', { clientAlgoId: 'a1' });
    expect(await line.next()).toMatchObject(event('a1', 'CANCELED'));
    await place('a2');
    expect(await line.next()).toMatchObject(event('a2', 'NEW'));
    market.lastPrice = market.lastPrice.mul('1.002');
    await stage.alice.call('GET', '/fapi/v1/openAlgoOrders');
    expect(await line.next()).toMatchObject(event('a2', 'FINISHED'));
    expect(await line.next()).toMatchObject({
      e: 'ORDER_TRADE_UPDATE',
      o: { x: 'NEW', o: 'MARKET', S: 'BUY' },
    });
  });

  it('USD-M user data tells of fills with the account, of changes and of cancels', async () => {
    const line = await stage.line(`/private/ws/${await listenKey()}`);
    const symbol = 'BTCUSDT';
    await stage.alice.call('POST', '/fapi/v1/order', MARKET_ORDER);
    expect(pick(await line.next(), 'o', 'x')).toBe('NEW');
    expect(await line.next()).toMatchObject({ e: 'ACCOUNT_UPDATE', a: { P: [{ s: symbol, pa: '0.01' }] } });
    expect(pick(await line.next(), 'o')).toMatchObject({ x: 'TRADE', X: 'FILLED', z: '0.01' });
    await stage.alice.call('POST', '/fapi/v1/order', { ...LIMIT_ORDER, newClientOrderId: 'f2' });
    expect(pick(await line.next(), 'o', 'x')).toBe('NEW');
    const one = { symbol, origClientOrderId: 'f2' };
    await stage.alice.call('PUT', '/fapi/v1/order', {
      ...one,
      side: 'BUY',
      quantity: '0.02',
      price: '50001',
    });
    expect(pick(await line.next(), 'o')).toMatchObject({ x: 'AMENDMENT', q: '0.02', p: '50001' });
    await stage.alice.call('DELETE', '/fapi/v1/order', one);
    expect(pick(await line.next(), 'o', 'x')).toBe('CANCELED');
  });

  it('USD-M user data can be narrowed to some events', async () => {
    const line = await stage.line(`/private/ws?listenKey=${await listenKey()}&events=ACCOUNT_UPDATE`);
    await stage.alice.call('POST', '/fapi/v1/order', MARKET_ORDER);
    expect(pick(await line.next(), 'e')).toBe('ACCOUNT_UPDATE');
  });

  it('USD-M user data is silent for an unknown listen key, and says when one has gone', async () => {
    const key = await listenKey();
    const stranger = await stage.line(`/private/ws/${'0'.repeat(64)}`);
    const line = await stage.line(`/private/ws/${key}`);
    const api = await stage.line('/ws-fapi/v1', ALICES);
    const again = await api.call('userDataStream.ping', { apiKey: ALICE.apiKey });
    expect(again.result).toEqual({ listenKey: key });
    await stage.alice.call('POST', '/fapi/v1/order', LIMIT_ORDER);
    expect(pick(await line.next(), 'e')).toBe('ORDER_TRADE_UPDATE');
    expect((await api.call('userDataStream.stop', { apiKey: ALICE.apiKey })).result).toEqual({});
    expect(await line.next()).toMatchObject({ e: 'listenKeyExpired', listenKey: key });
    expect((await api.call('userDataStream.ping', { apiKey: ALICE.apiKey })).error?.code).toBe(-1125);
    expect((await api.call('userDataStream.ping', { apiKey: ALICE.apiKey, timestamp: 1 })).error?.code).toBe(
      -1104,
    );
    stranger.send('{"method":"LIST_SUBSCRIPTIONS","id":1}');
    expect(pick(await stranger.next(), 'id')).toBe(1);
  });

  it('USD-M user data takes a listen key that REST gave', async () => {
    const headers = { 'X-MBX-APIKEY': ALICE.apiKey };
    const given = await send(stage.simulator.url, 'POST', '/fapi/v1/listenKey', { headers });
    expect(pick(given.json, 'listenKey')).toBe(await listenKey());
  });
});
