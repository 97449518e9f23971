import { beforeEach, describe, expect, it } from 'vitest';
import { OrderCounts } from '../../src/simulator/exchange/order-counts.ts';
import { RateLimits } from '../../src/simulator/exchange/rate-limits.ts';
import { openRoute, signedRoute } from '../../src/simulator/http/route.ts';
import { member, send } from '../support/clients/signed-caller.ts';
import { stageSimulator } from '../support/servers/running-simulator.ts';

const NOON = Date.UTC(2026, 10, 20, 12, 0, 0);

describe('request weight', () => {
  const depth = openRoute('GET /api/v3/depth', { weight: 5 }, () => ({}));

  it('The request weight counts in minutes that begin with the minute', () => {
    const limits = new RateLimits({});
    limits.charge(depth, 5, undefined, NOON + 59_999);
    expect(limits.headers(depth, undefined, NOON + 59_999)['X-MBX-USED-WEIGHT-1M']).toBe('5');
    expect(limits.headers(depth, undefined, NOON + 60_000)['X-MBX-USED-WEIGHT-1M']).toBe('0');
  });
  it('The request weight over the limit is refused until the minute ends, then bans who goes on, then is forgotten', () => {
    const limits = new RateLimits({ weightPerMinute: { spot: 10 }, refusalsBeforeBan: 2, banMs: 90_000 });
    const attempt = (nowMs: number) => {
      try {
        limits.admit(depth, nowMs);
        limits.charge(depth, 5, undefined, nowMs);
        return 'passed';
      } catch (error) {
        return error;
      }
    };
    expect([attempt(NOON), attempt(NOON)]).toEqual(['passed', 'passed']);
    expect(attempt(NOON + 20_500)).toMatchObject({
      status: 429,
      code: -1003,
      headers: { 'Retry-After': '40' },
      message: expect.stringMatching(
        /^Too much request weight used; current limit is 10 request weight per 1 MINUTE\./,
      ),
    });
    expect(attempt(NOON + 20_500)).toMatchObject({ status: 429 });
    const until = NOON + 30_000 + 90_000;
    for (const nowMs of [NOON + 30_000, NOON + 60_000]) {
      expect(attempt(nowMs)).toMatchObject({
        status: 418,
        code: -1003,
        headers: { 'Retry-After': String((until - nowMs) / 1_000) },
        message: expect.stringContaining(`IP banned until ${until}.`),
      });
    }
    expect(attempt(until)).toBe('passed');
  });
  it('The request weight is kept apart for each /sapi endpoint, and by account where the endpoint counts so', () => {
    const limits = new RateLimits({ sapiUidWeightPerMinute: 900, sapiIpWeightPerMinute: 20 });
    const transfer = signedRoute('POST /sapi/v1/asset/transfer', { countedBy: 'UID' }, () => ({}));
    const coins = signedRoute('GET /sapi/v1/capital/config/getall', {}, () => ({}));
    const status = signedRoute('GET /sapi/v1/account/status', {}, () => ({}));
    limits.charge(transfer, 900, 1, NOON);
    limits.charge(transfer, 900, 2, NOON);
    expect(() => limits.charge(transfer, 900, 1, NOON)).toThrow('Too much request weight used');
    limits.charge(coins, 20, 1, NOON);
    limits.charge(status, 1, 1, NOON);
    expect(limits.headers(coins, 1, NOON)).toEqual({ 'X-SAPI-USED-IP-WEIGHT-1M': '20' });
    expect(limits.headers(transfer, 2, NOON)).toEqual({ 'X-SAPI-USED-UID-WEIGHT-1M': '900' });
  });
  it('The raw requests of five minutes are bounded', () => {
    const limits = new RateLimits({ rawRequestsPer5Minutes: 1 });
    limits.admit(depth, NOON + 1);
    expect(() => limits.admit(depth, NOON + 299_999)).toThrow('Too many requests queued.');
    expect(() => limits.admit(depth, NOON + 300_000)).not.toThrow();
  });
});

