import { INTERVALS, type IntervalName, isIntervalName } from '../intervals.ts';
import type { UpstreamName } from '../upstream.ts';

type RateLimitType = 'REQUEST_WEIGHT' | 'RAW_REQUESTS' | 'ORDERS';

/** One limit as exchangeInfo states it. */
export interface RateLimit {
  readonly type: RateLimitType;
  /** As it stands in the rate-limit headers, e.g. `1M`, `10S`, `1D`. */
  readonly interval: string;
  readonly windowMs: number;
  readonly limit: number;
}

const TYPES: readonly RateLimitType[] = ['REQUEST_WEIGHT', 'RAW_REQUESTS', 'ORDERS'];

/** The one pool of USD-M and COIN-M. The sample in the documentation of COIN-M (6000) is an example and no limit. */
const FUTURES_LIMITS: readonly RateLimit[] = [
  rateLimit('REQUEST_WEIGHT', 1, 'MINUTE', 2_400),
  rateLimit('ORDERS', 10, 'SECOND', 300),
  rateLimit('ORDERS', 1, 'MINUTE', 1_200),
];

/** What holds until an exchangeInfo has been read, and for good where a family has none (portfolio margin). */
export const FALLBACK_LIMITS: Readonly<Record<UpstreamName, readonly RateLimit[]>> = {
  spot: [
    rateLimit('REQUEST_WEIGHT', 1, 'MINUTE', 6_000),
    rateLimit('RAW_REQUESTS', 5, 'MINUTE', 300_000),
    rateLimit('ORDERS', 10, 'SECOND', 50),
    rateLimit('ORDERS', 1, 'DAY', 160_000),
  ],
  usdm: FUTURES_LIMITS,
  coinm: FUTURES_LIMITS,
  options: [
    rateLimit('REQUEST_WEIGHT', 1, 'MINUTE', 2_400),
    rateLimit('ORDERS', 10, 'SECOND', 300),
    rateLimit('ORDERS', 1, 'MINUTE', 1_200),
  ],
  portfolio: [rateLimit('REQUEST_WEIGHT', 1, 'MINUTE', 6_000), rateLimit('ORDERS', 1, 'MINUTE', 1_200)],
  web: [],
};

/** Each /sapi endpoint counted by IP has its own 12000 a minute, each counted by UID its own 180000 a minute. */
export const SAPI_WEIGHT_PER_MINUTE = { IP: 12_000, UID: 180_000 } as const;

/**
 * The limits in an exchangeInfo answer; undefined when it has none that can be read.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/enums#rate-limiters-ratelimittype
 */
export function readRateLimits(exchangeInfo: unknown): readonly RateLimit[] | undefined {
  if (!isObject(exchangeInfo) || !Array.isArray(exchangeInfo.rateLimits)) return undefined;
  const limits: RateLimit[] = [];
  for (const row of exchangeInfo.rateLimits as readonly unknown[]) {
    const limit = readRow(row);
    if (limit !== undefined) limits.push(limit);
  }
  return limits.length === 0 ? undefined : limits;
}

/** Read limits replace the fallback type by type: a type that exchangeInfo leaves out keeps its fallback. */
export function mergeLimits(
  fallback: readonly RateLimit[],
  read: readonly RateLimit[],
): readonly RateLimit[] {
  const stated = new Set(read.map((limit) => limit.type));
  return [...read, ...fallback.filter((limit) => !stated.has(limit.type))];
}

/** Of each limit the smallest that is stated: what holds where hosts that state different ones count together. */
export function smallestOf(stated: readonly (readonly RateLimit[])[]): readonly RateLimit[] {
  const smallest = new Map<string, RateLimit>();
  for (const limit of stated.flat()) {
    const key = `${limit.type} ${limit.interval}`;
    const known = smallest.get(key);
    if (known === undefined || limit.limit < known.limit) smallest.set(key, limit);
  }
  return [...smallest.values()];
}

function readRow(row: unknown): RateLimit | undefined {
  if (!isObject(row)) return undefined;
  const { rateLimitType, interval, intervalNum, limit } = row;
  const type = TYPES.find((each) => each === rateLimitType);
  if (type === undefined || !isIntervalName(interval)) return undefined;
  if (!isPositiveInteger(intervalNum) || !isPositiveInteger(limit)) return undefined;
  return rateLimit(type, intervalNum, interval, limit);
}

function rateLimit(type: RateLimitType, count: number, interval: IntervalName, limit: number): RateLimit {
  const { letter, ms } = INTERVALS[interval];
  return { type, interval: `${count}${letter}`, windowMs: count * ms, limit };
}

function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
