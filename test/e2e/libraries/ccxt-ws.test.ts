import ccxt from 'ccxt';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/clients/ws-app.ts';
import {
  expectFaithful,
  MODES,
  openStage,
  type Stage,
  untilOpened,
  untilSubscribed,
} from '../../support/processes/library-scenario.ts';
import {
  type AccountKey,
  expectFaithfulFrames,
  openWsStage,
  type WsStage,
} from '../../support/servers/ws-stage.ts';

const APP_KEY = 'dummy-key-of-an-app';
const APP_SECRET = 'dummy-secret-of-an-app';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function connect({ wsUrl, proxy }: WsStage) {
  const exchange = new ccxt.pro.binance({
    apiKey: APP_KEY,
    secret: APP_SECRET,
    options: { fetchMargins: false, fetchCurrencies: false, fetchMarkets: { types: ['spot'] } },
  });
  Object.assign(exchange.urls.api as object, {
    public: `${proxy.url}/api/v3`,
    private: `${proxy.url}/api/v3`,
    sapi: `${proxy.url}/sapi/v1`,
  });
  const ws = (exchange.urls.api as { ws: Record<string, unknown> }).ws;
  ws.spot = `${wsUrl}/stream`;
  ws['ws-api'] = {
    spot: `${wsUrl}/ws-api/v3`,
    future: `${wsUrl}/ws-fapi/v1`,
    delivery: `${wsUrl}/ws-dapi/v1`,
  };
  await exchange.loadHttpProxyAgent();
  cleanups.push(() => exchange.close());
  return exchange;
}

describe.each<AccountKey>(['HMAC', 'Ed25519'])(
  'ccxt.pro in front of an account with an %s key',
  (account) => {
    it('The library ccxt places an order over its socket, hears of it, and cancels it', async () => {
      const stage = await openWsStage(account);
      cleanups.push(() => stage.close());
      const exchange = await connect(stage);
      const heard: string[] = [];
      const watching = (async () => {
        while (heard.length < 2)
          for (const order of await exchange.watchOrders('BTC/USDT')) heard.push(String(order.status));
      })();
      await eventually(() =>
        stage.simulator.frames.some(({ method }) => method?.startsWith('userDataStream.subscribe')),
      );
      const order = await exchange.createOrderWs('BTC/USDT', 'limit', 'buy', 0.01, 10_000);
      expect(order).toMatchObject({ symbol: 'BTC/USDT', status: 'open' });
      await eventually(() => heard.includes('open'));
      await exchange.cancelOrderWs(String(order.id), 'BTC/USDT');
      await watching;
      expect(heard).toContain('canceled');
      expectFaithfulFrames(stage, APP_KEY, APP_SECRET);
    });
  },
);

const SWAP = 'BTC/USDT:USDT';

/** Every address that docs/clients.md names, and signed frames where the proxy insists on them. */
async function connectWhole({ baseUrl, wsUrl, key, secret }: Stage) {
  const api: Record<string, unknown> = {};
  for (const [name, url] of Object.entries<string>(new ccxt.binance().urls.api as never))
    api[name] = baseUrl + new URL(url).pathname;
  const spot = `${wsUrl}/stream`;
  api.ws = {
    ...{ spot, margin: spot, future: `${wsUrl}/usdm/ws`, delivery: `${wsUrl}/coinm/ws` },
    'ws-api': {
      spot: `${wsUrl}/ws-api/v3`,
      future: `${wsUrl}/ws-fapi/v1`,
      delivery: `${wsUrl}/ws-dapi/v1`,
    },
  };
  const urls = { api: { ...api, dapiData: `${baseUrl}/coinm/futures/data` } };
  const exchange = new ccxt.pro.binance({ apiKey: key, secret, enableRateLimit: false, urls });
  await exchange.loadHttpProxyAgent();
  cleanups.push(() => exchange.close());
  await exchange.loadMarkets();
  return exchange;
}

describe.each(MODES)('ccxt.pro with %s', (mode) => {
  it('The library ccxt hears its trades, its balance and the market of spot', async () => {
    const stage = await openStage(mode);
    cleanups.push(() => stage.close());
    const exchange = await connectWhole(stage);
    const heard = Promise.all([
      exchange.watchTicker('BTC/USDT'),
      exchange.watchTrades('BTC/USDT'),
      exchange.watchOHLCV('BTC/USDT', '1m'),
      exchange.watchMyTrades('BTC/USDT'),
      exchange.watchBalance(),
    ]);
    for (const stream of ['miniTicker', 'trade', 'kline_1m'])
      await untilSubscribed(stage, `btcusdt@${stream}`);
    await eventually(() =>
      stage.simulator.frames.some(({ method }) => method === 'userDataStream.subscribe.signature'),
    );
    const order = await exchange.createOrderWs('BTC/USDT', 'market', 'buy', 0.01);
    expect(order).toMatchObject({ symbol: 'BTC/USDT', status: 'closed', filled: 0.01 });
    const [ticker, trades, candles, mine, balance] = await heard;
    expect(ticker.symbol).toBe('BTC/USDT');
    expect(trades[0]).toMatchObject({ symbol: 'BTC/USDT' });
    expect(candles.length).toBeGreaterThan(0);
    expect(mine[0]).toMatchObject({ symbol: 'BTC/USDT', order: order.id, amount: 0.01 });
    expect(balance.BTC?.total).toBeGreaterThan(2);
    expectFaithful(stage);
  });

  it('The library ccxt trades over the socket of USD-M, hears its fill and the market', async () => {
    const stage = await openStage(mode);
    cleanups.push(() => stage.close());
    const exchange = await connectWhole(stage);
    const market = Promise.all([exchange.watchTicker(SWAP), exchange.watchBidsAsks([SWAP])]);
    for (const stream of ['miniTicker', 'bookTicker']) await untilSubscribed(stage, `btcusdt@${stream}`);
    const fill = exchange.watchMyTrades(SWAP);
    await untilOpened(stage, /^\/private\/ws\?listenKey=/);
    const resting = await exchange.createOrderWs(SWAP, 'limit', 'buy', 0.01, 10_000);
    expect(await exchange.cancelOrderWs(String(resting.id), SWAP)).toMatchObject({ status: 'canceled' });
    const order = await exchange.createOrderWs(SWAP, 'market', 'buy', 0.01);
    expect((await fill)[0]).toMatchObject({ symbol: SWAP, order: order.id, amount: 0.01 });
    await exchange.createOrder('BTC/USDT', 'market', 'buy', 0.01); // what moves the simulator's markets
    expect((await market)[0].symbol).toBe(SWAP);
    expectFaithful(stage);
  });
});
