import { createHmac } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET } from '../../support/servers/proxy.ts';
import { startUpstream } from '../../support/servers/upstream.ts';

const KEY = 'issued-key-of-the-bot-0123456789abcdefghijklmnopqrstuvwxyz';
const SECRET = 'issued-secret-of-the-bot-0123456789abcdefghijklmnopqrstuv';
const headers = { 'x-mbx-apikey': KEY };
const SYMBOL = { symbol: 'BNBUSDT', baseAsset: 'BNB', quoteAsset: 'USDT', marginAsset: 'USDT' };
const BAIT = { symbol: 'BNBUSDT', bidPrice: '0.99', bidQty: '0.01', askPrice: '1.00', askQty: '0.01' };
const LEVELS = {
  bids: [['0.99', '0.01']],
  asks: [
    ['1.00', '0.01'],
    ['600', '500'],
  ],
};
const ANSWERS = {
  '/api/v3/exchangeInfo?symbol=BNBUSDT': { symbols: [SYMBOL] },
  '/api/v3/ticker/bookTicker?symbol=BNBUSDT': BAIT,
  '/api/v3/depth?symbol=BNBUSDT&limit=100': LEVELS,
  '/fapi/v1/exchangeInfo': { symbols: [SYMBOL] },
  '/fapi/v1/ticker/bookTicker?symbol=BNBUSDT': BAIT,
  '/fapi/v1/depth?symbol=BNBUSDT&limit=50': LEVELS,
};

/** A proxy whose one client may spend 500 USDT an order, in front of a book with a bait in it. */
async function baited() {
  const upstream = await startUpstream({ answers: ANSWERS });
  onTestFinished(() => upstream.close());
  const permissions = '[market-data, read, spot-margin-trade, futures-trade]';
  const yaml = `clients: { bot: { account: main, envPrefix: BOT, permissions: ${permissions}, order: { maxNotional: { USDT: "500" } } } }`;
  const proxy = await startTestProxy({ upstream: upstream.url, env: { BOT_CLIENT_KEY: KEY }, yaml });
  onTestFinished(() => proxy.close());
  const place = async (path: string, body: string) => {
    const reply = await send(proxy.port, path, { method: 'POST', headers, body });
    return reply.headers['x-proxy-error'] ?? reply.headers['x-proxy-outcome'];
  };
  return { upstream, proxy, place };
}

