import type { ClientStamp } from '../call/call.ts';
import { ProxyError } from '../errors.ts';
import { MINUTE_MS, SECOND_MS } from '../intervals.ts';

const DIGITS = /^\d{1,16}$/;
const MICROSECONDS = 16;
const DEFAULT_RECV_WINDOW_MS = 5 * SECOND_MS;
const MAX_RECV_WINDOW_MS = MINUTE_MS;
/** Binance takes one second; more is left to an app whose clock is wrong, but a signature must not hold for years. */
export const FARTHEST_AHEAD_MS = 2 * MINUTE_MS;

/**
 * The moment until which a client wants its signed request to count: its own timestamp plus its own recvWindow.
 * Undefined when it did not both date and sign the request. A timestamp of 16 digits is in microseconds.
 * @throws ProxyError PROXY_MALFORMED_REQUEST when timestamp or recvWindow is no number
 */
export function freshUntilMs(stamp: ClientStamp): number | undefined {
  if (stamp.signature === undefined || stamp.timestamp === undefined) return undefined;
  const timestampMs = datedMs(stamp);
  if (timestampMs === undefined) throw unreadable('timestamp');
  const window = stamp.recvWindow === undefined ? DEFAULT_RECV_WINDOW_MS : Number(stamp.recvWindow);
  if (!(window > 0)) throw unreadable('recvWindow');
  return timestampMs + Math.min(window, MAX_RECV_WINDOW_MS);
}

/** The client's own timestamp in ms; undefined when there is none, or none that is a number. */
export function datedMs({ timestamp }: ClientStamp): number | undefined {
  if (timestamp === undefined || !DIGITS.test(timestamp)) return undefined;
  return Number(timestamp.length === MICROSECONDS ? timestamp.slice(0, -3) : timestamp);
}

/**
 * Refuses a request that is too old, or dated far ahead, by both clocks: the app may have dated it by this machine's clock or by Binance's.
 * @throws ProxyError PROXY_STALE_REQUEST
 */
export function assertFresh(untilMs: number | undefined, localNowMs: number, serverNowMs: number): void {
  if (untilMs === undefined) return;
  const isOver = localNowMs > untilMs && serverNowMs > untilMs;
  if (!isOver && untilMs <= Math.max(localNowMs, serverNowMs) + FARTHEST_AHEAD_MS) return;
  throw new ProxyError('PROXY_STALE_REQUEST', 'Timestamp for this request is outside of the recvWindow.', {
    rule: 'client timestamp',
  });
}

function unreadable(name: string): ProxyError {
  return new ProxyError('PROXY_MALFORMED_REQUEST', `Malformed request: ${name} is not a number.`, {
    rule: name,
  });
}
