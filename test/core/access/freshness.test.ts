import { describe, expect, it } from 'vitest';
import { assertFresh, freshUntilMs } from '../../../src/core/access/freshness.ts';
import { refusal } from '../../support/fixtures/call.ts';

const stamp = (timestamp?: string, recvWindow?: string, signature: string | undefined = 's') => ({
  timestamp,
  recvWindow,
  signature,
});
const T = 1_700_000_000_000;

describe('the wish for freshness', () => {
  it('needs both a timestamp and a signature', () => {
    expect(
      freshUntilMs({ timestamp: String(T), recvWindow: undefined, signature: undefined }),
    ).toBeUndefined();
    expect(freshUntilMs(stamp(undefined))).toBeUndefined();
  });

  it('lasts for the client’s own recvWindow, 5 s unless told, 60 s at the most', () => {
    expect(freshUntilMs(stamp(String(T)))).toBe(T + 5000);
    expect(freshUntilMs(stamp(String(T), '100.5'))).toBe(T + 100.5);
    expect(freshUntilMs(stamp(String(T), '9999999'))).toBe(T + 60_000);
  });

  it('was over long ago where the timestamp is small, as Binance says too', () => {
    expect(freshUntilMs(stamp('1'))).toBe(5001);
    expect(freshUntilMs(stamp('1700000000'))).toBe(1_700_005_000);
  });

  it('does not reach far ahead of both clocks', () => {
    expect(() => assertFresh(T + 120_000, T, T - 60_000)).not.toThrow();
    expect(refusal(() => assertFresh(T + 120_001, T, T - 60_000))).toBe('PROXY_STALE_REQUEST');
  });

  it('understands microseconds', () => {
    expect(freshUntilMs(stamp(`${T}123`))).toBe(T + 5000);
  });

  it.each(['abc', '', '-12', '1e12', '17000000000001234'])('refuses the timestamp %j', (timestamp) => {
    expect(refusal(() => freshUntilMs(stamp(timestamp)))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it.each(['abc', '-1', '0', ''])('refuses the recvWindow %j', (recvWindow) => {
    expect(refusal(() => freshUntilMs(stamp(String(T), recvWindow)))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it('is broken only when it is over by both clocks', () => {
    expect(() => assertFresh(T, T, T + 999_999)).not.toThrow();
    expect(() => assertFresh(T, T + 999_999, T)).not.toThrow();
    expect(() => assertFresh(undefined, T, T)).not.toThrow();
    expect(refusal(() => assertFresh(T, T + 1, T + 1))).toBe('PROXY_STALE_REQUEST');
  });
});
