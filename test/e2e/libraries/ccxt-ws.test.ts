import ccxt from 'ccxt';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/clients/ws-app.ts';
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
  ws.spot = `${wsUrl}/ws`;
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