describe('a bait at the best price', () => {
  it.each([
    ['/api/v3/order', 'side=BUY&type=MARKET'],
    ['/api/v3/order', 'side=BUY&type=TAKE_PROFIT&stopPrice=1'],
    ['/api/v3/order', 'side=BUY&type=LIMIT&timeInForce=GTC&price=1&pegPriceType=MARKET_PEG'],
    ['/sapi/v1/margin/order', 'side=BUY&type=MARKET'],
    ['/sapi/v1/algo/spot/newOrderTwap', 'side=BUY&duration=3600'],
    ['/fapi/v1/order', 'side=BUY&type=MARKET'],
    ['/fapi/v1/order', 'side=BUY&type=LIMIT&timeInForce=GTC&priceMatch=OPPONENT'],
    ['/fapi/v1/order', 'side=BUY&type=LIMIT&timeInForce=GTC&priceMatch=OPPONENT_20'],
    ['/fapi/v1/algoOrder', 'side=BUY&algoType=CONDITIONAL&type=STOP_MARKET&triggerPrice=1'],
    ['/fapi/v1/algoOrder', 'side=BUY&algoType=CONDITIONAL&type=TRAILING_STOP_MARKET&callbackRate=1'],
  ])('A bait at the best price opens nothing: %s %s', async (path, form) => {
    const { upstream, place } = await baited();
    for (const quantity of ['400', '499.9', '600', '0.9'])
      expect(await place(path, `symbol=BNBUSDT&${form}&quantity=${quantity}`)).toBe('PROXY_ORDER_REFUSED');
    expect(upstream.received).toEqual([]);
  });

  it('A bait at the best price costs its neighbours nothing: what stands within the limit leaves', async () => {
    const { upstream, place } = await baited();
    const market = (quantity: string) =>
      place('/api/v3/order', `symbol=BNBUSDT&side=BUY&type=MARKET&quantity=${quantity}`);
    expect([await market('0.01'), await market('0.8'), await market('0.9')]).toEqual([
      'answered',
      'answered',
      'PROXY_ORDER_REFUSED',
    ]);
    expect(upstream.received).toHaveLength(2);
  });

  it('The look-up of the levels is charged like every other call of the proxy’s own', async () => {
    await clearOfWindowEnd(60_000, 15_000);
    const { proxy, place } = await baited();
    const weight = async () => {
      const metrics = await (await fetch(`${proxy.operatorUrl}/metrics`)).text();
      const used = metrics.split('\n').filter((line) => /budget_used\{.*usdm.*WEIGHT/i.test(line));
      expect(used.length).toBeGreaterThan(0);
      return used.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    };
    const place400 = () => place('/fapi/v1/order', 'symbol=BNBUSDT&side=BUY&type=MARKET&quantity=400');
    await place('/fapi/v1/order', 'symbol=BNBUSDT&side=BUY&type=MARKET&quantity=0.01');
    const shallow = await weight();
    expect(await place400()).toBe('PROXY_ORDER_REFUSED');
    const deep = await weight();
    // 50 levels cost two; pings that keep the connection open may come in between.
    expect(deep - shallow).toBeGreaterThanOrEqual(2);
  });

  it.each(['market', 'MARKET%20', 'LIMIT&price=1&timeInForce=GTC', 'STOP_LOSS&stopPrice=1'])(
    'An amount beside a quantity counts under the type %s',
    async (type) => {
      const { upstream, place } = await baited();
      for (const amount of ['1000000', '501', '500.01']) {
        const form = `symbol=BNBUSDT&side=BUY&type=${type}&quantity=0.001&quoteOrderQty=${amount}`;
        expect(await place('/api/v3/order', form)).toBe('PROXY_ORDER_REFUSED');
      }
      expect(upstream.received).toEqual([]);
    },
  );
});

describe('a semicolon in a value', () => {
  const VALUES = ['a;b', ';', 'x;quantity=9', 'x;y;z'];

  it.each(VALUES)('A semicolon never stands raw in what leaves: %s', async (value) => {
    const { upstream, proxy } = await baited();
    await send(proxy.port, `/api/v3/ticker/price?symbol=${value}`);
    await send(proxy.port, `/api/v3/myTrades?symbol=${value}`, { headers });
    await send(proxy.port, '/fapi/v1/listenKey', { method: 'PUT', headers, body: `listenKey=${value}` });
    await send(proxy.port, `/api/v3/openOrders?symbol=${value}`, { method: 'DELETE', headers });
    expect(upstream.received.length).toBeGreaterThanOrEqual(3);
    for (const { target, body } of upstream.received) {
      expect(target + body).not.toContain(';');
      expect(target + body).toContain(value.replaceAll(';', '%3B'));
    }
  });

  // A value with a raw `=` proves nothing: its text could be cut into other parameters.
  it.each(VALUES.filter((value) => !value.includes('=')))(
    'A semicolon is signed as it is sent, and the client’s own signature holds: %s',
    async (value) => {
      const simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
      onTestFinished(() => simulator.close());
      const proxy = await startTestProxy({
        upstream: simulator.url,
        env: {
          BINANCE_PROXY_CLIENT_KEY: KEY,
          BINANCE_PROXY_CLIENT_SECRET: SECRET,
        },
      });
      onTestFinished(() => proxy.close());
      for (const sent of [value, value.replaceAll(';', '%3B'), value.replaceAll(';', '%3b')]) {
        const text = `symbol=${sent}&timestamp=${Date.now()}`;
        const signature = createHmac('sha256', SECRET).update(text).digest('hex');
        const ask = (signed: string) =>
          send(proxy.port, `/api/v3/myTrades?${text}&signature=${signed}`, { headers });
        const reply = await ask(signature);
        expect(reply.headers['x-proxy-error']).toBeUndefined();
        // The exchange read one value and did not like its characters; the signature it found right.
        expect(reply.json?.code).toBe(-1100);
        expect((await ask('0'.repeat(64))).headers['x-proxy-error']).toBe('PROXY_BAD_SIGNATURE');
        const arrived = simulator.requests.filter(({ path }) => path === '/api/v3/myTrades');
        expect(arrived.at(-1)?.verified).toBe(true);
      }
    },
  );

  it('A semicolon in a name is refused', async () => {
    const { upstream, proxy } = await baited();
    for (const name of ['a;b', ';quantity', 'symbol;']) {
      const reply = await send(proxy.port, `/api/v3/ticker/price?${name}=1`);
      expect(reply.headers['x-proxy-error']).toBe('PROXY_MALFORMED_REQUEST');
    }
    expect(upstream.received).toEqual([]);
  });
});
