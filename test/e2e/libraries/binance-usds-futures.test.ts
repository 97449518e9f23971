import {
  DerivativesTradingUsdsFuturesRestAPI as Api,
  DerivativesTradingUsdsFutures,
} from '@binance/derivatives-trading-usds-futures';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  arrivedAt,
  CHINESE_SYMBOL,
  DEAD_HTTP_PROXY,
  expectFaithful,
  lastParameter,
  MODES,
  ODD_FUTURES_ID,
  openStage,
  type Stage,
} from '../../support/processes/library-scenario.ts';

const BATCH = '/fapi/v1/batchOrders';
const order = {
  symbol: 'BTCUSDT',
  side: Api.NewOrderSideEnum.BUY,
  timeInForce: Api.NewOrderTimeInForceEnum.GTC,
};
const limit = { ...order, type: Api.NewOrderTypeEnum.LIMIT, quantity: 0.01, price: 50_000 };

describe.each(MODES)('@binance/derivatives-trading-usds-futures with %s', (mode) => {
  let stage: Stage;
  let futures: Api.RestAPI;

  beforeAll(async () => {
    for (const [name, value] of Object.entries(DEAD_HTTP_PROXY)) vi.stubEnv(name, value);
    stage = await openStage(mode);
    const configurationRestAPI = {
      apiKey: stage.key,
      apiSecret: stage.secret,
      basePath: stage.baseUrl,
      timeout: 10_000,
    };
    futures = new DerivativesTradingUsdsFutures({ configurationRestAPI }).restAPI;
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await stage.close();
  });

  it('The futures library reads time, rules, book and klines', async () => {
    const { serverTime } = await (await futures.checkServerTime()).data();
    expect(Math.abs(Number(serverTime) - Date.now())).toBeLessThan(60_000);
    const { symbols } = await (await futures.exchangeInformation()).data();
    expect(symbols?.map(({ symbol }) => symbol)).toContain(CHINESE_SYMBOL);
    expect((await (await futures.orderBook({ symbol: CHINESE_SYMBOL, limit: 5 })).data()).bids).toHaveLength(
      5,
    );
    const interval = Api.KlineCandlestickDataIntervalEnum.INTERVAL_1h;
    const candles = await futures.klineCandlestickData({ symbol: 'BTCUSDT', interval, limit: 3 });
    expect(await candles.data()).toHaveLength(3);
  });

  it('The futures library reads the account', async () => {
    expect(await (await futures.accountInformationV3()).data()).toMatchObject({
      totalWalletBalance: '10000.00000000',
    });
    expect(await (await futures.futuresAccountBalanceV3()).data()).toMatchObject([{ asset: 'USDT' }]);
  });

  it('The futures library places, queries and cancels a limit order under an odd client order id', async () => {
    const placed = await (await futures.newOrder({ ...limit, newClientOrderId: ODD_FUTURES_ID })).data();
    expect(placed).toMatchObject({ clientOrderId: ODD_FUTURES_ID, status: 'NEW' });
    const query = { symbol: 'BTCUSDT', origClientOrderId: ODD_FUTURES_ID };
    expect(await (await futures.queryOrder(query)).data()).toMatchObject({ orderId: placed.orderId });
    const open = await (await futures.currentAllOpenOrders({ symbol: 'BTCUSDT' })).data();
    expect(open.map(({ orderId }) => orderId)).toEqual([placed.orderId]);
    expect(await (await futures.cancelOrder(query)).data()).toMatchObject({ status: 'CANCELED' });
  });

  it('The futures library trades a symbol in Chinese at the market', async () => {
    const market = {
      symbol: CHINESE_SYMBOL,
      side: Api.NewOrderSideEnum.SELL,
      type: Api.NewOrderTypeEnum.MARKET,
      quantity: 100,
    };
    const sold = await (await futures.newOrder(market)).data();
    expect(sold).toMatchObject({ symbol: CHINESE_SYMBOL, status: 'FILLED', executedQty: '100' });
    expect(lastParameter(stage, 'POST', '/fapi/v1/order', 'symbol')).toBe(CHINESE_SYMBOL);
  });

  it('The futures library places a batch of orders as JSON and cancels it by lists of ids', async () => {
    const ids = [ODD_FUTURES_ID, `${ODD_FUTURES_ID}_b`];
    const batchOrders = ids.map((newClientOrderId) => ({ ...limit, newClientOrderId }));
    const placed = await (await futures.placeMultipleOrders({ batchOrders })).data();
    expect(placed.map(({ clientOrderId }) => clientOrderId)).toEqual(ids);
    const sent: unknown = JSON.parse(lastParameter(stage, 'POST', BATCH, 'batchOrders') ?? '');
    expect(sent).toMatchObject(ids.map((newClientOrderId) => ({ newClientOrderId })));
    const [first, second] = placed;
    const byId = { symbol: 'BTCUSDT', orderIdList: [Number(first!.orderId)] };
    expect(await (await futures.cancelMultipleOrders(byId)).data()).toMatchObject([{ status: 'CANCELED' }]);
    const byClientId = { symbol: 'BTCUSDT', origClientOrderIdList: [second!.clientOrderId!] };
    expect(await (await futures.cancelMultipleOrders(byClientId)).data()).toMatchObject([
      { status: 'CANCELED', clientOrderId: ids[1] },
    ]);
  });

  it('The futures library opens, keeps and closes a user stream, for which it sends the key alone', async () => {
    const { listenKey } = await (await futures.startUserDataStream()).data();
    expect(listenKey).toMatch(/^[0-9a-f]{64}$/);
    await futures.keepaliveUserDataStream();
    await futures.closeUserDataStream();
    expect(arrivedAt(stage, 'POST', '/fapi/v1/listenKey')[0]).toMatchObject({ verified: true, status: 200 });
    expect(arrivedAt(stage, 'DELETE', '/fapi/v1/listenKey')).toHaveLength(1);
  });

  it('The futures library leaves nothing of its own at the exchange or in the log', () => {
    expectFaithful(stage);
  });
});
