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
  it('A call wishes for freshness only with both a timestamp and a signature', () => {
    expect(
      freshUntilMs({ timestamp: String(T), recvWindow: undefined, signature: undefined }),
    ).toBeUndefined();
    expect(freshUntilMs(stamp(undefined))).toBeUndefined();
  });

  it('A call is fresh for the client’s own recvWindow, 5 s unless told, 60 s at the most', () => {
    expect(freshUntilMs(stamp(String(T)))).toBe(T + 5000);
    expect(freshUntilMs(stamp(String(T), '100.5'))).toBe(T + 100.5);
    expect(freshUntilMs(stamp(String(T), '9999999'))).toBe(T + 60_000);
  });

  it('A call with a small timestamp is stale since long ago, as Binance says too', () => {
    expect(freshUntilMs(stamp('1'))).toBe(5001);
    expect(freshUntilMs(stamp('1700000000'))).toBe(1_700_005_000);
  });

  it('A call whose timestamp lies far ahead of both clocks is refused', () => {
    expect(() => assertFresh(T + 120_000, T, T - 60_000)).not.toThrow();
    expect(refusal(() => assertFresh(T + 120_001, T, T - 60_000))).toBe('PROXY_STALE_REQUEST');
  });

  it('A timestamp in microseconds is understood', () => {
    expect(freshUntilMs(stamp(`${T}123`))).toBe(T + 5000);
  });

  it.each(['abc', '', '-12', '1e12', '17000000000001234'])('The timestamp %j is refused', (timestamp) => {
    expect(refusal(() => freshUntilMs(stamp(timestamp)))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it.each(['abc', '-1', '0', ''])('The recvWindow %j is refused', (recvWindow) => {
    expect(refusal(() => freshUntilMs(stamp(String(T), recvWindow)))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it('A call is stale only when its time is over by both clocks', () => {
    expect(() => assertFresh(T, T, T + 999_999)).not.toThrow();
    expect(() => assertFresh(T, T + 999_999, T)).not.toThrow();
    expect(() => assertFresh(undefined, T, T)).not.toThrow();
    expect(refusal(() => assertFresh(T, T + 1, T + 1))).toBe('PROXY_STALE_REQUEST');
  });
});
