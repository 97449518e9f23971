import { Spot, SpotRestAPI } from '@binance/spot';
import { ForbiddenError, Wallet } from '@binance/wallet';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  arrivedAt,
  CHINESE_SYMBOL,
  DEAD_HTTP_PROXY,
  expectFaithful,
  MODES,
  ODD_SPOT_ID,
  openStage,
  type Stage,
  thrownBy,
  timesSent,
} from '../../support/processes/library-scenario.ts';

const WITHDRAWAL = '/sapi/v1/capital/withdraw/apply';
const { NewOrderSideEnum: Side, NewOrderTypeEnum: Type, NewOrderTimeInForceEnum: TimeInForce } = SpotRestAPI;

describe.each(MODES)('@binance/spot and @binance/wallet with %s', (mode) => {
  let stage: Stage;
  let spot: SpotRestAPI.RestAPI;
  let wallet: Wallet['restAPI'];

  beforeAll(async () => {
    for (const [name, value] of Object.entries(DEAD_HTTP_PROXY)) vi.stubEnv(name, value);
    stage = await openStage(mode);
    const configurationRestAPI = {
      apiKey: stage.key,
      apiSecret: stage.secret,
      basePath: stage.baseUrl,
      timeout: 10_000,
      backoff: 10,
    };
    spot = new Spot({ configurationRestAPI }).restAPI;
    wallet = new Wallet({ configurationRestAPI }).restAPI;
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await stage.close();
  });

  it('The library @binance/spot reads time, rules, book and klines', async () => {
    const { serverTime } = await (await spot.time()).data();
    expect(Math.abs(Number(serverTime) - Date.now())).toBeLessThan(60_000);
    const rules = await (await spot.exchangeInfo({ symbols: ['BTCUSDT', CHINESE_SYMBOL] })).data();
    expect(rules.symbols?.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', CHINESE_SYMBOL]);
    const book = await spot.depth({ symbol: CHINESE_SYMBOL, limit: 5 });
    expect((await book.data()).bids).toHaveLength(5);
    expect(book.rateLimits).toMatchObject([{ rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE' }]);
    const interval = SpotRestAPI.KlinesIntervalEnum.INTERVAL_1h;
    expect(await (await spot.klines({ symbol: 'BTCUSDT', interval, limit: 3 })).data()).toHaveLength(3);
  });

  it('The libraries @binance/spot and @binance/wallet read the account', async () => {
    const account = await (await spot.getAccount({ omitZeroBalances: true })).data();
    expect(account.balances?.find(({ asset }) => asset === '币安人生')?.free).toBe('1000.00000000');
    expect(await (await wallet.userAsset({ asset: 'ETH' })).data()).toMatchObject([
      { asset: 'ETH', free: '10.00000000' },
    ]);
  });

  it('The library @binance/spot places, queries, replaces and cancels a limit order under an odd client order id', async () => {
    const order = { symbol: 'BTCUSDT', side: Side.BUY, timeInForce: TimeInForce.GTC };
    const limit = { ...order, type: Type.LIMIT, quantity: 0.01, price: 50_000 };
    const placed = await (await spot.newOrder({ ...limit, newClientOrderId: ODD_SPOT_ID })).data();
    expect(placed).toMatchObject({ clientOrderId: ODD_SPOT_ID, status: 'NEW' });
    const query = { symbol: 'BTCUSDT', origClientOrderId: ODD_SPOT_ID };
    expect(await (await spot.getOrder(query)).data()).toMatchObject({ orderId: placed.orderId });
    const replaced = await (
      await spot.orderCancelReplace({
        symbol: 'BTCUSDT',
        side: SpotRestAPI.OrderCancelReplaceSideEnum.BUY,
        type: SpotRestAPI.OrderCancelReplaceTypeEnum.LIMIT,
        timeInForce: SpotRestAPI.OrderCancelReplaceTimeInForceEnum.GTC,
        cancelReplaceMode: SpotRestAPI.OrderCancelReplaceCancelReplaceModeEnum.STOP_ON_FAILURE,
        cancelOrigClientOrderId: ODD_SPOT_ID,
        quantity: 0.02,
        price: 49_000,
      })
    ).data();
    expect(replaced).toMatchObject({ cancelResult: 'SUCCESS', newOrderResult: 'SUCCESS' });
    const [open, ...others] = await (await spot.getOpenOrders({ symbol: 'BTCUSDT' })).data();
    expect(others).toEqual([]);
    expect(open).toMatchObject({ price: '49000.00000000', status: 'NEW' });
    const canceled = await spot.deleteOrder({ symbol: 'BTCUSDT', orderId: open!.orderId! });
    expect(await canceled.data()).toMatchObject({ status: 'CANCELED', orderId: open!.orderId });
  });

  it('The library @binance/spot trades a symbol in Chinese', async () => {
    const order = { symbol: CHINESE_SYMBOL, side: Side.SELL, type: Type.LIMIT, timeInForce: TimeInForce.GTC };
    const placed = await (await spot.newOrder({ ...order, quantity: 100, price: 0.25 })).data();
    expect(placed).toMatchObject({ symbol: CHINESE_SYMBOL, status: 'NEW' });
    const canceled = await spot.deleteOrder({ symbol: CHINESE_SYMBOL, orderId: placed.orderId! });
    expect(await canceled.data()).toMatchObject({ status: 'CANCELED' });
  });

  it('The library @binance/spot buys at the market for an amount of the quote currency and reads the fills', async () => {
    const order = { symbol: 'BTCUSDT', side: Side.BUY, type: Type.MARKET, quoteOrderQty: 600 };
    const bought = await (await spot.newOrder(order)).data();
    expect(bought.status).toBe('FILLED');
    const filled = bought.fills?.reduce((sum, { qty }) => sum + Number(qty), 0);
    expect(filled).toBeCloseTo(Number(bought.executedQty), 8);
    const trades = await (await spot.myTrades({ symbol: 'BTCUSDT' })).data();
    expect(new Set(trades.map(({ orderId }) => orderId))).toEqual(new Set([bought.orderId]));
  });

  it('The library @binance/wallet converts dust, where it may', async () => {
    const convert = async () => (await wallet.dustTransfer({ asset: 'ETH' })).data();
    if (stage.mayConvert) {
      expect((await convert()).transferResult).toMatchObject([{ fromAsset: 'ETH' }]);
      return;
    }
    expect(await thrownBy(convert)).toBeInstanceOf(ForbiddenError);
    expect(arrivedAt(stage, 'POST', '/sapi/v1/asset/dust')).toEqual([]);
  });

  it('The library @binance/wallet takes the refusal of a withdrawal for final', async () => {
    const error = await thrownBy(() => wallet.withdraw({ coin: 'USDT', address: '0x0', amount: 10 }));
    expect(error).toBeInstanceOf(ForbiddenError);
    expect(error).toMatchObject({ code: -1002, message: expect.stringContaining('denylist') });
    expect(timesSent(stage, 'POST', WITHDRAWAL)).toBe(1);
    expect(arrivedAt(stage, 'POST', WITHDRAWAL)).toEqual([]);
  });

  it('The library @binance/spot may repeat a signed GET after a 503, which is then stamped and signed anew', async () => {
    const before = arrivedAt(stage, 'GET', '/api/v3/rateLimit/order').length;
    stage.simulator.inject({
      kind: 'status',
      status: 503,
      body: '{"code":-1008,"msg":"Server is currently overloaded with other requests."}',
      match: { path: '/api/v3/rateLimit/order' },
    });
    expect(await (await spot.rateLimitOrder()).data()).toHaveLength(2);
    const repeated = stage.sent().match(/GET \/api\/v3\/rateLimit\/order\?\S+/g) ?? [];
    expect(repeated).toHaveLength(2);
    expect(new Set(repeated).size).toBe(1);
    const arrived = arrivedAt(stage, 'GET', '/api/v3/rateLimit/order').slice(before);
    expect(arrived.map(({ status }) => status)).toEqual([503, 200]);
    expect(new Set(arrived.map(({ target }) => target)).size).toBe(2);
  });

  it('The library @binance/spot leaves nothing of its own at the exchange or in the log', () => {
    expectFaithful(stage);
  });
});
