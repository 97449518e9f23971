import { Spot } from '@binance/spot';
import { MainClient } from 'binance';
import { binance } from 'ccxt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TradingState } from '../../../src/stops/trading-state.ts';
import { openStage, type Stage, thrownBy } from '../../support/processes/library-scenario.ts';

const ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: 0.01,
  price: 50_000,
} as const;
const STATES: readonly TradingState[] = ['reduce-only', 'cancel-only', 'halt'];
const said = (error: unknown) => [Object(error).constructor.name, (error as Error).message];

let stage: Stage;
/** It knows the markets from before the state. */
let trading: binance;
beforeAll(async () => {
  stage = await openStage('an issued key pair');
  trading = makeCcxt();
  await trading.loadMarkets();
});
afterAll(() => stage.close());

function makeCcxt() {
  const api = Object.fromEntries(
    Object.entries<string>(new binance().urls.api).map(([name, url]) => [
      name,
      stage.baseUrl + new URL(url).pathname,
    ]),
  );
  return new binance({ apiKey: stage.key, secret: stage.secret, enableRateLimit: false, urls: { api } });
}
const makeSpot = () =>
  new Spot({
    configurationRestAPI: { apiKey: stage.key, apiSecret: stage.secret, basePath: stage.baseUrl },
  }).restAPI;
const makeMain = () =>
  new MainClient({ api_key: stage.key, api_secret: stage.secret, baseUrl: stage.baseUrl });
const refused = () =>
  stage.proxy.records('call.refused').filter(({ error }) => error === 'PROXY_STOPPED').length;

describe.each(STATES)('libraries under %s', (state) => {
  const sentence = expect.stringContaining(`Stopped: the proxy is ${state}`);
  const enter = (next: TradingState) =>
    stage.proxy.parts.stops.enter({
      ...{ state: next, scope: { kind: 'proxy', name: '' }, reason: 'a test', cancel: 'none' },
      ...{ operator: 'alice', channel: 'test' },
    });
  let before = 0;
  beforeAll(() => enter(state));
  afterAll(() => enter('run'));
  beforeEach(() => {
    before = refused();
  });
  // Each call of a library was one request: none tries again by itself.
  afterEach(() => {
    expect(stage.simulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('ccxt throws once, for what it takes as the refusal of the order', async () => {
    const error = await thrownBy(() => trading.createOrder('BTC/USDT', 'limit', 'buy', 0.01, 50_000));
    expect(said(error)).toEqual(['InvalidOrder', sentence]);
    expect(refused()).toBe(before + 1);
  });

  it('@binance/spot throws once, with the sentence', async () => {
    const error = await thrownBy(() => makeSpot().newOrder(ORDER as never));
    expect(said(error)).toEqual(['BadRequestError', sentence]);
    expect(refused()).toBe(before + 1);
  });

  it('binance rejects once, with code and sentence', async () => {
    const error = await thrownBy(() => makeMain().submitNewOrder(ORDER));
    expect(error).toMatchObject({ code: -2010, message: sentence });
    expect(refused()).toBe(before + 1);
  });

  it.runIf(state !== 'halt')('They read on', async () => {
    expect(await makeCcxt().fetchOpenOrders('BTC/USDT')).toEqual([]);
    expect(await (await makeSpot().getOpenOrders({ symbol: 'BTCUSDT' })).data()).toEqual([]);
    expect(await makeMain().getOpenOrders({ symbol: 'BTCUSDT' })).toEqual([]);
  });

  it.runIf(state === 'halt')('Nothing of the account is read, and no read is tried hotly again', async () => {
    // One that knows no markets asks for those of the account first, and says the same.
    for (const [nth, exchange] of [trading, makeCcxt()].entries()) {
      const error = await thrownBy(() => exchange.fetchOpenOrders('BTC/USDT'));
      expect(said(error)).toEqual(['BadRequest', sentence]);
      expect(refused()).toBe(before + nth + 1);
    }
    before = refused();
    const error = await thrownBy(() => makeSpot().getOpenOrders({ symbol: 'BTCUSDT' }));
    expect(said(error)).toEqual(['ServerError', 'Server error: 503']);
    // The official library repeats reads of a server that is out of service, twice and with pauses.
    expect(refused() - before).toBe(3);
    before = refused();
    expect(await thrownBy(() => makeMain().getOpenOrders({ symbol: 'BTCUSDT' }))).toMatchObject({
      code: -1016,
      message: sentence,
    });
    expect(refused()).toBe(before + 1);
  });
});
