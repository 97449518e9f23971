import { ExchangeError, retryAfter } from '../base/exchange-error.ts';
import { type Family, poolOf } from '../base/family.ts';
import type { SimulatorLimits, WeightFamily } from '../base/options.ts';

const MINUTE_MS = 60_000;
const RAW_WINDOW_MS = 300_000;

interface Window {
  startMs: number;
  used: number;
}

/** What the limits need to know of an endpoint. */
export interface LimitedRoute {
  readonly method: string;
  readonly path: string;
  readonly family: Family;
  readonly countedBy: 'IP' | 'UID';
}

/** What a request was charged, for a refund. */
export interface Charge {
  readonly window: Window;
  readonly weight: number;
}

/** Weight, raw requests and bans of the one IP that all callers share. Windows are aligned to server time. */
export class RateLimits {
  readonly #limits: SimulatorLimits;
  readonly #windows = new Map<string, Window>();
  #refusedInMinute = { startMs: 0, count: 0 };
  #bannedUntilMs = 0;

  constructor(limits: SimulatorLimits) {
    this.#limits = limits;
  }

  /**
   * Admits a request before anything else of it is checked.
   * @throws ExchangeError -1003 with status 418 while the IP is banned, 429 over the raw limit
   */
  admit(route: LimitedRoute, nowMs: number): void {
    if (nowMs < this.#bannedUntilMs) throw this.#banned(nowMs);
    if (route.family !== 'spot') return;
    const raw = this.#window('raw', RAW_WINDOW_MS, nowMs);
    raw.used++;
    if (raw.used > this.rawLimit()) {
      throw this.#refuse('Too many requests queued.', raw.startMs + RAW_WINDOW_MS, nowMs);
    }
  }

  /**
   * Charges a request; a refused one stays charged.
   * @throws ExchangeError -1003 with status 429, or 418 when the caller went on too often
   */
  charge(route: LimitedRoute, weight: number, uid: number | undefined, nowMs: number): Charge {
    const window = this.#window(bucketOf(route, uid), MINUTE_MS, nowMs);
    const limit = this.#limitOf(route);
    window.used += weight;
    if (weight > 0 && window.used > limit) {
      throw this.#refuse(overWeightText(route, limit), window.startMs + MINUTE_MS, nowMs);
    }
    return { window, weight };
  }

  /** Refunds the charge of an order or cancel that succeeded. */
  refund(charge: Charge): void {
    charge.window.used -= charge.weight;
  }

  /** The headers with the used weight. */
  headers(route: LimitedRoute, uid: number | undefined, nowMs: number): Record<string, string> {
    const used = String(this.#window(bucketOf(route, uid), MINUTE_MS, nowMs).used);
    if (route.family === 'sapi') return { [`X-SAPI-USED-${route.countedBy}-WEIGHT-1M`]: used };
    return route.family === 'spot'
      ? { 'X-MBX-USED-WEIGHT': used, 'X-MBX-USED-WEIGHT-1M': used }
      : { 'X-MBX-USED-WEIGHT-1M': used };
  }

  /** Sets the weight that was used in this minute, as if by others on the same IP. */
  setUsedWeight(family: WeightFamily, weight: number, nowMs: number): void {
    this.#window(poolOf(family), MINUTE_MS, nowMs).used = weight;
  }

  ban(forMs: number, nowMs: number): void {
    this.#bannedUntilMs = nowMs + forMs;
  }

  weightLimit(family: WeightFamily): number {
    const defaults = { spot: 6_000, usdm: 2_400, options: 2_400, portfolio: 6_000 };
    const pool = poolOf(family);
    return this.#limits.weightPerMinute?.[pool] ?? defaults[pool];
  }

  rawLimit(): number {
    return this.#limits.rawRequestsPer5Minutes ?? 300_000;
  }

  #limitOf(route: LimitedRoute): number {
    if (route.family !== 'sapi') return this.weightLimit(route.family);
    return route.countedBy === 'IP'
      ? (this.#limits.sapiIpWeightPerMinute ?? 12_000)
      : (this.#limits.sapiUidWeightPerMinute ?? 180_000);
  }

  #window(bucket: string, lengthMs: number, nowMs: number): Window {
    const startMs = Math.floor(nowMs / lengthMs) * lengthMs;
    const known = this.#windows.get(bucket);
    if (known?.startMs === startMs) return known;
    const window = { startMs, used: 0 };
    this.#windows.set(bucket, window);
    return window;
  }

  #refuse(text: string, untilMs: number, nowMs: number): ExchangeError {
    const startMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    if (this.#refusedInMinute.startMs !== startMs) this.#refusedInMinute = { startMs, count: 0 };
    this.#refusedInMinute.count++;
    if (this.#refusedInMinute.count > (this.#limits.refusalsBeforeBan ?? 5)) {
      this.ban(this.#limits.banMs ?? 120_000, nowMs);
      return this.#banned(nowMs);
    }
    return new ExchangeError(-1003, text, { status: 429, headers: retryAfter(untilMs, nowMs) });
  }

  #banned(nowMs: number): ExchangeError {
    return new ExchangeError(
      -1003,
      `Way too much request weight used; IP banned until ${this.#bannedUntilMs}. ` +
        'Please use WebSocket Streams for live updates to avoid bans.',
      { status: 418, headers: retryAfter(this.#bannedUntilMs, nowMs) },
    );
  }
}

function bucketOf(route: LimitedRoute, uid: number | undefined): string {
  if (route.family !== 'sapi') return poolOf(route.family);
  const endpoint = `${route.method} ${route.path}`;
  return route.countedBy === 'UID' ? `${endpoint} ${uid ?? ''}` : endpoint;
}

function overWeightText(route: LimitedRoute, limit: number): string {
  if (route.family === 'spot' || route.family === 'sapi') {
    return (
      `Too much request weight used; current limit is ${limit} request weight per 1 MINUTE. ` +
      'Please use WebSocket Streams for live updates to avoid polling the API.'
    );
  }
  return (
    `Too many requests; current limit is ${limit} requests per minute. ` +
    'Please use the websocket for live updates to avoid polling the API.'
  );
}
