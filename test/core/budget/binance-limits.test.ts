import { describe, expect, it } from 'vitest';
import { FALLBACK_LIMITS, mergeLimits, readRateLimits } from '../../../src/core/budget/binance-limits.ts';

describe('the limits in an exchangeInfo', () => {
  it('The limits of an exchangeInfo are read with their interval as the headers name it', () => {
    const limits = readRateLimits({
      rateLimits: [
        { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 6000 },
        { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: 100 },
        { rateLimitType: 'ORDERS', interval: 'DAY', intervalNum: 1, limit: 200000 },
        { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: 300000 },
      ],
    });
    expect(limits).toEqual([
      { type: 'REQUEST_WEIGHT', interval: '1M', windowMs: 60_000, limit: 6000 },
      { type: 'ORDERS', interval: '10S', windowMs: 10_000, limit: 100 },
      { type: 'ORDERS', interval: '1D', windowMs: 86_400_000, limit: 200000 },
      { type: 'RAW_REQUESTS', interval: '5M', windowMs: 300_000, limit: 300000 },
    ]);
  });

  it.each([
    ['no object', 7],
    ['no list', {}],
    ['an empty list', { rateLimits: [] }],
    [
      'only limits that are no limits',
      {
        rateLimits: [
          { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 0 },
          { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: '6000' },
          { rateLimitType: 'REQUEST_WEIGHT', interval: 'toString', intervalNum: 1, limit: 1 },
          { rateLimitType: 'CONNECTIONS', interval: 'MINUTE', intervalNum: 5, limit: 300 },
          null,
        ],
      },
    ],
  ])('The limits of an exchangeInfo are undefined when there is %s', (_, body) => {
    expect(readRateLimits(body)).toBeUndefined();
  });

  it('The limits that were read replace the fallback type by type, and a type left out keeps its fallback', () => {
    const read = [{ type: 'ORDERS', interval: '10S', windowMs: 10_000, limit: 7 }] as const;
    const limits = mergeLimits(FALLBACK_LIMITS.usdm, read);
    expect(limits).toEqual([
      read[0],
      { type: 'REQUEST_WEIGHT', interval: '1M', windowMs: 60_000, limit: 2400 },
    ]);
  });
});
