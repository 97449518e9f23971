import { describe, expect, it } from 'vitest';
import { type Json, type Line, pick } from '../../support/clients/simulator-ws-caller.ts';
import { BOBS, MARKET_ORDER, stageSockets } from '../../support/servers/simulator-stage.ts';

const stage = stageSockets({ webSocket: { streamsPerConnection: 4 } });
const trade = () => stage.bob.call('POST', '/api/v3/order', MARKET_ORDER);
const last = () => stage.simulator.exchange.spot.market('BTCUSDT').trades.at(-1)!;
const control = async (line: Line, method: string, params?: readonly unknown[]) => {
  line.send(JSON.stringify({ method, params, id: method }));
  return line.until((message) => message.id === method);
};

describe('a stream', () => {
  it('A stream tells of a trade, the best prices, the day and the minute', async () => {
    const names = ['trade', 'aggTrade', 'bookTicker', 'ticker', 'miniTicker', 'kline_1m', 'depth5'];
    const line = await stage.line(`/stream?streams=${names.map((name) => `btcusdt@${name}`).join('/')}`);
    await trade();
    const events = new Map<string, Json>();
    while (events.size < names.length) {
      const { stream, data } = await line.next<{ stream: string; data: Json }>();
      events.set(stream.slice('btcusdt@'.length), data);
    }
    const price = last().price.toFixed(8);
    expect(events.get('trade')).toMatchObject({ e: 'trade', s: 'BTCUSDT', t: last().id, p: price, M: true });
    expect(events.get('aggTrade')).toMatchObject({ e: 'aggTrade', a: last().id, m: false });
    expect(events.get('bookTicker')).toMatchObject({ s: 'BTCUSDT', u: expect.any(Number) });
    expect(events.get('ticker')).toMatchObject({ e: '24hrTicker', c: price });
    expect(events.get('miniTicker')).toMatchObject({ e: '24hrMiniTicker', c: price });
    expect(events.get('kline_1m')).toMatchObject({ e: 'kline', k: { i: '1m', x: false } });
    expect(pick(events.get('depth5'), 'bids', 'length')).toBe(5);
  });

  it('A stream is raw under /ws, several by slashes, with percent escapes for other scripts', async () => {
    const line = await stage.line(`/ws/ethusdt@trade/${encodeURIComponent('币安人生usdt@trade')}`);
    await stage.bob.call('POST', '/api/v3/order', {
      ...MARKET_ORDER,
      symbol: '币安人生USDT',
      quantity: '100',
    });
    expect(await line.next()).toMatchObject({ e: 'trade', s: '币安人生USDT' });
  });

  it('A depth stream leads from one snapshot of the book to the next', async () => {
    const { exchange } = stage.simulator;
    const market = exchange.spot.market('BTCUSDT');
    const book = new Map(
      market.levels('SELL', 5_000).map(([price, size]) => [price.toFixed(8), size.toFixed(8)]),
    );
    const line = await stage.line('/ws/btcusdt@depth@100ms');
    let updateId = market.updateId;
    for (const quantity of ['1', '0.6']) {
      await stage.alice.call('POST', '/api/v3/order', { ...MARKET_ORDER, quantity });
      const change = await line.next<{ U: number; u: number; a: [string, string][] }>();
      expect([change.U, change.u]).toEqual([updateId + 1, market.updateId]);
      updateId = change.u;
      for (const [price, size] of change.a) {
        if (Number(size) === 0) book.delete(price);
        else book.set(price, size);
      }
    }
    const levels = market.levels('SELL', 5_000).map(([price, size]) => [price.toFixed(8), size.toFixed(8)]);
    expect([...book].sort(([a], [b]) => Number(a) - Number(b))).toEqual(levels);
  });

  it('A stream is subscribed, listed and unsubscribed by control frames', async () => {
    const line = await stage.line('/ws');
    expect(await control(line, 'SUBSCRIBE', ['btcusdt@trade', 'unknown@trade'])).toEqual({
      result: null,
      id: 'SUBSCRIBE',
    });
    expect(await control(line, 'LIST_SUBSCRIPTIONS')).toMatchObject({
      result: ['btcusdt@trade', 'unknown@trade'],
    });
    await trade();
    expect(await line.next()).toMatchObject({ e: 'trade', t: last().id });
    await control(line, 'UNSUBSCRIBE', ['btcusdt@trade']);
    await trade();
    expect(await control(line, 'LIST_SUBSCRIPTIONS')).toMatchObject({ result: ['unknown@trade'] });
    expect(stage.simulator.frames.map(({ method, path }) => [method, path])).toEqual([
      ['SUBSCRIBE', '/ws'],
      ['LIST_SUBSCRIPTIONS', '/ws'],
      ['UNSUBSCRIBE', '/ws'],
      ['LIST_SUBSCRIPTIONS', '/ws'],
    ]);
  });

  it('A stream goes on after a reset, with the markets of the new exchange', async () => {
    const line = await stage.line('/stream?streams=btcusdt@trade/btcusdt@depth');
    await trade();
    await line.next();
    await line.next();
    stage.simulator.reset();
    await trade();
    expect(await line.next()).toMatchObject({ data: { e: 'trade', t: last().id } });
    expect(await line.next()).toMatchObject({ data: { e: 'depthUpdate', b: [] } });
  });

  it('A stream refuses control frames that it cannot read, and more streams than it may have', async () => {
    const line = await stage.line('/ws');
    expect(await control(line, 'ORDER')).toMatchObject({ error: { code: 2 } });
    const many = ['a@trade', 'b@trade', 'c@trade', 'd@trade', 'e@trade'];
    expect(await control(line, 'SUBSCRIBE', many)).toMatchObject({ error: { code: 3 } });
    expect(await control(line, 'SUBSCRIBE', many.slice(1))).toMatchObject({ result: null });
  });

  it('A stream is cut off when its client sends too many messages in a second', async () => {
    const line = await stage.line('/ws');
    for (let count = 0; count < 6; count++) line.send('{"method":"LIST_SUBSCRIPTIONS","id":1}');
    expect(await line.closed).toEqual({ code: 1008, reason: 'Too many requests' });
  });

  it('A stream of USD-M comes over the route that carries it, in its own form', async () => {
    const wrong = await stage.line('/public/ws/btcusdt@aggTrade');
    const book = await stage.line('/public/ws/btcusdt@bookTicker');
    const trades = await stage.line('/market/stream?streams=btcusdt@aggTrade/btcusdt@bookTicker');
    await trade();
    expect(await book.next()).toMatchObject({ e: 'bookTicker', s: 'BTCUSDT', T: expect.any(Number) });
    expect(await trades.next()).toMatchObject({ stream: 'btcusdt@aggTrade', data: { a: last().id } });
    expect(await control(wrong, 'LIST_SUBSCRIPTIONS')).toMatchObject({ result: ['btcusdt@aggTrade'] });
    await trade();
    expect(await trades.next()).toMatchObject({ stream: 'btcusdt@aggTrade' });
    expect(await Promise.race([wrong.next(), control(book, 'GET_PROPERTY', ['combined'])])).toMatchObject({
      result: false,
    });
  });

  it('A stream of COIN-M names its own symbols', async () => {
    const line = await stage.line('/ws/btcusd_perp@trade');
    await trade();
    expect(await line.next()).toMatchObject({ e: 'trade', s: 'BTCUSD_PERP', t: last().id });
  });
});

describe('the market', () => {
  const moving = stageSockets({ marketStepMs: 20 });

  it('The market moves by itself as long as somebody listens', async () => {
    const line = await moving.line('/ws/btcusdt@trade');
    const first = await line.next<{ t: number }>();
    const second = await line.until<{ t: number }>(({ t }) => t > first.t);
    expect(second.t).toBe(first.t + 1);
  });

  it('The market fills a resting order without any request, and its owner hears of it', async () => {
    const line = await moving.line('/ws-api/v3', BOBS);
    await line.signed('userDataStream.subscribe.signature');
    const best = moving.simulator.exchange.spot.market('BTCUSDT').best('BUY')!.price;
    const order = { ...MARKET_ORDER, type: 'LIMIT', timeInForce: 'GTC', price: best.toFixed() };
    await line.signed('order.place', order);
    const filled = await line.until((message) => pick(message, 'event', 'X') === 'FILLED');
    expect(pick(filled, 'event', 'm')).toBe(true);
  });
});
