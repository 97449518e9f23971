import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCall } from '../../src/core/call/call.ts';
import type { HeaderValues } from '../../src/core/call/headers.ts';
import { familyOf } from '../../src/shared-data/families.ts';
import { shareable } from '../../src/shared-data/shareable.ts';
import { catalogueEndpoints } from '../support/fixtures/catalogue-endpoints.ts';
import { runs } from '../support/properties.ts';

const NOW_MS = Date.UTC(2026, 10, 1, 12);
const HOUR_MS = 3_600_000;
const endpoints = catalogueEndpoints();

function ask(target: string, headers: HeaderValues = {}, nowMs: number | 'unknown' = NOW_MS, method = 'GET') {
  const call = readCall(method, target, Buffer.alloc(0));
  const endpoint = endpoints.find(
    (each) => each.upstream === call.upstream && each.method === method && each.path === call.path,
  );
  if (endpoint === undefined) throw new Error(`the catalogue has no ${target}`);
  return shareable(endpoint, call, headers, nowMs === 'unknown' ? undefined : nowMs);
}

const KLINES = '/api/v3/klines?symbol=BTCUSDT&interval=1h';

describe('what may be shared', () => {
  it('Only reads that want neither key nor signature are shared', () => {
    for (const endpoint of endpoints) {
      const call = readCall(endpoint.method, endpoint.path, Buffer.alloc(0));
      const isPublic = endpoint.method === 'GET' && endpoint.security === 'NONE';
      if (!isPublic)
        expect([endpoint.path, shareable(endpoint, call, {}, NOW_MS)]).toEqual([endpoint.path, undefined]);
    }
  });

  it.each([
    '/api/v3/time',
    '/fapi/v1/time',
    '/dapi/v1/ping',
    '/api/v3/historicalTrades?symbol=BTCUSDT',
    '/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=1',
    `/api/v3/aggTrades?symbol=BTCUSDT&startTime=${NOW_MS - 9 * HOUR_MS}`,
    `${KLINES}&startTime=${NOW_MS - 2 * HOUR_MS + 1}`,
    `${KLINES}&endTime=${NOW_MS}`,
    `${KLINES}&endTime=${NOW_MS + HOUR_MS}`,
    `${KLINES}&endTime=${NOW_MS}000`,
    `${KLINES}&endTime=now`,
    `${KLINES}&timeZone=8`,
    '/api/v3/klines?symbol=BTCUSDT&interval=1x',
    '/api/v3/klines?symbol=BTCUSDT',
    '/api/v3/depth?symbol=BTCUSDT&symbol=ETHUSDT',
  ])('%s is nobody else’s', (target) => expect(ask(target)).toBeUndefined());

  it('A start that lies far enough back is the same for everybody, unless the time is not known', () => {
    const target = `${KLINES}&startTime=${NOW_MS - 2 * HOUR_MS - 1}`;
    expect(ask(target)).toMatchObject({ family: 'klines', candleMs: HOUR_MS });
    expect(ask(target, {}, 'unknown')).toBeUndefined();
    expect(ask(`${KLINES}&startTime=${NOW_MS - 3 * HOUR_MS}000`)).toBeDefined();
  });

  it.each(['no-cache', 'max-age=0, No-Cache', 'no-store'])(
    'A caller that says %s wants a call of its own',
    (value) => {
      expect(ask(KLINES, { 'cache-control': value })).toBeUndefined();
    },
  );

  it('The form of the answer is part of what is equal', () => {
    const keys = [
      {},
      { 'accept-encoding': 'gzip' },
      { 'x-mbx-sbe': '3:1' },
      { 'x-mbx-sbe': '3:1', accept: 'application/sbe' },
      { 'x-mbx-time-unit': 'MICROSECOND' },
    ].map((headers) => ask(KLINES, headers)?.key);
    expect(new Set(keys).size).toBe(5);
    for (const accept of ['*/*', 'application/json']) expect(ask(KLINES, { accept })?.key).toBe(keys[0]);
    expect(ask(KLINES, { 'x-mbx-apikey': 'k', 'user-agent': 'u' })?.key).toBe(keys[0]);
  });

  it('Calls are equal exactly when they have the same path and the same parameters, in any order', () => {
    const name = fc.constantFrom('symbol', 'limit', 'symbols', 'permissions');
    const value = fc.stringMatching(/^[A-Z0-9%&=.]{0,4}$/).map(encodeURIComponent);
    const pairs = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key });
    fc.assert(
      fc.property(pairs, pairs, fc.boolean(), (some, others, isSame) => {
        const target = (list: readonly (readonly [string, string])[]) =>
          `/api/v3/exchangeInfo?${list.map((pair) => pair.join('=')).join('&')}`;
        const second = isSame ? some.toReversed() : others;
        const text = (list: typeof some) => JSON.stringify(list.toSorted());
        const equal = ask(target(some))?.key === ask(target(second))?.key;
        expect(equal).toBe(text(some) === text(second));
      }),
      runs(500),
    );
  });

  it.each([
    ['/api/v3/exchangeInfo', 'exchangeInfo', 60_000],
    ['/eapi/v1/exchangeInfo', 'exchangeInfo', 60_000],
    ['/api/v3/executionRules', 'exchangeInfo', 60_000],
    ['/sapi/v1/convert/exchangeInfo', 'other', undefined],
    ['/fapi/v1/continuousKlines', 'klines', 1_000],
    ['/fapi/v1/markPriceKlines', 'other', undefined],
    ['/api/v3/ticker', 'tickers', 250],
    ['/api/v3/ticker/tradingDay', 'tickers', 250],
    ['/fapi/v2/ticker/price', 'tickers', 250],
    ['/fapi/v1/ticker/bookTicker', 'tickers', 1_000],
    ['/dapi/v1/premiumIndex', 'tickers', 1_000],
    ['/fapi/v1/fundingInfo', 'tickers', 60_000],
    ['/dapi/v1/depth', 'depth', 100],
    ['/fapi/v1/fundingRate', 'other', undefined],
    ['/api/v3/trades', 'other', undefined],
  ])('%s belongs to %s', (path, family, mostAgeMs) => expect(familyOf(path)).toEqual({ family, mostAgeMs }));
});
