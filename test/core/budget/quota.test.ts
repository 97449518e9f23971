import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { quotasOf } from '../../../src/core/budget/quota.ts';
import { endpoint } from '../../support/fixtures/budget-calls.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';

describe('a quota that Binance states in words', () => {
  it.each([
    [
      '360/hour, 500/day',
      [
        ['account', 3_600_000, 360],
        ['account', 86_400_000, 500],
      ],
    ],
    ['10 requests per second', [['account', 1_000, 10]]],
    ['1 time/min per IP', [['ip', 60_000, 1]]],
    ['2/min per IP, the third call in a minute is a ban', [['ip', 60_000, 2]]],
    ['20/day', [['account', 86_400_000, 20]]],
    ['200/min per UID', [['account', 60_000, 200]]],
    ['2/second', [['account', 1_000, 2]]],
    ['2000/min', [['account', 60_000, 2_000]]],
    ['shares 500/5min/IP with GET /fapi/v1/fundingInfo', [['ip', 300_000, 500]]],
  ])('A quota in words is read: %s', (extraLimit, expected) => {
    const quotas = quotasOf(endpoint({ extraLimit }));
    expect(quotas.map(({ scope, windowMs, limit }) => [scope, windowMs, limit])).toEqual(expected);
  });

  it.each([
    ['10/month', [['account', 31 * 86_400_000, 10, true]]],
    ['2/10min rolling', [['account', 600_000, 2, true]]],
    ['500/hour rolling', [['account', 3_600_000, 500, true]]],
    ['20/day', [['account', 86_400_000, 20, false]]],
    [
      '2/min per IP, the third call in a minute is a ban; 8/month',
      [
        ['ip', 60_000, 2, false],
        ['account', 31 * 86_400_000, 8, true],
      ],
    ],
  ])('A quota rolls by the month, or where Binance says so: %s', (extraLimit, expected) => {
    const quotas = quotasOf(endpoint({ extraLimit }));
    expect(
      quotas.map(({ scope, windowMs, limit, isRolling }) => [scope, windowMs, limit, isRolling]),
    ).toEqual(expected);
  });

  it.each([
    ['GET', '/fapi/v1/order/asyn', [10]],
    ['GET', '/fapi/v1/trade/asyn', [5]],
    ['GET', '/fapi/v1/income/asyn', [5]],
    ['GET', '/papi/v1/um/order/asyn', [10]],
    ['GET', '/dapi/v1/trade/asyn', [2, 8]],
    ['POST', '/papi/v1/bnb-transfer', [10]],
    ['POST', '/sapi/v1/portfolio/bnb-transfer', [2]],
    ['POST', '/papi/v1/auto-collection', [500]],
    ['POST', '/sapi/v1/portfolio/auto-collection', [500]],
    ['POST', '/sapi/v1/sub-account/futures/internalTransfer', [2_000]],
    ['POST', '/sapi/v1/loan/vip/fixed/borrow', [2]],
  ])('The quota of %s %s is counted', (method, path, limits) => {
    expect(quotasOf(catalogueEndpoint(method, path)).map(({ limit }) => limit)).toEqual(limits);
  });

  it('Two endpoints that share a quota share one bucket', () => {
    const one = endpoint({
      path: '/fapi/v1/fundingInfo',
      extraLimit: 'shares 500/5min/IP with GET /fapi/v1/fundingRate',
    });
    const other = endpoint({
      path: '/fapi/v1/fundingRate',
      extraLimit: 'shares 500/5min/IP with GET /fapi/v1/fundingInfo',
    });
    expect(quotasOf(one)[0]?.name).toBe(quotasOf(other)[0]?.name);
  });

  it('All of /futures/data shares one bucket, whether a row says so or not', () => {
    const said = endpoint({
      path: '/futures/data/basis',
      extraLimit: 'shares 1000/5min/IP with GET /futures/data/*',
    });
    const unsaid = endpoint({ path: '/futures/data/openInterestHist' });
    expect(quotasOf(said)).toEqual([
      { scope: 'ip', name: 'GET /futures/data/*', windowMs: 300_000, limit: 1000, isRolling: false },
    ]);
    expect(quotasOf(unsaid)).toEqual(quotasOf(said));
  });

  it('Every quota in the catalogue is understood', () => {
    const folder = new URL('../../../config/catalogue/', import.meta.url);
    const texts = readdirSync(folder).flatMap((name) => {
      const file = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
        endpoints: { extraLimit?: string }[];
      };
      return file.endpoints.flatMap((entry) => entry.extraLimit ?? []);
    });
    expect(texts.length).toBeGreaterThan(5);
    for (const extraLimit of texts) expect(quotasOf(endpoint({ extraLimit })), extraLimit).not.toEqual([]);
  });
});
