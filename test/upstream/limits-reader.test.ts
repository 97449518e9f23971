import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RateLimit } from '../../src/core/budget/binance-limits.ts';
import { ProxyError } from '../../src/core/errors.ts';
import type { UpstreamName } from '../../src/core/upstream.ts';
import { createLimitsReader } from '../../src/upstream/limits-reader.ts';

const INFO = JSON.stringify({
  rateLimits: [{ rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 1234 }],
  symbols: [],
});

function reader(fetchExchangeInfo: (upstream: UpstreamName, path: string) => Promise<string>) {
  const limits = new Map<UpstreamName, readonly RateLimit[]>();
  const failures: UpstreamName[] = [];
  const made = createLimitsReader({
    upstreams: ['spot', 'usdm', 'coinm', 'options', 'portfolio', 'web'],
    fetchExchangeInfo,
    setLimits: (upstream, read) => limits.set(upstream, read),
    onFailure: (upstream) => failures.push(upstream),
  });
  return { made, limits, failures };
}

describe('the limits of the exchange', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('The limits of the exchange are read from the exchangeInfo of each family that has one', async () => {
    const asked: string[] = [];
    const { made, limits } = reader(async (_, path) => {
      asked.push(path);
      return INFO;
    });
    await made.start();
    made.stop();
    expect(asked.sort()).toEqual([
      '/api/v3/exchangeInfo?symbol=BTCUSDT',
      '/dapi/v1/exchangeInfo',
      '/eapi/v1/exchangeInfo',
      '/fapi/v1/exchangeInfo',
    ]);
    expect(limits.get('usdm')?.[0]).toEqual({
      type: 'REQUEST_WEIGHT',
      interval: '1M',
      windowMs: 60_000,
      limit: 1234,
    });
    expect(limits.get('usdm')?.some(({ type }) => type === 'ORDERS')).toBe(true);
    expect(limits.has('portfolio')).toBe(false);
  });

  it('The limits of the exchange stay as they are where they cannot be read', async () => {
    const { made, limits, failures } = reader(async (upstream) => {
      if (upstream === 'spot') throw new Error('unreachable');
      return upstream === 'usdm' ? '<html>' : '{"symbols":[]}';
    });
    await made.start();
    made.stop();
    expect([...limits]).toEqual([]);
    expect(failures.sort()).toEqual(['coinm', 'options', 'spot', 'usdm']);
  });

  it('The limits of the exchange are read again daily, and sooner after a failure', async () => {
    vi.useFakeTimers();
    let fails = true;
    let asked = 0;
    const { made } = reader(async (upstream) => {
      if (upstream === 'spot') asked++;
      if (fails) throw new Error('unreachable');
      return INFO;
    });
    await made.start();
    fails = false;
    await vi.advanceTimersByTimeAsync(300_000);
    expect(asked).toBe(2);
    await vi.advanceTimersByTimeAsync(86_400_000 - 1_000);
    expect(asked).toBe(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toBe(3);
    made.stop();
    await vi.advanceTimersByTimeAsync(200_000_000);
    expect(asked).toBe(3);
  });

  it('The limits of the exchange are read when the window ends that refused the question', async () => {
    vi.useFakeTimers();
    let asked = 0;
    const { made, limits } = reader(async (upstream) => {
      if (upstream !== 'usdm') return INFO;
      asked++;
      if (asked > 1) return INFO;
      throw new ProxyError('PROXY_WEIGHT_EXHAUSTED', 'Used up.', { retryAfterSeconds: 34 });
    });
    await made.start();
    expect(limits.has('usdm')).toBe(false);
    await vi.advanceTimersByTimeAsync(34_000);
    expect(limits.has('usdm')).toBe(true);
    made.stop();
  });
});
