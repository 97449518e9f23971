import { binance } from 'ccxt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import {
  arrivedAt,
  expectFaithful,
  MODES,
  openStage,
  type Stage,
} from '../../support/processes/library-scenario.ts';

const SWAP = 'BTC/USDT:USDT';
const INVERSE = 'BTC/USD:BTC';

describe.each(MODES)('ccxt on derivatives with %s', (mode) => {
  let stage: Stage;
  let exchange: binance;
  beforeAll(async () => {
    stage = await openStage(mode);
    const api: Record<string, string> = {};
    for (const [name, url] of Object.entries<string>(new binance().urls.api))
      api[name] = stage.baseUrl + new URL(url).pathname;
    exchange = new binance({
      apiKey: stage.key,
      secret: stage.secret,
      enableRateLimit: false,
      urls: { api: { ...api, dapiData: `${stage.baseUrl}/coinm/futures/data` } },
    });
    await exchange.loadMarkets();
  });
  afterAll(() => stage.close());

  it('The library ccxt places, lists and cancels stops of USD-M', async () => {
    const params = { stopLossPrice: 20_000, clientOrderId: 'stop-of-ccxt', reduceOnly: true };
    const stop = await exchange.createOrder(SWAP, 'market', 'sell', 0.01, undefined, params);
    expect(stop).toMatchObject({ symbol: SWAP, clientOrderId: 'stop-of-ccxt', status: 'open', side: 'sell' });
    expect(stop.triggerPrice).toBe(20_000);
    const conditional = { trigger: true };
    const listed = await exchange.fetchOpenOrders(SWAP, undefined, undefined, conditional);
    expect(listed.map(({ id }) => id)).toEqual([stop.id]);
    expect(await exchange.fetchOpenOrders(SWAP)).toEqual([]);
    const found = await exchange.fetchOrder(String(stop.id), SWAP, conditional);
    expect(found).toMatchObject({ id: stop.id, type: 'market', triggerPrice: 20_000, reduceOnly: true });
    await exchange.cancelOrder(String(stop.id), SWAP, conditional);
    expect(await exchange.fetchOpenOrders(SWAP, undefined, undefined, conditional)).toEqual([]);
    const take = { takeProfitPrice: 200_000 };
    await exchange.createOrder(SWAP, 'limit', 'sell', 0.01, 200_000, take);
    await exchange.createOrder(SWAP, 'market', 'sell', 0.01, undefined, { trailingPercent: 1 });
    expect(await exchange.fetchOpenOrders(SWAP, undefined, undefined, conditional)).toHaveLength(2);
    await exchange.cancelAllOrders(SWAP, conditional);
    expect(await exchange.fetchOpenOrders(SWAP, undefined, undefined, conditional)).toEqual([]);
    expect(arrivedAt(stage, 'POST', '/fapi/v1/algoOrder')).toHaveLength(3);
    expectFaithful(stage);
  });

  const knowsInverse = loadCatalogue().find('coinm', 'POST', '/dapi/v1/algoOrder') !== undefined;
  it.runIf(knowsInverse)('The library ccxt places, lists and cancels a stop of COIN-M', async () => {
    const conditional = { trigger: true };
    const stop = await exchange.createOrder(INVERSE, 'market', 'sell', 1, undefined, {
      stopLossPrice: 20_000,
    });
    const listed = await exchange.fetchOpenOrders(INVERSE, undefined, undefined, conditional);
    expect(listed.map(({ id }) => id)).toEqual([stop.id]);
    await exchange.cancelOrder(String(stop.id), INVERSE, conditional);
    expect(await exchange.fetchOpenOrders(INVERSE, undefined, undefined, conditional)).toEqual([]);
  });

  it('The library ccxt reads balances of every wallet, positions and modes', async () => {
    await exchange.createOrder(SWAP, 'market', 'buy', 0.01);
    expect((await exchange.fetchBalance({ type: 'future' })).USDT?.total).toBeGreaterThan(0);
    expect((await exchange.fetchBalance({ type: 'delivery' })).BTC?.total).toBe(0);
    expect((await exchange.fetchBalance({ type: 'margin' })).BTC?.total).toBe(0);
    expect(await exchange.fetchBalance({ type: 'margin', marginMode: 'isolated' })).toBeDefined();
    expect(await exchange.fetchBalance({ type: 'funding' })).toBeDefined();
    for (const method of ['positionRisk', 'account']) {
      const positions = await exchange.fetchPositions([SWAP], { method });
      expect(positions).toHaveLength(1);
      expect(positions[0]).toMatchObject({
        symbol: SWAP,
        contracts: 0.01,
        side: 'long',
        marginMode: 'cross',
      });
    }
    expect(await exchange.fetchPositions([INVERSE])).toEqual([]);
    expect(await exchange.fetchPositionMode(SWAP)).toMatchObject({ hedged: false });
    expect(await exchange.fetchMarginModes([SWAP])).toMatchObject({ [SWAP]: { marginMode: 'cross' } });
    expect(await exchange.fetchLeverages([SWAP])).toMatchObject({ [SWAP]: { longLeverage: 20 } });
    expect((await exchange.fetchLeverageTiers([SWAP]))[SWAP]).toHaveLength(2);
    expect(await exchange.fetchMyTrades(SWAP)).toMatchObject([{ symbol: SWAP, amount: 0.01, side: 'buy' }]);
    expect(await exchange.fetchFundingHistory(SWAP)).toEqual([]);
  });

  it('The library ccxt reads fees, addresses and histories', async () => {
    expect((await exchange.fetchTradingFees())['BTC/USDT']).toMatchObject({ maker: 0.001, taker: 0.001 });
    expect(await exchange.fetchTradingFee(SWAP)).toMatchObject({ maker: 0.0002, taker: 0.0004 });
    expect(await exchange.fetchTradingFee(INVERSE)).toMatchObject({ maker: 0.0001 });
    expect((await exchange.fetchDepositAddress('BTC')).address).toMatch(/^0x/);
    expect(await exchange.fetchDeposits()).toEqual([]);
    expect(await exchange.fetchWithdrawals()).toEqual([]);
    expect(
      await exchange.fetchTransfers(undefined, undefined, undefined, {
        fromAccount: 'spot',
        toAccount: 'future',
      }),
    ).toEqual([]);
    expect(await exchange.fetchLedger(undefined, undefined, undefined, { type: 'future' })).toEqual([]);
    expect(Object.keys(await exchange.fetchDepositWithdrawFees(['BTC']))).toEqual(['BTC']);
    expect(await exchange.fetchOpenOrders('BTC/USDT', undefined, undefined, { marginMode: 'cross' })).toEqual(
      [],
    );
  });
});
