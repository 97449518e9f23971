import { describe, expect, it } from 'vitest';
import { readBackOff, readCount } from '../../../src/core/budget/back-off.ts';
import { answer } from '../../support/fixtures/budget-calls.ts';

const NOW = 1_700_000_000_000;
const BANNED =
  '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1700000600000. Please use WebSocket Streams for live updates to avoid bans."}';

describe('an answer that wants silence', () => {
  it('stops the host for the seconds of Retry-After on 429', () => {
    expect(readBackOff(answer(429, { 'retry-after': 30 }, '{"code":-1003,"msg":"Too many"}'), NOW)).toEqual({
      what: 'host',
      status: 429,
      untilMs: NOW + 30_000,
      windowMs: undefined,
    });
  });

  it('stops the host until the time in the text of a 418', () => {
    expect(readBackOff(answer(418, {}, BANNED), NOW)).toMatchObject({
      what: 'host',
      untilMs: 1_700_000_600_000,
    });
  });

  it('takes the later of text and header', () => {
    expect(readBackOff(answer(418, { 'retry-after': 900 }, BANNED), NOW)?.untilMs).toBe(NOW + 900_000);
    expect(readBackOff(answer(418, { 'retry-after': 60 }, BANNED), NOW)?.untilMs).toBe(1_700_000_600_000);
  });

  it('stops the host on the page of a firewall, without a time', () => {
    expect(readBackOff(answer(403, {}, '<html><body>Forbidden</body></html>'), NOW)).toEqual({
      what: 'host',
      status: 403,
      untilMs: undefined,
      windowMs: undefined,
    });
    expect(readBackOff(answer(403), NOW)?.what).toBe('host');
  });

  it('does not take a 403 of Binance itself for the firewall', () => {
    expect(readBackOff(answer(403, {}, '{"code":-2015,"msg":"Invalid API-key"}'), NOW)).toBeUndefined();
  });

  it('stops only orders when the order count is full', () => {
    const text = '{"code":-1015,"msg":"Too many new orders; current limit is 50 orders per 10 SECOND."}';
    expect(readBackOff(answer(429, {}, text), NOW)).toEqual({
      what: 'orders',
      status: 429,
      untilMs: undefined,
      windowMs: 10_000,
    });
    expect(readBackOff(answer(400, { 'retry-after': 4 }, text), NOW)?.untilMs).toBe(NOW + 4_000);
  });

  it('stops only orders when a replacement was refused for the order count after its cancel was done', () => {
    const text =
      '{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","newOrderResponse":{"code":-1015,"msg":"Too many new orders."}}}';
    expect(readBackOff(answer(429, {}, text), NOW)?.what).toBe('orders');
    expect(readBackOff(answer(409, {}, text), NOW)?.what).toBe('orders');
    expect(
      readBackOff(answer(429, {}, '{"code":-2021,"msg":"Order cancel-replace partially failed."}'), NOW)
        ?.what,
    ).toBe('orders');
  });

  it.each([[200], [400], [404], [409], [451], [500], [503]])('wants none with %i', (status) => {
    expect(readBackOff(answer(status, {}, '{"code":-1121,"msg":"Invalid symbol."}'), NOW)).toBeUndefined();
  });

  it('survives a body that is no object', () => {
    for (const text of ['', 'null', '[]', '7', '"x"', '{', '{"code":"-1015"}', '{"code":-1003,"data":7}'])
      expect(readBackOff(answer(429, {}, text), NOW)?.what, text).toBe('host');
  });
});

describe('a count in the headers', () => {
  it('is the first that is a number', () => {
    const headers = { 'x-mbx-used-weight-1m': '12', 'x-mbx-used-weight': '99' };
    expect(readCount(answer(200, headers), ['x-mbx-used-weight-1m', 'x-mbx-used-weight'])).toBe(12);
    expect(
      readCount(answer(200, { 'x-mbx-used-weight': '99' }), ['x-mbx-used-weight-1m', 'x-mbx-used-weight']),
    ).toBe(99);
  });

  it.each([['-1'], ['1e3'], [' 5'], ['NaN'], [''], ['99999999999999999999']])(
    'is not read out of %j',
    (text) => {
      expect(readCount(answer(200, { it: text }), ['it'])).toBeUndefined();
    },
  );
});
