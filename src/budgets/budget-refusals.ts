import { type Bucket, isClientFreeze } from '../core/budget/buckets.ts';
import { membersOf } from '../core/budget/shared-pool.ts';
import { ProxyError } from '../core/errors.ts';
import { SECOND_MS } from '../core/intervals.ts';
import type { Freeze } from './stores/store.ts';

const WORDS: Readonly<Record<Bucket['kind'], string>> = {
  weight: 'request weight',
  raw: 'number of requests',
  orders: 'number of new orders',
  quota: 'quota of this endpoint',
  rolling: 'quota of this endpoint',
  share: "client's share of the request weight",
  'order-share': "client's share of the new orders of its account",
  'connection-share': "client's share of the new connections",
};

/** The refusal of a call that a full bucket stops. Nothing was charged. */
export function fullRefusal(bucket: Bucket, untilMs: number, nowMs: number): ProxyError {
  const retryAfterSeconds = secondsUntil(untilMs, nowMs);
  const isOfOrders = bucket.kind === 'orders' || bucket.kind === 'order-share';
  const name = isOfOrders ? 'PROXY_ORDERS_EXHAUSTED' : 'PROXY_WEIGHT_EXHAUSTED';
  return new ProxyError(
    name,
    `The ${WORDS[bucket.kind]} on ${countedOn(bucket)} is used up for this window; ${bucket.kind === 'rolling' ? 'the next call fits' : 'it ends'} in ${retryAfterSeconds} s.`,
    { rule: `budget ${bucket.kind} ${bucket.windowMs / SECOND_MS}s`, retryAfterSeconds },
  );
}

export function frozenRefusal(freeze: Freeze, nowMs: number): ProxyError {
  const retryAfterSeconds = secondsUntil(freeze.untilMs, nowMs);
  if (freeze.key.startsWith('account:')) {
    return new ProxyError(
      'PROXY_ORDERS_EXHAUSTED',
      `Binance has stopped the new orders of this account; it says so for ${retryAfterSeconds} s more.`,
      { rule: `orders frozen by ${freeze.status}`, retryAfterSeconds },
    );
  }
  if (isClientFreeze(freeze.key)) {
    return new ProxyError(
      'PROXY_UPSTREAM_FROZEN',
      `A firewall of Binance answered a call of this client with a page; nothing but cancels is sent for it for ${retryAfterSeconds} s more.`,
      { rule: `client frozen by ${freeze.status}`, retryAfterSeconds },
    );
  }
  return new ProxyError(
    'PROXY_UPSTREAM_FROZEN',
    `Binance answered ${freeze.status} and wants no calls for ${retryAfterSeconds} s more.`,
    { rule: `host frozen by ${freeze.status}`, retryAfterSeconds },
  );
}

/** Said by /readyz and to callers, while nobody knows among how many proxies the limits are divided. */
export function unheardReason(reason: string): string {
  const why = reason === '' ? '' : `: ${reason}`;
  return `Redis was not heard yet, and how many proxies share the limits is not known${why}. With throttle.replicas above 1 each uses its part of them meanwhile.`;
}

export function unheardRefusal(reason: string): ProxyError {
  return new ProxyError('PROXY_NOT_READY', unheardReason(reason), { rule: 'budgets not shared yet' });
}

export function staleRefusal(): ProxyError {
  return new ProxyError('PROXY_STALE_REQUEST', 'The recvWindow passed while the call waited for its turn.', {
    rule: 'recvWindow passed while waiting',
  });
}

/** Ends the wait of a caller that hung up. Nobody reads it. */
export function hungUpRefusal(): ProxyError {
  return new ProxyError('PROXY_WEIGHT_EXHAUSTED', 'The caller hung up while the call waited for its turn.', {
    rule: 'hung up while waiting',
    retryAfterSeconds: 1,
  });
}

/** A quota is one endpoint's, everything else may be shared by hosts. */
function countedOn({ kind, upstream }: Bucket): string {
  return kind === 'quota' || kind === 'rolling' || kind === 'connection-share'
    ? upstream
    : membersOf(upstream).join(' and ');
}

function secondsUntil(untilMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((untilMs - nowMs) / SECOND_MS));
}
