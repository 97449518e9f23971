import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { weightOf } from '../../../src/core/budget/weight.ts';
import { type Call, readCall } from '../../../src/core/call/call.ts';
import type { Endpoint, Weight } from '../../../src/core/catalogue/endpoint.ts';
import { runs } from '../../support/properties.ts';

const catalogue = loadCatalogue();

function endpointOf(method: string, path: string): Endpoint {
  const { upstream } = readCall(method, path, new Uint8Array());
  const endpoint = catalogue.find(upstream!, method, path);
  if (endpoint === undefined) throw new Error(`${method} ${path} is not in the catalogue`);
  return endpoint;
}

function costs(method: string, path: string, query: string): number {
  const { weights } = endpointOf(method, path);
  return weightOf(weights[0]!, readCall(method, `${path}?${query}`, new Uint8Array()));
}

const symbols = (count: number): string =>
  `symbols=${encodeURIComponent(JSON.stringify(Array.from({ length: count }, (_, n) => `S${n}USDT`)))}`;

const EXAMPLES: readonly (readonly [method: string, path: string, query: string, weight: number])[] = [
  ['GET', '/api/v3/time', '', 1],
  ['GET', '/api/v3/depth', 'symbol=A', 5],
  ['GET', '/api/v3/depth', 'symbol=A&limit=100', 5],
  ['GET', '/api/v3/depth', 'symbol=A&limit=101', 25],
  ['GET', '/api/v3/depth', 'symbol=A&limit=1000', 50],
  ['GET', '/api/v3/depth', 'symbol=A&limit=1%30%30%31', 250],
  ['GET', '/api/v3/depth', 'symbol=A&limit=90000', 250],
  ['GET', '/api/v3/executionRules', 'symbol=A', 2],
  ['GET', '/api/v3/executionRules', symbols(3), 6],
  ['GET', '/api/v3/executionRules', symbols(30), 40],
  ['GET', '/api/v3/executionRules', 'symbolStatus=TRADING', 40],
  ['GET', '/api/v3/executionRules', '', 40],
  ['GET', '/api/v3/ticker/24hr', 'symbol=A', 2],
  ['GET', '/api/v3/ticker/24hr', symbols(1), 2],
  ['GET', '/api/v3/ticker/24hr', symbols(20), 2],
  ['GET', '/api/v3/ticker/24hr', symbols(21), 40],
  ['GET', '/api/v3/ticker/24hr', symbols(100), 40],
  ['GET', '/api/v3/ticker/24hr', symbols(101), 80],
  ['GET', '/api/v3/ticker/24hr', '', 80],
  ['GET', '/api/v3/ticker/24hr', 'symbols=["BTCUSDT","BNBUSDT"]', 2],
  ['GET', '/api/v3/ticker', 'symbol=A', 4],
  ['GET', '/api/v3/ticker', symbols(7), 28],
  ['GET', '/api/v3/ticker', symbols(51), 200],
  ['GET', '/api/v3/ticker', '', 200],
  ['GET', '/api/v3/ticker/tradingDay', symbols(2), 8],
  ['GET', '/api/v3/ticker/price', 'symbol=A', 2],
  ['GET', '/api/v3/ticker/price', symbols(1), 4],
  ['GET', '/api/v3/ticker/price', '', 4],
  ['GET', '/api/v3/openOrders', 'symbol=A', 6],
  ['GET', '/api/v3/openOrders', '', 80],
  ['GET', '/api/v3/myTrades', 'symbol=A', 20],
  ['GET', '/api/v3/myTrades', 'symbol=A&orderId=7', 5],
  ['GET', '/api/v3/myPreventedMatches', 'symbol=A&preventedMatchId=1', 2],
  ['GET', '/api/v3/myPreventedMatches', 'symbol=A&orderId=1', 20],
  ['GET', '/api/v3/myPreventedMatches', 'symbol=A', 20],
  ['POST', '/api/v3/order/test', 'symbol=A', 1],
  ['POST', '/api/v3/order/test', 'symbol=A&computeCommissionRates=true', 20],
  ['POST', '/api/v3/order/test', 'symbol=A&computeCommissionRates=True', 20],
  ['POST', '/api/v3/order/test', 'symbol=A&computeCommissionRates=false', 1],
  ['POST', '/sapi/v1/margin/order', 'symbol=A', 6],
  ['POST', '/sapi/v1/margin/order', 'symbol=A&sideEffectType=AUTO_REPAY', 6],
  ['POST', '/sapi/v1/margin/order', 'symbol=A&sideEffectType=MARGIN_BUY', 1500],
  ['POST', '/sapi/v1/margin/order', 'symbol=A&sideEffectType=AUTO%5FBORROW_REPAY', 1500],
  ['GET', '/sapi/v1/margin/crossMarginData', 'coin=BNB', 1],
  ['GET', '/sapi/v1/margin/crossMarginData', '', 5],
  ['GET', '/sapi/v1/margin/isolatedMarginData', 'symbol=A', 1],
  ['GET', '/sapi/v1/margin/isolatedMarginData', '', 10],
  ['GET', '/sapi/v1/portfolio/asset-index-price', 'asset=BTC', 1],
  ['GET', '/sapi/v1/portfolio/asset-index-price', '', 50],
  ['GET', '/fapi/v1/depth', 'symbol=A', 10],
  ['GET', '/fapi/v1/depth', 'symbol=A&limit=50', 2],
  ['GET', '/fapi/v1/depth', 'symbol=A&limit=1000', 20],
  ['GET', '/fapi/v1/klines', 'symbol=A', 5],
  ['GET', '/fapi/v1/klines', 'symbol=A&limit=99', 1],
  ['GET', '/fapi/v1/klines', 'symbol=A&limit=100', 2],
  ['GET', '/fapi/v1/klines', 'symbol=A&limit=1500', 10],
  ['GET', '/fapi/v1/ticker/bookTicker', 'symbol=A', 2],
  ['GET', '/fapi/v1/ticker/bookTicker', '', 5],
  ['GET', '/fapi/v1/ticker/24hr', '', 40],
  ['GET', '/fapi/v1/ticker/price', '', 2],
  ['GET', '/fapi/v1/forceOrders', 'symbol=A', 20],
  ['GET', '/fapi/v1/forceOrders', '', 50],
  ['GET', '/fapi/v1/rpiDepth', 'symbol=A&limit=1', 20],
  ['POST', '/fapi/v1/order', 'symbol=A', 0],
  ['GET', '/dapi/v1/allOrders', 'pair=BTCUSD', 5],
  ['GET', '/dapi/v1/allOrders', 'symbol=A', 5],
  ['GET', '/dapi/v1/userTrades', 'pair=BTCUSD', 5],
  ['GET', '/dapi/v2/leverageBracket', 'symbol=A', 1],
  ['GET', '/dapi/v2/leverageBracket', '', 2],
  ['GET', '/dapi/v1/openAlgoOrders', 'symbol=A', 1],
  ['GET', '/dapi/v1/openAlgoOrders', '', 40],
  ['GET', '/papi/v1/cm/allOrders', 'pair=BTCUSD', 40],
  ['GET', '/papi/v1/cm/allOrders', 'symbol=A', 20],
  ['GET', '/eapi/v1/ticker', 'symbol=BTC-270129-90000-C', 5],
  ['GET', '/eapi/v1/ticker', '', 40],
  ['GET', '/eapi/v1/depth', 'symbol=A', 5],
  ['GET', '/eapi/v1/depth', 'symbol=A&limit=50', 1],
];

