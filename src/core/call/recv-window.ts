import { malformedRequest } from '../errors.ts';
import type { ClientStamp } from './call.ts';

/** Milliseconds as Binance takes them: digits, and at the most three decimals. */
const MILLISECONDS = /^\d{1,16}(?:\.\d{1,3})?$/;

/**
 * Refuses a `recvWindow` that no call can keep: Binance would answer it with an error after it was sent, and twice.
 * One above the maximum is no matter here; it is cut to the maximum when the call is stamped.
 * @throws ProxyError PROXY_MALFORMED_REQUEST
 */
export function assertRecvWindow({ recvWindow }: Pick<ClientStamp, 'recvWindow'>): void {
  if (recvWindow === undefined || (MILLISECONDS.test(recvWindow) && Number(recvWindow) > 0)) return;
  throw malformedRequest('recvWindow is not a number of milliseconds above 0 with at most three decimals');
}
