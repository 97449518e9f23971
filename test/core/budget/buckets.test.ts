import { describe, expect, it } from 'vitest';
import { type Client, PROXY_CLIENT } from '../../../src/core/access/client.ts';
import { countingOf } from '../../../src/core/budget/buckets.ts';
import { createCharging } from '../../../src/core/budget/charging.ts';
import type { Endpoint } from '../../../src/core/catalogue/endpoint.ts';
import { CANCEL, client, endpoint, PLACE, read, request } from '../../support/fixtures/budget-calls.ts';

const charging = createCharging(0.1);
const ORDERS_OF_FUTURES = { '10S': 1, '1M': 1 };

function chargesOf(of: Endpoint, account: string | undefined = 'main', who = client('app')) {
  const { charges } = charging.chargeOf(request(of, { account, client: who }));
  return charges.map(({ bucket, weight, ceiling }) => [bucket.key, weight, ceiling]);
}

describe('the buckets of a call', () => {
  it('A spot read charges weight and raw requests of the IP, less what is kept for orders', () => {
    expect(chargesOf(read(20))).toEqual([
      ['ip:spot:weight:1M', 20, 5_400],
      ['ip:spot:raw:5M', 1, 270_000],
    ]);
  });

  it('The proxy asks what a key may do with what every other caller has to leave', () => {
    const question = endpoint({
      path: '/sapi/v1/account/apiRestrictions',
      weights: [{ scope: 'IP', max: 1 }],
    });
    const ceilings = (who: Client) => chargesOf(question, 'main', who).map(([, , ceiling]) => ceiling);
    expect(ceilings(client('proxy'))).toEqual([11_800, 270_000]);
    expect(ceilings(PROXY_CLIENT)).toEqual([12_000, 300_000]);
  });

  it('An order may use all weight but a third of what is kept, and a cancel may use all of it', () => {
    expect(chargesOf(PLACE)[0]).toEqual(['ip:spot:weight:1M', 1, 5_800]);
    expect(chargesOf(CANCEL)[0]).toEqual(['ip:spot:weight:1M', 1, 6_000]);
  });

  it('An order charges the ORDERS counts of its account', () => {
    expect(chargesOf(PLACE).slice(2)).toEqual([
      ['account:main:spot:orders:10S', 1, 50],
      ['account:main:spot:orders:1D', 1, 160_000],
    ]);
  });

  it('A USD-M batch charges five orders in ten seconds and one a minute', () => {
    const batch = endpoint({
      upstream: 'usdm',
      method: 'POST',
      path: '/fapi/v1/batchOrders',
      effect: 'place',
      orders: { '10S': 5, '1M': 1 },
      weights: [{ scope: 'IP', max: 5 }],
    });
    expect(chargesOf(batch)).toEqual([
      ['ip:usdm:weight:1M', 5, 2_320],
      ['account:main:usdm:orders:10S', 5, 300],
      ['account:main:usdm:orders:1M', 1, 1_200],
    ]);
  });

  it('USD-M and COIN-M charge one pool of weight, orders, shares and freezes', () => {
    const of = (upstream: 'usdm' | 'coinm') =>
      charging.chargeOf(
        request(endpoint({ ...PLACE, upstream, orders: ORDERS_OF_FUTURES }), { client: client('app', 50) }),
      );
    expect(of('coinm')).toEqual(of('usdm'));
    expect(of('coinm').freezeKeys).toEqual([
      'ip:usdm:host',
      'ip:usdm:client:app',
      'account:main:usdm:orders',
    ]);
    expect(of('coinm').charges.map(({ bucket }) => [bucket.key, bucket.limit, countingOf(bucket)])).toEqual([
      ['ip:usdm:weight:1M', 2_400, 'pooled'],
      ['account:main:usdm:orders:10S', 300, 'pooled'],
      ['account:main:usdm:orders:1M', 1_200, 'pooled'],
      ['client:app:usdm:share', 50, 'plain'],
    ]);
  });

  it('The pool of USD-M and COIN-M has the smallest of the limits that its hosts state', () => {
    const own = createCharging(0);
    const weightOf = (limit: number) =>
      ({ type: 'REQUEST_WEIGHT', interval: '1M', windowMs: 60_000, limit }) as const;
    const limits = (upstream: 'usdm' | 'coinm') =>
      own.chargeOf(request(read(1, { upstream }))).charges.map(({ bucket }) => bucket.limit);
    own.setLimits('coinm', [weightOf(6_000)]);
    expect(limits('coinm')).toEqual([2_400]);
    own.setLimits('usdm', [weightOf(6_000)]);
    expect(limits('usdm')).toEqual([6_000]);
    own.setLimits('coinm', [
      weightOf(1_200),
      { type: 'RAW_REQUESTS', interval: '5M', windowMs: 300_000, limit: 9 },
    ]);
    expect(limits('usdm')).toEqual([1_200, 9]);
  });

  it('A /sapi endpoint charges by IP, by account, or both, each with a limit of its own', () => {
    const both = endpoint({
      path: '/sapi/v1/sub-account/universalTransfer',
      method: 'POST',
      weights: [
        { scope: 'IP', max: 1 },
        { scope: 'UID', max: 360 },
      ],
    });
    expect(chargesOf(both)).toEqual([
      ['ip:sapi:POST /sapi/v1/sub-account/universalTransfer:1M', 1, 12_000],
      ['account:main:sapi:POST /sapi/v1/sub-account/universalTransfer:1M', 360, 180_000],
      ['ip:spot:raw:5M', 1, 270_000],
    ]);
    expect(charging.chargeOf(request(both)).weight).toBe(361);
  });

  it('A margin order counts apart from spot orders', () => {
    const margin = endpoint({
      path: '/sapi/v1/margin/order',
      method: 'POST',
      effect: 'place',
      orders: { '10S': 1, '1D': 1 },
      weights: [{ scope: 'UID', max: 6 }],
    });
    expect(chargesOf(margin).map(([key]) => key)).toContain('account:main:margin:orders:10S');
  });

  it('A call charges a quota together with the weight where Binance names both', () => {
    const quote = endpoint({
      upstream: 'usdm',
      method: 'POST',
      path: '/fapi/v1/convert/getQuote',
      extraLimit: '360/hour, 500/day',
      weights: [{ scope: 'IP', max: 50 }],
    });
    expect(chargesOf(quote)).toEqual([
      ['ip:usdm:weight:1M', 50, 2_160],
      ['account:main:usdm:quota:POST /fapi/v1/convert/getQuote:3600000', 1, 360],
      ['account:main:usdm:quota:POST /fapi/v1/convert/getQuote:86400000', 1, 500],
    ]);
  });

  it('A call charges the share of its client, and a cancel is never refused by it', () => {
    expect(chargesOf(read(20), 'main', client('grid', 1_000)).at(-1)).toEqual([
      'client:grid:spot:share',
      20,
      1_000,
    ]);
    expect(chargesOf(CANCEL, 'main', client('grid', 1_000)).at(-1)).toEqual([
      'client:grid:spot:share',
      1,
      Number.MAX_SAFE_INTEGER,
    ]);
  });

  it('A call without a key charges no account', () => {
    expect(chargesOf(read(2, { security: 'NONE' }), undefined).map(([key]) => key)).toEqual([
      'ip:spot:weight:1M',
      'ip:spot:raw:5M',
    ]);
  });

  it('A call to a host without limits charges nothing', () => {
    expect(chargesOf(read(0, { upstream: 'web', weights: [] }), undefined)).toEqual([]);
  });

  it('A charge follows the limits that the exchange states, at the dearest count where the catalogue names none', () => {
    const own = createCharging(0);
    own.setLimits('usdm', [{ type: 'ORDERS', interval: '1H', windowMs: 3_600_000, limit: 9 }]);
    const batch = endpoint({ upstream: 'usdm', effect: 'place', orders: { '10S': 5, '1M': 1 }, weights: [] });
    const { charges } = own.chargeOf(request(batch));
    expect(charges.map(({ bucket, weight }) => [bucket.key, weight])).toEqual([
      ['account:main:usdm:orders:1H', 5],
    ]);
  });

  it('A charge does not believe the headers that Binance itself calls wrong', () => {
    const wrong = read(2, { upstream: 'usdm', path: '/fapi/v1/ticker/bookTicker', security: 'NONE' });
    expect(charging.chargeOf(request(wrong)).charges[0]?.headers).toEqual([]);
    expect(charging.chargeOf(request(read(2, { upstream: 'usdm' }))).charges[0]?.headers).not.toEqual([]);
  });
});