describe('order counts', () => {
  it('The order that is one too many is refused until the window ends', () => {
    const counts = new OrderCounts({ ordersPer10Seconds: 2, ordersPerDay: 3 });
    counts.add('spot', 'a', 2, NOON + 9_000);
    expect(() => counts.add('spot', 'b', 1, NOON + 9_000)).not.toThrow();
    expect(() => counts.add('spot', 'a', 1, NOON + 9_000)).toThrow(
      expect.objectContaining({
        status: 429,
        code: -1015,
        message: 'Too many new orders; current limit is 2 orders per 10 SECOND.',
        headers: { 'Retry-After': '1' },
      }),
    );
    counts.add('spot', 'a', 1, NOON + 10_000);
    expect(() => counts.add('spot', 'a', 1, NOON + 20_000)).toThrow(
      expect.objectContaining({
        message: 'Too many new orders; current limit is 3 orders per 1 DAY.',
        headers: { 'Retry-After': '43180' },
      }),
    );
    expect(counts.headers('spot', 'a', NOON + 20_000)).toEqual({
      'X-MBX-ORDER-COUNT-10S': '0',
      'X-MBX-ORDER-COUNT-1D': '3',
    });
  });
  it('The order counts go down with the first fill and never below zero', () => {
    const counts = new OrderCounts({});
    counts.add('spot', 'a', 3, NOON);
    counts.release('spot', 'a', 1, NOON);
    expect(counts.headers('spot', 'a', NOON)['X-MBX-ORDER-COUNT-10S']).toBe('2');
    counts.release('spot', 'a', 5, NOON);
    expect(counts.headers('spot', 'a', NOON)['X-MBX-ORDER-COUNT-1D']).toBe('0');
  });
});

describe('over the wire', () => {
  const stage = stageSimulator({
    limits: { ordersPer10Seconds: 1_000, ordersPerDay: 3, refusalsBeforeBan: 1 },
  });
  // Away from the turn of a minute, so that no window ends inside a test.
  beforeEach(() => stage.simulator.setClockOffset(NOON + 5_000 - Date.now()));
  const REST = {
    symbol: 'BTCUSDT',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: '0.001',
    price: '40000',
  };

  it('Orders and cancels that succeed weigh nothing, and those that fail weigh one', async () => {
    const weight = (received: Awaited<ReturnType<typeof send>>) => received.headers['x-mbx-used-weight-1m'];
    const placed = await stage.alice.call('POST', '/api/v3/order', REST);
    expect(placed.headers).toMatchObject({
      'x-mbx-used-weight-1m': '0',
      'x-mbx-order-count-10s': '1',
      'x-mbx-order-count-1d': '1',
      'content-type': 'application/json;charset=UTF-8',
      'x-mbx-uuid': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const cancel = { symbol: 'BTCUSDT', orderId: member<number>(placed, 'orderId') };
    expect(weight(await stage.alice.call('DELETE', '/api/v3/order', cancel))).toBe('0');
    expect(weight(await stage.alice.call('DELETE', '/api/v3/order', cancel))).toBe('1');
    expect(weight(await stage.alice.call('POST', '/api/v3/order', { ...REST, price: '0.001' }))).toBe('2');
  });
  it('Orders are counted by account and refused with -1015', async () => {
    for (let count = 1; count <= 3; count++) {
      const { headers } = await stage.alice.call('POST', '/api/v3/order', REST);
      expect(headers['x-mbx-order-count-1d']).toBe(String(count));
    }
    const refused = await stage.alice.call('POST', '/api/v3/order', REST);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.json).toEqual({
      code: -1015,
      msg: 'Too many new orders; current limit is 3 orders per 1 DAY.',
    });
    expect((await stage.bob.call('POST', '/api/v3/order', REST)).status).toBe(200);
    const counts = await stage.alice.call('GET', '/api/v3/rateLimit/order');
    expect(counts.json).toEqual([
      {
        rateLimitType: 'ORDERS',
        interval: 'SECOND',
        intervalNum: 10,
        limit: 1_000,
        count: expect.any(Number),
      },
      { rateLimitType: 'ORDERS', interval: 'DAY', intervalNum: 1, limit: 3, count: 3 },
    ]);
  });
  it('A neighbour on the IP uses the same weight, and whoever goes on is banned on every product', async () => {
    const ask = (target: string) => send(stage.simulator.url, 'GET', target);
    stage.simulator.setUsedWeight(5_999);
    expect((await ask('/api/v3/ping')).headers['x-mbx-used-weight-1m']).toBe('6000');
    stage.simulator.setUsedWeight(6_000);
    const refused = await ask('/api/v3/ping');
    expect([refused.status, member<number>(refused, 'code')]).toEqual([429, -1003]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('/fapi/v1/ping')).status).toBe(200);
    stage.simulator.setUsedWeight(6_000);
    const banned = await ask('/api/v3/ping');
    expect([banned.status, banned.headers['retry-after']]).toEqual([418, '120']);
    expect((await ask('/fapi/v1/ping')).status).toBe(418);
    expect(stage.simulator.requests.at(-1)).toMatchObject({ status: 418, code: -1003 });
  });
  it('A test can ban the IP', async () => {
    stage.simulator.ban(5_000);
    const banned = await stage.alice.call('GET', '/sapi/v1/account/status');
    expect([banned.status, banned.headers['retry-after']]).toEqual([418, '5']);
  });
});
