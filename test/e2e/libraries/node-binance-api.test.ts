import Binance from 'node-binance-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/clients/ws-app.ts';
import {
  arrivedAt,
  expectFaithful,
  lastParameter,
  MODES,
  openStage,
  type Stage,
  untilOpened,
  untilSubscribed,
} from '../../support/processes/library-scenario.ts';

type Event = Readonly<Record<string, unknown>>;

/** As docs/clients.md sets it up: some addresses are options, some properties, and those of USD-M's sockets methods. */
function connect({ baseUrl, wsUrl, key, secret }: Stage) {
  const urls = {
    ...{ base: `${baseUrl}/api/`, sapi: `${baseUrl}/sapi/`, fapi: `${baseUrl}/fapi/` },
    ...{ stream: `${wsUrl}/ws/`, combineStream: `${wsUrl}/stream?streams=` },
  };
  const options = {
    APIKEY: key,
    APISECRET: secret,
    recvWindow: 20_000,
    log: () => {},
    urls,
  };
  const binance = new Binance(options as never);
  binance.Options.reconnect = false; // as an option it has no effect
  binance.dapi = `${baseUrl}/dapi/`;
  binance.wsApi = `${wsUrl}/ws-api/v3`;
  binance.getFStreamSingleUrl = (category) => `${wsUrl}/${category ?? 'market'}/ws/`;
  binance.getFStreamUrl = (category) => `${wsUrl}/${category ?? 'market'}/stream?streams=`;
  return binance;
}

describe.each(MODES)('node-binance-api with %s', (mode) => {
  let stage: Stage;
  let binance: Binance;
  beforeAll(async () => {
    stage = await openStage(mode);
    binance = connect(stage);
  });
  afterAll(() => stage.close());

  it('The library node-binance-api reads prices, balances and open orders of spot, USD-M and COIN-M', async () => {
    expect(Math.abs((await binance.time()).serverTime - Date.now())).toBeLessThan(60_000);
    expect(Number((await binance.prices()).BTCUSDT)).toBeGreaterThan(0);
    expect(await binance.balance()).toMatchObject({ BTC: { available: '2.00000000' } });
    expect(await binance.openOrders('BTCUSDT')).toEqual([]);
    expect((await binance.futuresBalance()).map(({ asset }) => asset)).toContain('USDT');
    expect(await binance.privateDeliveryRequest('v1/balance')).toBeInstanceOf(Array);
    expectFaithful(stage);
  });

  it('The library node-binance-api places and cancels orders of spot and USD-M', async () => {
    const spot = await binance.order('LIMIT', 'BUY', 'BTCUSDT', 0.01, 10_000, {
      newClientOrderId: 'node-spot',
    });
    expect(spot).toMatchObject({ symbol: 'BTCUSDT', status: 'NEW', clientOrderId: 'node-spot' });
    expect(await binance.cancel('BTCUSDT', String(spot.orderId))).toMatchObject({ status: 'CANCELED' });
    const params = { timeInForce: 'GTC', newClientOrderId: 'node-usdm' };
    const usdm = await binance.futuresOrder('LIMIT', 'BUY', 'BTCUSDT', 0.01, 10_000, params as never);
    expect(usdm).toMatchObject({ symbol: 'BTCUSDT', status: 'NEW', clientOrderId: 'node-usdm' });
    expect(await binance.futuresCancel('BTCUSDT', usdm.orderId)).toMatchObject({ status: 'CANCELED' });
    expect(lastParameter(stage, 'POST', '/api/v3/order', 'newClientOrderId')).toBe('node-spot');
    expectFaithful(stage);
  });

  it('The library node-binance-api hears its fill and the market of spot over sockets', async () => {
    const fills: Event[] = [];
    const trades: Event[] = [];
    const trading = binance.websockets.trades(['BTCUSDT'], (event: Event) => void trades.push(event));
    await untilSubscribed(stage, 'btcusdt@trade');
    await new Promise((resolve) => {
      const fill = (event: Event) => void fills.push(event);
      binance.websockets.userData(fill, () => {}, fill, resolve as never);
    });
    await binance.marketBuy('BTCUSDT', 0.01);
    await eventually(() => fills.some((event) => event.X === 'FILLED') && trades.length > 0);
    expect(trades[0]).toMatchObject({ e: 'trade', s: 'BTCUSDT' });
    expect(await binance.tickerPrice('BTCUSDT')).toMatchObject({ symbol: 'BTCUSDT' });
    binance.websockets.terminate(trading);
    for (const connection of ['userData', 'marketData']) binance.terminateWsApi(connection);
    expect(stage.frames().join()).toContain(`"apiKey":"${stage.key}"`);
    expectFaithful(stage);
  });

  it('The library node-binance-api hears its fill and the market of USD-M over sockets', async () => {
    const updates: Event[] = [];
    const books: Event[] = [];
    const book = binance.futuresBookTickerStream('BTCUSDT', (event: Event) => void books.push(event));
    await untilSubscribed(stage, 'btcusdt@bookTicker');
    const noted = (event: Event) => void updates.push(event);
    binance.websockets.userFutureData(
      noted,
      () => {},
      () => {},
      noted,
      () => {},
    );
    await untilOpened(stage, /^\/private\/ws\?listenKey=/);
    await binance.futuresMarketBuy('BTCUSDT', 0.01);
    await eventually(() => JSON.stringify(updates).includes('"FILLED"'));
    await binance.marketBuy('BTCUSDT', 0.01); // what moves the simulator's markets
    await eventually(() => books.length > 0);
    for (const endpoint of Object.keys(binance.futuresSubscriptions)) binance.futuresTerminate(endpoint);
    expect(book).toBeDefined();
    expectFaithful(stage);
  });

  it('A refusal reaches users of node-binance-api as the text of the answer, and no withdrawal leaves', async () => {
    const withdrawal = binance.withdraw('USDT', '0x52908400098527886E0F7030069857D2E4169EE7', 1);
    await expect(withdrawal).rejects.toThrow(/-1002/);
    await expect(binance.order('LIMIT', 'BUY', 'NOSUCH', 1, 1)).rejects.toThrow(/-1121|-1100/);
    expect(arrivedAt(stage, 'POST', '/sapi/v1/capital/withdraw/apply')).toEqual([]);
    expectFaithful(stage);
  });
});
