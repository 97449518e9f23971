import { describe, expect, it } from 'vitest';
import { readBackOff, readCount } from '../../../src/core/budget/back-off.ts';
import { answer } from '../../support/fixtures/budget-calls.ts';

const NOW = 1_700_000_000_000;
const BANNED =
  '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1700000600000. Please use WebSocket Streams for live updates to avoid bans."}';

describe('an answer that wants silence', () => {
  it('A 429 stops the host for the seconds of Retry-After', () => {
    expect(readBackOff(answer(429, { 'retry-after': 30 }, '{"code":-1003,"msg":"Too many"}'), NOW)).toEqual({
      what: 'host',
      status: 429,
      untilMs: NOW + 30_000,
      windowMs: undefined,
    });
  });

  it('A 418 stops the host until the time in its text', () => {
    expect(readBackOff(answer(418, {}, BANNED), NOW)).toMatchObject({
      what: 'host',
      untilMs: 1_700_000_600_000,
    });
  });

  it('The later of text and Retry-After decides how long a 418 stops the host', () => {
    expect(readBackOff(answer(418, { 'retry-after': 900 }, BANNED), NOW)?.untilMs).toBe(NOW + 900_000);
    expect(readBackOff(answer(418, { 'retry-after': 60 }, BANNED), NOW)?.untilMs).toBe(1_700_000_600_000);
  });

  it('A 403 with the page of a firewall names no end and nobody', () => {
    expect(readBackOff(answer(403, {}, '<html><body>Forbidden</body></html>'), NOW)).toEqual({
      what: 'page',
      status: 403,
      untilMs: undefined,
      windowMs: undefined,
    });
    expect(readBackOff(answer(403), NOW)?.what).toBe('page');
  });

  it('A 403 of Binance itself does not stop the host', () => {
    expect(readBackOff(answer(403, {}, '{"code":-2015,"msg":"Invalid API-key"}'), NOW)).toBeUndefined();
  });

  it('An answer that the order count is full stops only orders', () => {
    const text = '{"code":-1015,"msg":"Too many new orders; current limit is 50 orders per 10 SECOND."}';
    expect(readBackOff(answer(429, {}, text), NOW)).toEqual({
      what: 'orders',
      status: 429,
      untilMs: undefined,
      windowMs: 10_000,
    });
    expect(readBackOff(answer(400, { 'retry-after': 4 }, text), NOW)?.untilMs).toBe(NOW + 4_000);
  });

  it('A cancel-replace whose new order is refused for the order count stops only orders', () => {
    const text =
      '{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","newOrderResponse":{"code":-1015,"msg":"Too many new orders."}}}';
    expect(readBackOff(answer(429, {}, text), NOW)?.what).toBe('orders');
    expect(readBackOff(answer(409, {}, text), NOW)?.what).toBe('orders');
    expect(
      readBackOff(answer(429, {}, '{"code":-2021,"msg":"Order cancel-replace partially failed."}'), NOW)
        ?.what,
    ).toBe('orders');
  });

  it.each([[200], [400], [404], [409], [451], [500], [503]])('An answer with %i stops nothing', (status) => {
    expect(readBackOff(answer(status, {}, '{"code":-1121,"msg":"Invalid symbol."}'), NOW)).toBeUndefined();
  });

  it('A 429 with a body that is no object stops the host', () => {
    for (const text of ['', 'null', '[]', '7', '"x"', '{', '{"code":"-1015"}', '{"code":-1003,"data":7}'])
      expect(readBackOff(answer(429, {}, text), NOW)?.what, text).toBe('host');
  });
});

describe('a count in the headers', () => {
  it('A count is read from the first header that holds a number', () => {
    const headers = { 'x-mbx-used-weight-1m': '12', 'x-mbx-used-weight': '99' };
    expect(readCount(answer(200, headers), ['x-mbx-used-weight-1m', 'x-mbx-used-weight'])).toBe(12);
    expect(
      readCount(answer(200, { 'x-mbx-used-weight': '99' }), ['x-mbx-used-weight-1m', 'x-mbx-used-weight']),
    ).toBe(99);
  });

  it.each([['-1'], ['1e3'], [' 5'], ['NaN'], [''], ['99999999999999999999']])(
    'A count is not read out of %j',
    (text) => {
      expect(readCount(answer(200, { it: text }), ['it'])).toBeUndefined();
    },
  );
});