describe('weightOf', () => {
  it.each(EXAMPLES)('A call %s %s?%.40s costs %i', (method, path, query, weight) => {
    expect(costs(method, path, query)).toBe(weight);
  });

  it('Every weight rule of the catalogue has an example', () => {
    const rulesOf = (endpoint: Endpoint): string[] =>
      endpoint.weights.flatMap(({ steps }) => (steps === undefined ? [] : [JSON.stringify(steps)]));
    const shown = new Set(EXAMPLES.flatMap(([method, path]) => rulesOf(endpointOf(method, path))));
    expect(catalogue.endpoints.flatMap(rulesOf).filter((rule) => !shown.has(rule))).toEqual([]);
  });

  it('A counted weight is capped below the largest weight of its rule', () => {
    const rule: Weight = { scope: 'IP', max: 80, steps: [{ count: 'symbols', each: 2, cap: 10 }, { w: 80 }] };
    const weigh = (query: string) => weightOf(rule, readCall('GET', `/api/v3/x?${query}`, new Uint8Array()));
    expect([weigh(symbols(4)), weigh(symbols(30)), weigh('')]).toEqual([8, 10, 80]);
  });

  it('A parameter in the body counts for the weight like one in the query', () => {
    const call = readCall('POST', '/sapi/v1/margin/order', Buffer.from('symbol=A&sideEffectType=MARGIN_BUY'));
    expect(weightOf(endpointOf('POST', '/sapi/v1/margin/order').weights[0]!, call)).toBe(1500);
  });

  it.each([
    ['/api/v3/depth', 'limit=abc'],
    ['/api/v3/depth', 'limit='],
    ['/api/v3/depth', 'limit'],
    ['/api/v3/depth', 'limit=0'],
    ['/api/v3/depth', 'limit=-5'],
    ['/api/v3/depth', 'limit=+5'],
    ['/api/v3/depth', 'limit=5.0'],
    ['/api/v3/depth', 'limit=1e1'],
    ['/api/v3/depth', 'limit=%ff'],
    ['/api/v3/depth', 'limit=99999999999999999999'],
    ['/api/v3/depth', 'limit=5&limit=5000'],
    ['/api/v3/ticker/24hr', 'symbol='],
    ['/api/v3/ticker/24hr', 'symbol=%C3'],
    ['/api/v3/ticker/24hr', 'symbols=BTCUSDT'],
    ['/api/v3/ticker/24hr', 'symbols=[]'],
    ['/api/v3/ticker/24hr', 'symbols={}'],
    ['/api/v3/ticker/24hr', 'symbols=[1]'],
    ['/api/v3/ticker/24hr', `symbols=${'['.repeat(5_000)}`],
    ['/api/v3/ticker', 'symbols=["A"'],
    ['/api/v3/executionRules', 'symbols=null'],
  ])('A call that cannot be read costs the largest weight: %s?%.40s', (path, query) => {
    expect(costs('GET', path, query)).toBe(endpointOf('GET', path).weights[0]?.max);
  });

  it('A weight is always an integer between 0 and the largest weight, and reading it never throws', () => {
    const ruled = catalogue.endpoints.flatMap(({ weights }) =>
      weights.filter(({ steps }) => steps !== undefined),
    );
    const names = [
      'limit',
      'symbol',
      'symbols',
      'pair',
      'orderId',
      'preventedMatchId',
      'computeCommissionRates',
    ];
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('%', 'f', 'F', '3', '1', '+', '[', ']', '"', ',', '-') }),
      fc.integer().map(String),
      fc.array(fc.string()).map((list) => encodeURIComponent(JSON.stringify(list))),
      fc.json().map((text) => encodeURIComponent(text)),
    );
    const pair = fc
      .tuple(fc.constantFrom(...names, 'sideEffectType', 'coin', 'asset'), value)
      .map(([name, raw]) => ({ name, text: `${name}=${raw}` }));
    const call = fc.tuple(fc.array(pair, { maxLength: 6 }), fc.array(pair, { maxLength: 6 }));
    fc.assert(
      fc.property(fc.constantFrom<Weight>(...ruled), call, (weight, [query, body]) => {
        const stamp = { timestamp: undefined, recvWindow: undefined, signature: undefined };
        const made: Call = { method: 'GET', upstream: 'spot', path: '/', query, body, repeated: [], stamp };
        const cost = weightOf(weight, made);
        expect(Number.isSafeInteger(cost) && cost >= 0 && cost <= weight.max).toBe(true);
      }),
      runs(5_000),
    );
  });
});
