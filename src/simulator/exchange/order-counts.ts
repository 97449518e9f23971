import { ExchangeError, retryAfter } from '../base/exchange-error.ts';
import { type Family, poolOf } from '../base/family.ts';
import type { JsonObject } from '../base/json-value.ts';
import type { SimulatorLimits } from '../base/options.ts';

interface Interval {
  readonly letter: string;
  readonly interval: 'SECOND' | 'MINUTE' | 'DAY';
  readonly intervalNum: number;
  readonly lengthMs: number;
  readonly limit: number;
}
interface Counter {
  startMs: number;
  count: number;
}

/** Unfilled order counts: per account, in windows aligned to server time. */
export class OrderCounts {
  readonly #limits: SimulatorLimits;
  readonly #counters = new Map<string, Counter>();

  constructor(limits: SimulatorLimits) {
    this.#limits = limits;
  }

  /**
   * Counts new orders before the engine sees them. A USD-M batch counts five in its 10 seconds and one in its minute.
   * @throws ExchangeError -1015 with status 429; the longest interval that is full decides
   */
  add(family: Family, owner: string, orders: number, nowMs: number, ordersPerMinute: number = orders): void {
    const intervals = this.#intervals(family);
    const countOf = ({ letter }: Interval) => (letter === 'M' ? ordersPerMinute : orders);
    for (const interval of intervals.toReversed()) {
      const counter = this.#counter(family, owner, interval, nowMs);
      if (counter.count + countOf(interval) > interval.limit) {
        throw new ExchangeError(
          -1015,
          `Too many new orders; current limit is ${interval.limit} orders per ` +
            `${interval.intervalNum} ${interval.interval}.`,
          { status: 429, headers: retryAfter(counter.startMs + interval.lengthMs, nowMs) },
        );
      }
    }
    for (const interval of intervals)
      this.#counter(family, owner, interval, nowMs).count += countOf(interval);
  }

  /** Subtracts orders from the counts of the current windows, never below zero: an order had its first fill. */
  release(family: Family, owner: string, orders: number, nowMs: number): void {
    for (const interval of this.#intervals(family)) {
      const counter = this.#counter(family, owner, interval, nowMs);
      counter.count = Math.max(0, counter.count - orders);
    }
  }

  headers(family: Family, owner: string, nowMs: number): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const interval of this.#intervals(family)) {
      const { count } = this.#counter(family, owner, interval, nowMs);
      headers[`X-MBX-ORDER-COUNT-${interval.intervalNum}${interval.letter}`] = String(count);
    }
    return headers;
  }

  /** The ORDERS entries of exchangeInfo, and with an owner those of `rateLimit/order`. */
  rateLimits(family: Family, nowMs: number, owner?: string): JsonObject[] {
    return this.#intervals(family).map((interval) => ({
      rateLimitType: 'ORDERS',
      interval: interval.interval,
      intervalNum: interval.intervalNum,
      limit: interval.limit,
      count: owner === undefined ? undefined : this.#counter(family, owner, interval, nowMs).count,
    }));
  }

  #intervals(family: Family): readonly Interval[] {
    const perSeconds = (limit: number): Interval => ({
      letter: 'S',
      interval: 'SECOND',
      intervalNum: 10,
      lengthMs: 10_000,
      limit,
    });
    if (family === 'spot') {
      const limit = this.#limits.ordersPerDay ?? 200_000;
      const perDay: Interval = { letter: 'D', interval: 'DAY', intervalNum: 1, lengthMs: 86_400_000, limit };
      return [perSeconds(this.#limits.ordersPer10Seconds ?? 100), perDay];
    }
    const limit = this.#limits.futuresOrdersPerMinute ?? 1_200;
    const perMinute: Interval = { letter: 'M', interval: 'MINUTE', intervalNum: 1, lengthMs: 60_000, limit };
    return poolOf(family) === 'usdm' || family === 'options'
      ? [perSeconds(this.#limits.futuresOrdersPer10Seconds ?? 300), perMinute]
      : [perMinute];
  }

  #counter(family: Family, owner: string, interval: Interval, nowMs: number): Counter {
    const key = `${poolOf(family)} ${owner} ${interval.letter}`;
    const startMs = Math.floor(nowMs / interval.lengthMs) * interval.lengthMs;
    const known = this.#counters.get(key);
    if (known?.startMs === startMs) return known;
    const counter = { startMs, count: 0 };
    this.#counters.set(key, counter);
    return counter;
  }
}
