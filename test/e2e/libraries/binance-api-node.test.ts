import binanceApiNode from 'binance-api-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/clients/ws-app.ts';
import {
  arrivedAt,
  expectFaithful,
  MODES,
  openStage,
  type Stage,
  thrownBy,
  untilOpened,
  untilSubscribed,
} from '../../support/processes/library-scenario.ts';

/** A CommonJS package: its function stands under `default` in Node, and not in vitest. */
const create = 'default' in binanceApiNode ? binanceApiNode.default : (binanceApiNode as never);
type Client = ReturnType<(typeof binanceApiNode)['default']>;

/** As docs/clients.md sets it up. */
function connect({ baseUrl, wsUrl, key, secret }: Stage): Client {
  return create({
    ...{ apiKey: key, apiSecret: secret },
    ...{ httpBase: baseUrl, httpFutures: baseUrl, httpDelivery: baseUrl, httpPortfolioMargin: baseUrl },
    ...{ wsBase: `${wsUrl}/ws`, wsDelivery: `${wsUrl}/coinm/ws`, wsApi: `${wsUrl}/ws-api/v3` },
    wsFutures: `${wsUrl}/market/ws`,
    wsFuturesPublic: `${wsUrl}/public/ws`,
    wsFuturesMarket: `${wsUrl}/market/ws`,
    wsFuturesPrivate: `${wsUrl}/private/ws`,
  });
}

describe.each(MODES)('binance-api-node with %s', (mode) => {
  let stage: Stage;
  let client: Client;
  beforeAll(async () => {
    stage = await openStage(mode);
    client = connect(stage);
  });
  afterAll(() => stage.close());

  it('The library binance-api-node reads prices, balances and open orders of spot, USD-M and COIN-M', async () => {
    expect(Math.abs(Number(await client.time()) - Date.now())).toBeLessThan(60_000);
    expect(await client.prices()).toMatchObject({ BTCUSDT: expect.any(String) });
    expect((await client.accountInfo()).balances.length).toBeGreaterThan(0);
    expect(await client.openOrders({ symbol: 'BTCUSDT' })).toEqual([]);
    expect((await client.futuresAccountBalance()).length).toBeGreaterThan(0);
    expect(await client.deliveryAccountBalance()).toBeInstanceOf(Array);
    expectFaithful(stage);
  });

  it('The library binance-api-node places and cancels orders of spot and USD-M', async () => {
    const order = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.01', price: '10000' };
    const spot = await client.order({ ...order, newClientOrderId: 'api-node-spot' } as never);
    expect(spot).toMatchObject({ status: 'NEW', clientOrderId: 'api-node-spot' });
    const cancelled = await client.cancelOrder({ symbol: 'BTCUSDT', orderId: spot.orderId });
    expect(cancelled).toMatchObject({ status: 'CANCELED' });
    const usdm = await client.futuresOrder({ ...order, newClientOrderId: 'api-node-usdm' } as never);
    expect(usdm).toMatchObject({ status: 'NEW', clientOrderId: 'api-node-usdm' });
    const closed = await client.futuresCancelOrder({
      symbol: 'BTCUSDT',
      origClientOrderId: 'api-node-usdm',
    } as never);
    expect(closed).toMatchObject({ status: 'CANCELED' });
    expectFaithful(stage);
  });

  it('The library binance-api-node hears its fills and the markets of spot and USD-M over sockets', async () => {
    const told: string[] = [];
    const tell = (name: string) => (event: unknown) => void told.push(`${name} ${JSON.stringify(event)}`);
    const closers = [
      client.ws.trades(['BTCUSDT'], tell('trade') as never),
      client.ws.futuresBookTicker('BTCUSDT', tell('book') as never),
      client.ws.futuresAggTrades(['BTCUSDT'], tell('aggregate') as never),
    ];
    for (const stream of ['trade', 'bookTicker', 'aggTrade'])
      await untilSubscribed(stage, `btcusdt@${stream}`);
    const leave = [
      await client.ws.user(tell('spot') as never),
      await client.ws.futuresUser(tell('usdm') as never),
    ];
    await untilOpened(stage, /^\/private\/ws\/\w{40,}$/);
    const order = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01' };
    await client.order(order as never);
    await client.futuresOrder(order as never);
    for (const name of ['trade', 'book', 'aggregate'])
      await eventually(() => told.some((text) => text.startsWith(`${name} {`)));
    for (const name of ['spot', 'usdm'])
      await eventually(() => told.some((text) => text.startsWith(`${name} {`) && text.includes('"FILLED"')));
    for (const close of closers) close({ delay: 0, fastClose: true, keepClosed: true } as never);
    for (const close of leave) await close();
    expect(stage.frames().join()).toContain(`"apiKey":"${stage.key}"`);
    expectFaithful(stage);
  });

  it('A refusal reaches users of binance-api-node with its code, and no withdrawal leaves', async () => {
    const withdrawal = { coin: 'USDT', address: '0x52908400098527886E0F7030069857D2E4169EE7', amount: 1 };
    expect(await thrownBy(() => client.withdraw(withdrawal as never))).toMatchObject({ code: -1002 });
    expect(await thrownBy(() => client.getOrder({ symbol: 'BTCUSDT', orderId: 999_999_999 }))).toMatchObject({
      code: -2013,
    });
    expect(arrivedAt(stage, 'POST', '/sapi/v1/capital/withdraw/apply')).toEqual([]);
    expectFaithful(stage);
  });
});
