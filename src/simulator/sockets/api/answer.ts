import type { Account } from '../../accounts/accounts.ts';
import type { JsonObject } from '../../base/json-value.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Reply } from '../../http/reply.ts';
import type { Route } from '../../http/route.ts';
import type { SignedApi } from './methods.ts';

/** What an answer tells about the limits. */
export interface LimitReport {
  readonly exchange: Exchange;
  readonly api: SignedApi;
  readonly route: Route | undefined;
  readonly account: Account | undefined;
  readonly nowMs: number;
}

/**
 * The answer to a frame, made from the answer of REST.
 * @param id JSON text, echoed as it was sent
 * @param report undefined when the caller wants no rateLimits
 */
export function answerText(id: string, reply: Reply, nowMs: number, report: LimitReport | undefined): string {
  const isError = reply.status >= 400;
  const body = isError ? withRetryMoment(reply, nowMs) : reply.body.toString();
  const limits = report === undefined ? '' : `,"rateLimits":${JSON.stringify(limitRows(report, reply))}`;
  return `{"id":${id},"status":${reply.status},"${isError ? 'error' : 'result'}":${body}${limits}}`;
}

function limitRows({ exchange, api, route, account, nowMs }: LimitReport, reply: Reply): JsonObject[] {
  const used = reply.headers['X-MBX-USED-WEIGHT-1M'];
  const orders =
    route?.showsOrderCount === true && account !== undefined
      ? exchange.orderCounts.rateLimits(api.family, nowMs, account.owner)
      : [];
  if (used === undefined) return orders;
  const limit = exchange.rateLimits.weightLimit(api.family);
  return [
    ...orders,
    { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit, count: Number(used) },
  ];
}

/** On the WebSocket API `retryAfter` is in the error, and it is the time in ms at which the window or the ban ends. */
function withRetryMoment(reply: Reply, nowMs: number): string {
  const text = reply.body.toString();
  const seconds = reply.headers['Retry-After'];
  if (seconds === undefined) return text;
  const error = JSON.parse(text) as { readonly msg: string; readonly data?: JsonObject };
  const banned = /banned until (\d+)/.exec(error.msg)?.[1];
  // REST rounds up to whole seconds, and every window ends on one.
  const windowEndMs = Math.floor((nowMs + Number(seconds) * 1_000) / 1_000) * 1_000;
  const retryAfter = banned === undefined ? windowEndMs : Number(banned);
  return JSON.stringify({ ...error, data: { ...error.data, serverTime: nowMs, retryAfter } });
}
