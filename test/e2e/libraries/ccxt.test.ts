import { AuthenticationError, binance, OperationFailed } from 'ccxt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrivedAt,
  CHINESE_SYMBOL,
  COINM_ALGO,
  expectFaithful,
  lastParameter,
  MODES,
  ODD_FUTURES_ID,
  ODD_SPOT_ID,
  openStage,
  parametersOf,
  type Stage,
  thrownBy,
  timesSent,
} from '../../support/processes/library-scenario.ts';

const SPOT = 'BTC/USDT';
const SWAP = 'BTC/USDT:USDT';
const INVERSE = 'BTC/USD:BTC';
const ADDRESS = '0x52908400098527886E0F7030069857D2E4169EE7';
const WITHDRAWAL = '/sapi/v1/capital/withdraw/apply';

/** The library's own list of URLs, with the proxy in the place of Binance's hosts. */
function throughProxy(baseUrl: string): Record<string, string> {
  const api: Record<string, string> = {};
  for (const [name, url] of Object.entries<string>(new binance().urls.api))
    api[name] = baseUrl + new URL(url).pathname;
  return { ...api, dapiData: `${baseUrl}/coinm/futures/data` };
}

describe.each(MODES)('ccxt with %s', (mode) => {
  let stage: Stage;
  let exchange: binance;

  beforeAll(async () => {
    stage = await openStage(mode);
    exchange = new binance({
      apiKey: stage.key,
      secret: stage.secret,
      enableRateLimit: false,
      urls: { api: throughProxy(stage.baseUrl) },
    });
  });
  afterAll(() => stage.close());

  it('The library ccxt reads time, markets, book and klines', async () => {
    expect(Math.abs((await exchange.fetchTime())! - Date.now())).toBeLessThan(60_000);
    await exchange.loadMarkets();
    expect(exchange.market(SPOT).id).toBe('BTCUSDT');
    expect(exchange.market(SPOT).margin).toBe(true);
    expect(exchange.market(SWAP).linear).toBe(true);
    expect(exchange.market('BTC/USD:BTC').inverse).toBe(true);
    expect(exchange.currency('ETH').networks).toHaveProperty('ETH');
    const book = await exchange.fetchOrderBook(SPOT, 5);
    expect(book.bids[0]![0]).toBeLessThan(book.asks[0]![0]!);
    expect(await exchange.fetchOHLCV(SPOT, '1h', undefined, 3)).toHaveLength(3);
    expect((await exchange.fetchOrderBook(SWAP, 5)).bids).not.toHaveLength(0);
  });

  it('The library ccxt reads the account', async () => {
    const balance = await exchange.fetchBalance();
    expect(balance.USDT).toMatchObject({ free: 100_000 });
    expect(balance.币安人生).toMatchObject({ free: 1000 });
  });

  it('The library ccxt places, queries, replaces and cancels a limit order under an odd client order id', async () => {
    const placed = await exchange.createOrder(SPOT, 'limit', 'buy', 0.01, 50_000, {
      clientOrderId: ODD_SPOT_ID,
    });
    expect(placed).toMatchObject({ clientOrderId: ODD_SPOT_ID, status: 'open', filled: 0 });
    expect(await exchange.fetchOrder(placed.id!, SPOT)).toMatchObject({ id: placed.id, price: 50_000 });
    const replaced = await exchange.editOrder(placed.id!, SPOT, 'limit', 'buy', 0.02, 49_000);
    expect(replaced).toMatchObject({ status: 'open', amount: 0.02, price: 49_000 });
    const open = await exchange.fetchOpenOrders(SPOT);
    expect(open.map(({ id }) => id)).toEqual([replaced.id]);
    expect(await exchange.cancelOrder(replaced.id!, SPOT)).toMatchObject({ status: 'canceled' });
    expect(await exchange.fetchOpenOrders(SPOT)).toEqual([]);
  });

  it('The library ccxt trades a symbol in Chinese', async () => {
    const order = await exchange.createOrder('币安人生/USDT', 'limit', 'sell', 100, 0.25);
    expect(order).toMatchObject({ symbol: '币安人生/USDT', status: 'open', amount: 100 });
    expect(lastParameter(stage, 'POST', '/api/v3/order', 'symbol')).toBe(CHINESE_SYMBOL);
    expect(await exchange.cancelOrder(order.id!, '币安人生/USDT')).toMatchObject({ status: 'canceled' });
  });

  it('The library ccxt buys at the market for an amount of the quote currency and reads the fills', async () => {
    const order = await exchange.createMarketBuyOrderWithCost(SPOT, 600);
    expect(order.status).toBe('closed');
    expect(order.cost).toBeGreaterThan(590);
    expect(order.cost).toBeLessThanOrEqual(600);
    expect(order.trades).not.toHaveLength(0);
    expect(lastParameter(stage, 'POST', '/api/v3/order', 'quoteOrderQty')).toBe('600');
    const trades = await exchange.fetchMyTrades(SPOT);
    expect(new Set(trades.map((trade) => trade.order))).toEqual(new Set([order.id]));
  });

  it('The library ccxt sends a batch of futures orders whose JSON it leaves raw', async () => {
    const ids = [ODD_FUTURES_ID, `${ODD_FUTURES_ID}_b`];
    const placed = await exchange.createOrders(
      ids.map((clientOrderId) => ({
        symbol: SWAP,
        type: 'limit' as const,
        side: 'buy' as const,
        amount: 0.01,
        price: 50_000,
        params: { clientOrderId },
      })),
    );
    expect(placed.map((order) => order.clientOrderId)).toEqual(ids);
    expect(stage.sent()).toContain('&batchOrders=[{"symbol":"BTCUSDT"');
    expect(arrivedAt(stage, 'POST', '/fapi/v1/batchOrders')[0]!.body.toString()).toContain(
      'batchOrders=%5B%7B%22symbol%22:%22BTCUSDT%22',
    );
    const canceled = await exchange.cancelOrders([], SWAP, { clientOrderIds: ids });
    expect(canceled.map((order) => order.status)).toEqual(['canceled', 'canceled']);
  });

  it('The library ccxt places, queries and cancels a futures order under an odd client order id', async () => {
    const params = { clientOrderId: ODD_FUTURES_ID };
    const order = await exchange.createOrder(SWAP, 'limit', 'buy', 0.01, 50_000, params);
    expect(order).toMatchObject({ clientOrderId: ODD_FUTURES_ID, status: 'open', symbol: SWAP });
    expect(await exchange.fetchOrder(order.id!, SWAP)).toMatchObject({ id: order.id });
    expect(await exchange.cancelOrder(order.id!, SWAP)).toMatchObject({ status: 'canceled' });
  });

  it('The library ccxt places, lists and cancels a COIN-M stop', async () => {
    const params = { stopLossPrice: 19_000 };
    const stop = await exchange.createOrder(INVERSE, 'market', 'sell', 1, undefined, params);
    expect(stop.id).toBeDefined();
    const placed = parametersOf(arrivedAt(stage, 'POST', COINM_ALGO)[0]);
    expect(Object.fromEntries(placed)).toMatchObject({
      ...{ algoType: 'CONDITIONAL', symbol: 'BTCUSD_PERP', side: 'SELL', type: 'STOP_MARKET' },
      ...{ quantity: '1', triggerPrice: '19000' },
    });
    // The library names its id newClientOrderId there, so the proxy adds one that can be asked for.
    const id = lastParameter(stage, 'POST', COINM_ALGO, 'clientAlgoId');
    expect(id).toMatch(/^bsp-/);
    const open = await exchange.fetchOpenOrders(INVERSE, undefined, undefined, { trigger: true });
    expect(open.map(({ clientOrderId }) => clientOrderId)).toEqual([id]);
    await exchange.cancelOrder(open[0]!.id!, INVERSE, { trigger: true });
    expect(arrivedAt(stage, 'DELETE', COINM_ALGO)).toHaveLength(1);
  });

  it('The library ccxt opens a futures user stream, for which it sends the key alone', async () => {
    expect((await exchange.fapiPrivatePostListenKey()).listenKey).toMatch(/^[0-9a-f]{64}$/);
  });

  it('The library ccxt converts dust with a name that stands twice, where it may', async () => {
    const convert = () => exchange.sapiPostAssetDust({ asset: ['ETH', 'BNB'] });
    if (!stage.mayConvert) {
      expect(await thrownBy(convert)).toBeInstanceOf(AuthenticationError);
      expect(arrivedAt(stage, 'POST', '/sapi/v1/asset/dust')).toEqual([]);
      return;
    }
    expect((await convert()).transferResult).toMatchObject([{ fromAsset: 'ETH' }, { fromAsset: 'BNB' }]);
    const sent = parametersOf(arrivedAt(stage, 'POST', '/sapi/v1/asset/dust')[0]);
    expect(sent.slice(0, 2)).toEqual([
      ['asset', 'ETH'],
      ['asset', 'BNB'],
    ]);
  });

  it('The library ccxt takes the refusal of a withdrawal for final', async () => {
    const error = await thrownBy(() => exchange.withdraw('USDT', 10, ADDRESS, undefined, { name: '我 的' }));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).not.toBeInstanceOf(OperationFailed);
    expect(String(error)).toContain('denylist');
    expect(timesSent(stage, 'POST', WITHDRAWAL)).toBe(1);
    expect(arrivedAt(stage, 'POST', WITHDRAWAL)).toEqual([]);
  });

  it('The library ccxt leaves nothing of its own at the exchange or in the log', () => {
    expectFaithful(stage);
  });
});
