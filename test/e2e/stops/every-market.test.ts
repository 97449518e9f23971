import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_BOOKS } from '../../../src/stops/cancelling/open-books.ts';
import { WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { type RestingExchange, startRestingExchange } from '../../support/servers/resting-exchange.ts';

const SINGLE = 'symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
const CONDITIONAL = 'symbol=ETHUSDT&side=SELL&quantity=1&stopPrice=1&triggerPrice=1';
/** How an order comes to rest on each market. */
const PLACING: readonly (readonly [market: string, target: string])[] = [
  ['spot', `/api/v3/order?${SINGLE}`],
  ['margin', `/sapi/v1/margin/order?${SINGLE}`],
  ['isolated margin', `/sapi/v1/margin/order?${SINGLE}&isIsolated=TRUE`],
  ['spot algo', '/sapi/v1/algo/spot/newOrderTwap?symbol=ETHUSDT&side=BUY&quantity=1&duration=300'],
  ['futures algo', '/sapi/v1/algo/futures/newOrderTwap?symbol=ETHUSDT&side=BUY&quantity=1&duration=300'],
  ['usdm', `/fapi/v1/order?${SINGLE}`],
  ['usdm conditional', `/fapi/v1/algoOrder?${CONDITIONAL}&algoType=CONDITIONAL&type=STOP_MARKET`],
  ['coinm', `/dapi/v1/order?${SINGLE}`],
  ['coinm conditional', `/dapi/v1/algoOrder?${CONDITIONAL}&algoType=CONDITIONAL&type=STOP_MARKET`],
  ['options', `/eapi/v1/order?${SINGLE}`],
  ['portfolio um', `/papi/v1/um/order?${SINGLE}`],
  ['portfolio cm', `/papi/v1/cm/order?${SINGLE}`],
  ['portfolio um algo', `/papi/v1/um/algo/order?${CONDITIONAL}&algoType=CONDITIONAL&type=STOP_MARKET`],
  ['portfolio um conditional', `/papi/v1/um/conditional/order?${CONDITIONAL}&strategyType=STOP_MARKET`],
  ['portfolio cm conditional', `/papi/v1/cm/conditional/order?${CONDITIONAL}&strategyType=STOP_MARKET`],
  ['portfolio margin', `/papi/v1/margin/order?${SINGLE}`],
];

describe('every market', () => {
  let exchange: RestingExchange;
  let proxy: TestProxy;
  beforeAll(async () => {
    exchange = await startRestingExchange();
    proxy = await startTestProxy({ upstream: exchange.url });
  });
  afterAll(async () => {
    await proxy.close();
    await exchange.close();
  });

  it('What rests through the proxy is cancelled on each, and nothing else', async () => {
    expect(PLACING.map(([market]) => market)).toEqual(OPEN_BOOKS.map(({ market }) => market));
    for (const [market, target] of PLACING) {
      const { status, text } = await send(proxy.port, target, { method: 'POST' });
      expect(status, `${market}: ${text}`).toBe(200);
      expect(exchange.orders.at(-1)).toMatchObject({ market });
      exchange.add({ market, symbol: 'ETHUSDT', id: `7${exchange.orders.length}`, clientId: 'by-hand' });
    }
    const entered = await proxy.parts.stops.enter({
      ...{ state: 'cancel-only', scope: WHOLE_PROXY, reason: 'a test', cancel: 'own' },
      ...{ operator: 'alice', channel: 'test' },
    });
    expect(entered.left).toEqual([]);
    expect(entered.cancelled).toBe(PLACING.length);
    expect(exchange.orders.map(({ clientId }) => clientId)).toEqual(PLACING.map(() => 'by-hand'));
    // Each was asked for once: nothing was cancelled by a call for a whole symbol.
    expect(exchange.cancels).toHaveLength(PLACING.length);
  });
});
