import type { Outcome, ProxyError } from '../errors.ts';
import { SECOND_MS } from '../intervals.ts';

/**
 * A refusal in the shape of the WebSocket API. What REST says in headers is under `error.data`, where Binance puts its
 * own `retryAfter` (ms since the epoch).
 * @param id JSON text of the frame's id
 * @param outcome where more is known than the error says
 */
export function errorFrame(
  id: string,
  error: ProxyError,
  requestId: string,
  nowMs: number,
  outcome: Outcome = error.outcome,
): string {
  const { status, code, message, name, retryAfterSeconds, repeats, approval } = error;
  const wait =
    retryAfterSeconds === undefined
      ? {}
      : { serverTime: Math.floor(nowMs), retryAfter: Math.floor(nowMs) + retryAfterSeconds * SECOND_MS };
  const order = repeats?.orderId === undefined ? {} : { proxyOrderId: repeats.orderId };
  const asked = approval === undefined ? {} : { proxyApproval: approval };
  const own = { proxyRequestId: requestId, proxyOutcome: outcome, proxyError: name, ...order, ...asked };
  const data = { ...wait, ...own };
  return `{"id":${id},"status":${status},"error":${JSON.stringify({ code, msg: message, data })}}`;
}

/** A successful answer of the proxy's own. */
export function resultFrame(id: string, result: Readonly<Record<string, unknown>>): string {
  return `{"id":${id},"status":200,"result":${JSON.stringify(result)},"rateLimits":[]}`;
}
