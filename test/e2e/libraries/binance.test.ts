import { CoinMClient, MainClient, USDMClient } from 'binance';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  arrivedAt,
  CHINESE_SYMBOL,
  COINM_ALGO,
  DEAD_HTTP_PROXY,
  expectFaithful,
  lastParameter,
  MODES,
  ODD_FUTURES_ID,
  ODD_SPOT_ID,
  openStage,
  type Stage,
  thrownBy,
  timesSent,
} from '../../support/processes/library-scenario.ts';

const WITHDRAWAL = '/sapi/v1/capital/withdraw/apply';

describe.each(MODES)('binance with %s', (mode) => {
  let stage: Stage;
  let main: MainClient;
  let usdm: USDMClient;
  let coinm: CoinMClient;
  /** The library warns about ids without its own prefix. */
  let spotId: string;
  let futuresId: string;

  beforeAll(async () => {
    for (const [name, value] of Object.entries(DEAD_HTTP_PROXY)) vi.stubEnv(name, value);
    stage = await openStage(mode);
    const options = { api_key: stage.key, api_secret: stage.secret, baseUrl: stage.baseUrl };
    main = new MainClient(options);
    usdm = new USDMClient(options);
    coinm = new CoinMClient(options);
    spotId = main.getOrderIdPrefix() + ODD_SPOT_ID;
    futuresId = usdm.getOrderIdPrefix() + ODD_FUTURES_ID;
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await stage.close();
  });

  it('The library binance reads time, rules, book and klines', async () => {
    const { serverTime } = (await main.get('api/v3/time')) as { serverTime: number };
    expect(Math.abs(serverTime - Date.now())).toBeLessThan(60_000);
    expect(Math.abs((await usdm.getServerTime()) - Date.now())).toBeLessThan(60_000);
    const rules = await main.getExchangeInfo({ symbols: ['BTCUSDT', CHINESE_SYMBOL] });
    expect(rules.symbols.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', CHINESE_SYMBOL]);
    expect((await main.getOrderBook({ symbol: CHINESE_SYMBOL, limit: 5 })).bids).toHaveLength(5);
    expect(await main.getKlines({ symbol: 'BTCUSDT', interval: '1h', limit: 3 })).toHaveLength(3);
    expect(main.getRateLimitStates()['x-mbx-used-weight-1m']).toBeGreaterThan(0);
  });

  it('The library binance asks Binance itself for the time in getServerTime(): the base URL does not reach it', async () => {
    const before = stage.sent().length;
    expect(String(await thrownBy(() => main.getServerTime()))).toContain('api.binance.com');
    expect(stage.sent().length).toBe(before);
  });

  it('The library binance reads the account', async () => {
    const account = await main.getAccountInformation();
    expect(account.balances.find(({ asset }) => asset === '币安人生')?.free).toBe('1000.00000000');
  });

  it('The library binance may have a slash at the end of its base URL', async () => {
    const options = { api_key: stage.key, api_secret: stage.secret, baseUrl: `${stage.baseUrl}/` };
    expect(await new MainClient(options).getOpenOrders()).toEqual([]);
    expect(stage.sent()).toContain('GET //api/v3/openOrders?');
  });

  it('The library binance places, queries, replaces and cancels a limit order under an odd client order id', async () => {
    const placed = await main.submitNewOrder({
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: 0.01,
      price: 50_000,
      newClientOrderId: spotId,
      newOrderRespType: 'FULL',
    });
    expect(placed).toMatchObject({ clientOrderId: spotId, status: 'NEW' });
    const query = { symbol: 'BTCUSDT', origClientOrderId: spotId };
    expect(await main.getOrder(query)).toMatchObject({ orderId: placed.orderId });
    const replaced = await main.replaceOrder({
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      cancelReplaceMode: 'STOP_ON_FAILURE',
      cancelOrderId: placed.orderId,
      quantity: 0.02,
      price: 49_000,
    });
    expect(replaced).toMatchObject({ cancelResult: 'SUCCESS', newOrderResult: 'SUCCESS' });
    const [open, ...others] = await main.getOpenOrders({ symbol: 'BTCUSDT' });
    expect(others).toEqual([]);
    expect(open).toMatchObject({ price: '49000.00000000' });
    expect(await main.cancelOrder({ symbol: 'BTCUSDT', orderId: open!.orderId })).toMatchObject({
      status: 'CANCELED',
    });
  });

  it('The library binance trades a symbol in Chinese', async () => {
    const placed = await main.submitNewOrder({
      symbol: CHINESE_SYMBOL,
      side: 'SELL',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: 100,
      price: 0.25,
    });
    expect(placed).toMatchObject({ symbol: CHINESE_SYMBOL });
    const canceled = await main.cancelOrder({ symbol: CHINESE_SYMBOL, orderId: placed.orderId });
    expect(canceled).toMatchObject({ status: 'CANCELED', symbol: CHINESE_SYMBOL });
  });

  it('The library binance buys at the market for an amount of the quote currency and reads the fills', async () => {
    const bought = await main.submitNewOrder({
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'MARKET',
      quoteOrderQty: 600,
      newOrderRespType: 'FULL',
    });
    expect(bought.status).toBe('FILLED');
    expect(bought.fills).not.toHaveLength(0);
    const trades = await main.getAccountTradeList({ symbol: 'BTCUSDT' });
    expect(new Set(trades.map(({ orderId }) => orderId))).toEqual(new Set([bought.orderId]));
  });

  it('The library binance places, queries and cancels a futures order under an odd client order id', async () => {
    const placed = await usdm.submitNewOrder({
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: 0.01,
      price: 50_000,
      newClientOrderId: futuresId,
    });
    expect(placed).toMatchObject({ clientOrderId: futuresId, status: 'NEW' });
    const query = { symbol: 'BTCUSDT', origClientOrderId: futuresId };
    expect(await usdm.getOrder(query)).toMatchObject({ orderId: placed.orderId });
    expect(await usdm.getAllOpenOrders({ symbol: 'BTCUSDT' })).toHaveLength(1);
    expect(await usdm.cancelOrder(query)).toMatchObject({ status: 'CANCELED' });
  });

  it('The library binance places a batch of futures orders as JSON and cancels it by lists of ids', async () => {
    const ids = [futuresId, `${futuresId}_b`];
    const placed = await usdm.submitMultipleOrders(
      ids.map((newClientOrderId) => ({
        symbol: 'BTCUSDT',
        side: 'BUY',
        type: 'LIMIT',
        timeInForce: 'GTC',
        quantity: 0.01,
        price: 50_000,
        newClientOrderId,
      })),
    );
    expect(placed).toMatchObject(ids.map((clientOrderId) => ({ clientOrderId, status: 'NEW' })));
    const canceled = await usdm.cancelMultipleOrders({ symbol: 'BTCUSDT', origClientOrderIdList: ids });
    expect(canceled).toMatchObject(ids.map((clientOrderId) => ({ clientOrderId, status: 'CANCELED' })));
    expect(lastParameter(stage, 'DELETE', '/fapi/v1/batchOrders', 'origClientOrderIdList')).toBe(
      JSON.stringify(ids),
    );
  });

  it('The library binance places, lists and cancels a COIN-M stop', async () => {
    await coinm.submitNewAlgoOrder({
      ...({ algoType: 'CONDITIONAL', symbol: 'BTCUSD_PERP', side: 'SELL', type: 'STOP_MARKET' } as const),
      ...{ quantity: 1, triggerPrice: 19_000, clientAlgoId: futuresId },
    });
    expect(arrivedAt(stage, 'POST', COINM_ALGO)[0]).toMatchObject({ verified: true, status: 200 });
    expect(lastParameter(stage, 'POST', COINM_ALGO, 'clientAlgoId')).toBe(futuresId);
    expect(await coinm.getOpenAlgoOrders({ symbol: 'BTCUSD_PERP' })).toMatchObject([
      { clientAlgoId: futuresId },
    ]);
    await coinm.cancelAlgoOrder({ clientAlgoId: futuresId });
    expect(lastParameter(stage, 'DELETE', COINM_ALGO, 'clientAlgoId')).toBe(futuresId);
  });

  it('The library binance opens, keeps and closes a user stream, for which it sends the key alone', async () => {
    expect((await usdm.getFuturesUserDataListenKey()).listenKey).toMatch(/^[0-9a-f]{64}$/);
    await usdm.keepAliveFuturesUserDataListenKey();
    await usdm.closeFuturesUserDataListenKey();
    expect(arrivedAt(stage, 'PUT', '/fapi/v1/listenKey')[0]).toMatchObject({ verified: true, status: 200 });
  });

  it('The library binance converts dust, where it may', async () => {
    const convert = () => main.convertDustToBnb({ asset: ['ETH'] });
    if (stage.mayConvert) {
      expect((await convert()).transferResult).toMatchObject([{ fromAsset: 'ETH' }]);
      return;
    }
    expect(await thrownBy(convert)).toMatchObject({ code: -1002 });
    expect(arrivedAt(stage, 'POST', '/sapi/v1/asset/dust')).toEqual([]);
  });

  it('The library binance takes the refusal of a withdrawal for final', async () => {
    const error = await thrownBy(() => main.withdraw({ coin: 'USDT', address: '0x0', amount: 10 }));
    expect(error).toMatchObject({ code: -1002, message: expect.stringContaining('denylist') });
    expect(timesSent(stage, 'POST', WITHDRAWAL)).toBe(1);
    expect(arrivedAt(stage, 'POST', WITHDRAWAL)).toEqual([]);
  });

  it('The library binance leaves nothing of its own at the exchange or in the log', () => {
    expectFaithful(stage);
  });
});
