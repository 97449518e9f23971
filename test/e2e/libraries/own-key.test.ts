import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Spot, SpotRestAPI, SpotWebsocketAPI } from '@binance/spot';
import { MainClient } from 'binance';
import ccxt from 'ccxt';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DEAD_HTTP_PROXY } from '../../support/processes/library-scenario.ts';
import { expectFaithfulFrames, openWsStage, type WsStage } from '../../support/servers/ws-stage.ts';

const KEY = 'IssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKey0';
const YAML = `
clients:
  app:
    account: main
    envPrefix: APP
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade]
`;
const PAIRS = {
  Ed25519: () => generateKeyPairSync('ed25519'),
  RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

describe.each(Object.entries(PAIRS))('libraries that know a key file alone: %s', (kind, newPair) => {
  const pair = newPair();
  const privateKey = pkcs8(pair.privateKey);
  const stranger = pkcs8(newPair().privateKey);
  let stage: WsStage;
  beforeAll(async () => {
    for (const [name, value] of Object.entries(DEAD_HTTP_PROXY)) vi.stubEnv(name, value);
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const env = { APP_CLIENT_KEY: KEY, APP_CLIENT_PUBLIC_KEY: publicKey };
    stage = await openWsStage('HMAC', { env, yaml: YAML });
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(async () => {
    vi.unstubAllEnvs();
    await stage.close();
  });
  const ordersArrived = () =>
    stage.simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v3/order')
      .length + stage.simulator.frames.filter(({ text }) => text.includes('"order.place"')).length;

  it('The library @binance/spot trades over REST with a privateKey', async () => {
    const connect = (key: string) => {
      const options = {
        apiKey: KEY,
        privateKey: key,
        basePath: stage.proxy.url,
        timeout: 10_000,
        retries: 0,
      };
      return new Spot({ configurationRestAPI: options }).restAPI;
    };
    const {
      NewOrderSideEnum: Side,
      NewOrderTypeEnum: Type,
      NewOrderTimeInForceEnum: TimeInForce,
    } = SpotRestAPI;
    const order = {
      ...{ symbol: 'BTCUSDT', side: Side.BUY, type: Type.LIMIT, timeInForce: TimeInForce.GTC },
      ...{ quantity: 0.01, price: 10_000, newClientOrderId: 'own-key-rest' },
    };
    const spot = connect(privateKey);
    expect((await (await spot.getAccount()).data()).balances?.length).toBeGreaterThan(0);
    expect(await (await spot.newOrder(order)).data()).toMatchObject({ clientOrderId: 'own-key-rest' });
    const cancelled = await spot.deleteOrder({ symbol: 'BTCUSDT', origClientOrderId: 'own-key-rest' });
    expect(await cancelled.data()).toMatchObject({ status: 'CANCELED' });
    const before = ordersArrived();
    await expect(connect(stranger).newOrder(order)).rejects.toThrow(
      'Signature for this request is not valid',
    );
    expect(ordersArrived()).toBe(before);
  });

  it.runIf(kind === 'Ed25519')(
    'The library @binance/spot logs its session on, and trades in it',
    async () => {
      vi.spyOn(console, 'info').mockImplementation(() => {});
      const connect = (key: string) => {
        const options = { apiKey: KEY, privateKey: key, wsURL: `${stage.wsUrl}/ws-api/v3`, timeout: 10_000 };
        return new Spot({ configurationWebsocketAPI: options }).websocketAPI.connect();
      };
      const { OrderPlaceSideEnum: Side, OrderPlaceTypeEnum: Type } = SpotWebsocketAPI;
      const order = {
        ...{ symbol: 'BTCUSDT', side: Side.BUY, type: Type.LIMIT, quantity: 0.01, price: 10_000 },
        timeInForce: SpotWebsocketAPI.OrderPlaceTimeInForceEnum.GTC,
      };
      const connection = await connect(privateKey);
      await connection.sessionLogon();
      const placed = await connection.orderPlace({ ...order, newClientOrderId: 'own-key-ws' });
      expect(placed.data).toMatchObject({ clientOrderId: 'own-key-ws' });
      const cancelled = await connection.orderCancel({ symbol: 'BTCUSDT', origClientOrderId: 'own-key-ws' });
      expect(cancelled.data).toMatchObject({ status: 'CANCELED' });
      await connection.disconnect();
      const other = await connect(stranger);
      await expect(other.sessionLogon()).rejects.toMatchObject({ code: -1022 });
      await other.disconnect();
      expectFaithfulFrames(stage, KEY, ...privateKey.split('\n').slice(1, -2));
    },
  );

  it('The library ccxt trades with a private key as its secret', async () => {
    const connect = (secret: string) => {
      const exchange = new ccxt.binance({
        apiKey: KEY,
        secret,
        options: { fetchMarkets: { types: ['spot'] } },
      });
      const api = exchange.urls.api as Record<string, string>;
      for (const [name, url] of Object.entries(api))
        if (typeof url === 'string') api[name] = url.replace(/^https:\/\/[^/]+/, stage.proxy.url);
      exchange.options.fetchCurrencies = false;
      return exchange;
    };
    const exchange = connect(privateKey);
    const order = await exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.01, 10_000);
    expect(await exchange.cancelOrder(String(order.id), 'BTC/USDT')).toMatchObject({ status: 'canceled' });
    const before = ordersArrived();
    await expect(connect(stranger).createOrder('BTC/USDT', 'limit', 'buy', 0.01, 10_000)).rejects.toThrow(
      'Signature for this request is not valid',
    );
    expect(ordersArrived()).toBe(before);
  });

  it('The library binance trades with a private key as its secret', async () => {
    const connect = (api_secret: string) =>
      new MainClient({ api_key: KEY, api_secret, baseUrl: stage.proxy.url });
    const client = connect(privateKey);
    const order = {
      ...({ symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC' } as const),
      ...{ quantity: 0.01, price: 10_000 },
    };
    const { orderId } = await client.submitNewOrder(order);
    expect(await client.cancelOrder({ symbol: 'BTCUSDT', orderId })).toMatchObject({ status: 'CANCELED' });
    await expect(connect(stranger).submitNewOrder(order)).rejects.toMatchObject({ code: -1022 });
  });
});
