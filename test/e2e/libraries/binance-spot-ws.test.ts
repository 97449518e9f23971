import { generateKeyPairSync } from 'node:crypto';
import { DerivativesTradingUsdsFutures } from '@binance/derivatives-trading-usds-futures';
import { Spot, SpotWebsocketAPI } from '@binance/spot';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/clients/ws-app.ts';
import {
  DEAD_HTTP_PROXY,
  expectFaithful,
  openStage,
  type Stage,
  untilSubscribed,
} from '../../support/processes/library-scenario.ts';
import { type AccountKey, expectFaithfulFrames, openWsStage } from '../../support/servers/ws-stage.ts';

const {
  OrderPlaceSideEnum: Side,
  OrderPlaceTypeEnum: Type,
  OrderPlaceTimeInForceEnum: TimeInForce,
} = SpotWebsocketAPI;
const ISSUED_KEY = 'IssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKey0';
const ISSUED_SECRET = 'IssuedSecretIssuedSecretIssuedSecretIssuedSecretIssuedSecretIssu';
const STRICT = {
  env: { APP_CLIENT_KEY: ISSUED_KEY, APP_CLIENT_SECRET: ISSUED_SECRET },
  yaml: `
clients:
  app:
    account: main
    envPrefix: APP
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade]
`,
};
const PRIVATE_KEY = generateKeyPairSync('ed25519')
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe.each<[string, AccountKey, Record<string, string>, typeof STRICT | undefined, boolean]>([
  [
    'an issued pair, signing each frame',
    'HMAC',
    { apiKey: ISSUED_KEY, apiSecret: ISSUED_SECRET },
    STRICT,
    false,
  ],
  [
    'a dummy pair, for an Ed25519 account',
    'Ed25519',
    { apiKey: 'dummy-key-of-an-app', apiSecret: 'dummy-secret-of-an-app' },
    undefined,
    false,
  ],
  [
    'an Ed25519 key of its own, logging its session on',
    'HMAC',
    { apiKey: 'dummy-key-of-an-app', privateKey: PRIVATE_KEY },
    undefined,
    true,
  ],
])('@binance/spot websocketAPI with %s', (_name, account, keys, options, logsOn) => {
  it('The library @binance/spot places an order over its socket, hears of it, and cancels it', async () => {
    for (const [name, value] of Object.entries(DEAD_HTTP_PROXY)) vi.stubEnv(name, value);
    vi.spyOn(console, 'info').mockImplementation(() => {});
    const stage = await openWsStage(account, options);
    cleanups.push(() => stage.close());
    const configurationWebsocketAPI = { ...keys, wsURL: `${stage.wsUrl}/ws-api/v3`, timeout: 10_000 };
    const connection = await new Spot({ configurationWebsocketAPI } as never).websocketAPI.connect();
    cleanups.push(() => void connection.disconnect());
    if (logsOn) await connection.sessionLogon();
    const events: unknown[] = [];
    const { stream } = logsOn
      ? await connection.userDataStreamSubscribe()
      : await connection.userDataStreamSubscribeSignature();
    stream.on('message', (event) => void events.push(event));
    const placed = await connection.orderPlace({
      symbol: 'BTCUSDT',
      side: Side.BUY,
      type: Type.LIMIT,
      timeInForce: TimeInForce.GTC,
      quantity: 0.01,
      price: 10_000,
      newClientOrderId: 'ws-sdk-1',
    });
    expect(placed.data).toMatchObject({ symbol: 'BTCUSDT', clientOrderId: 'ws-sdk-1' });
    await eventually(() => JSON.stringify(events).includes('"X":"NEW"'));
    const cancelled = await connection.orderCancel({ symbol: 'BTCUSDT', origClientOrderId: 'ws-sdk-1' });
    expect(cancelled.data).toMatchObject({ status: 'CANCELED' });
    await eventually(() => JSON.stringify(events).includes('"X":"CANCELED"'));
    expectFaithfulFrames(stage, ...Object.values(keys));
  });
});

describe('@binance packages on streams', () => {
  it('The library @binance/spot hears the market of spot', async () => {
    const stage = await openStage('an issued key pair');
    cleanups.push(() => stage.close());
    vi.spyOn(console, 'info').mockImplementation(() => {});
    const configurationWebsocketStreams = { wsURL: stage.wsUrl };
    const connection = await new Spot({ configurationWebsocketStreams }).websocketStreams.connect();
    cleanups.push(() => void connection.disconnect());
    const told: unknown[] = [];
    connection.trade({ symbol: 'btcusdt' }).on('message', (event) => void told.push(event));
    await untilSubscribed(stage, 'btcusdt@trade');
    await trade(stage);
    await eventually(() => told.length > 0);
    expect(told[0]).toMatchObject({ e: 'trade', s: 'BTCUSDT' });
    expectFaithful(stage);
  });

  it('The library @binance/derivatives-trading-usds-futures trades over its socket and hears fill and market', async () => {
    const stage = await openStage('an issued key pair');
    cleanups.push(() => stage.close());
    vi.spyOn(console, 'info').mockImplementation(() => {});
    const pair = { apiKey: stage.key, apiSecret: stage.secret, timeout: 20_000 };
    const usdm = new DerivativesTradingUsdsFutures({
      configurationRestAPI: { ...pair, basePath: stage.baseUrl },
      configurationWebsocketAPI: { ...pair, wsURL: `${stage.wsUrl}/ws-fapi/v1` },
      configurationWebsocketStreams: { wsURL: `${stage.wsUrl}/usdm` },
    });
    const streams = await usdm.websocketStreams.connect();
    cleanups.push(() => void streams.disconnect());
    const { listenKey = '' } = await (await usdm.restAPI.startUserDataStream()).data();
    const told: string[] = [];
    const tell = (event: unknown) => void told.push(JSON.stringify(event));
    streams.userData(listenKey).on('message', tell);
    streams.individualSymbolBookTickerStreams({ symbol: 'btcusdt' }).on('message', tell);
    streams.aggregateTradeStreams({ symbol: 'btcusdt' }).on('message', tell);
    for (const stream of ['bookTicker', 'aggTrade']) await untilSubscribed(stage, `btcusdt@${stream}`);
    const api = await usdm.websocketAPI.connect();
    cleanups.push(() => void api.disconnect());
    const placed = await api.newOrder({
      ...{ symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: 0.01 },
      newClientOrderId: 'sdk-usdm',
    } as never);
    expect(placed.data).toMatchObject({ clientOrderId: 'sdk-usdm' });
    await trade(stage);
    for (const sign of ['"ORDER_TRADE_UPDATE"', '"bookTicker"', '"aggTrade"'])
      await eventually(() => told.some((text) => text.includes(sign)));
    expectFaithful(stage);
  });
});

/** Moves the simulator's markets. */
async function trade({ baseUrl, key, secret }: Stage): Promise<void> {
  const configurationRestAPI = { apiKey: key, apiSecret: secret, basePath: baseUrl, timeout: 20_000 };
  const order = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: 0.01 };
  await new Spot({ configurationRestAPI }).restAPI.newOrder(order as never);
}
