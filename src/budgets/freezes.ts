import { readBackOff, type UpstreamAnswer } from '../core/budget/back-off.ts';
import { hostFreezeKey, ordersFreezeKey } from '../core/budget/buckets.ts';
import { poolOf } from '../core/budget/shared-pool.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { UpstreamName } from '../core/upstream.ts';
import type { Freeze } from './stores/store.ts';
import type { Charged } from './ticket.ts';

const ORDERS_WINDOW_MS = 10 * SECOND_MS;
/** Binance bans for three days at most. A longer time was misread. */
const LONGEST_MS = 7 * DAY_MS;
const LONGEST_PAUSE_MS = HOUR_MS;

interface Pauses {
  /** How many pauses without a Retry-After came before this one in a row. */
  count: number;
  untilMs: number;
}

/** Turns a 429, 418 or 403 into a freeze with an end time, and reports each freeze once. */
export class Freezes {
  readonly #pauses = new Map<UpstreamName, Pauses>();
  readonly #reported = new Map<string, Freeze>();
  readonly #report: (event: 'frozen' | 'thawed', freeze: Freeze) => void;

  constructor(report: (event: 'frozen' | 'thawed', freeze: Freeze) => void) {
    this.#report = report;
  }

  /** The freeze that an answer asks for; undefined when it has no back-off, or one of orders without an account. */
  learn(charged: Charged, answer: UpstreamAnswer, nowMs: number): Freeze | undefined {
    const { endpoint, account, chargedMs } = charged;
    const pool = poolOf(endpoint.upstream);
    const backOff = readBackOff(answer, nowMs);
    if (backOff === undefined) {
      this.#resetPause(pool, chargedMs);
      return undefined;
    }
    const { status } = backOff;
    if (backOff.what === 'orders') {
      if (account === undefined) return undefined;
      const untilMs = backOff.untilMs ?? windowEnd(nowMs, backOff.windowMs ?? ORDERS_WINDOW_MS);
      return { key: ordersFreezeKey(endpoint, account), untilMs: within(untilMs, nowMs), status };
    }
    const untilMs = backOff.untilMs ?? this.#untimed(pool, status, nowMs);
    return { key: hostFreezeKey(pool), untilMs: within(untilMs, nowMs), status };
  }

  /** Reports a freeze that holds, made by this process or by another one. */
  noticed(freeze: Freeze): void {
    const known = this.#reported.get(freeze.key);
    if (known === undefined) this.#report('frozen', freeze);
    if (known === undefined || known.untilMs < freeze.untilMs) this.#reported.set(freeze.key, freeze);
  }

  /** Reports the freezes that are over. */
  sweep(nowMs: number): void {
    for (const [key, freeze] of this.#reported) {
      if (freeze.untilMs > nowMs) continue;
      this.#reported.delete(key);
      this.#report('thawed', freeze);
    }
  }

  /** Resets the pause to its first length when the call was charged after the last pause and got no back-off. */
  #resetPause(pool: UpstreamName, chargedMs: number): void {
    const pauses = this.#pauses.get(pool);
    if (pauses !== undefined && chargedMs >= pauses.untilMs) this.#pauses.delete(pool);
  }

  /** End of a freeze without Retry-After: a 429 ends with its minute; after a 418 or 403 each pause doubles. */
  #untimed(pool: UpstreamName, status: number, nowMs: number): number {
    if (status === 429) return windowEnd(nowMs, MINUTE_MS);
    const last = this.#pauses.get(pool);
    // Calls that were under way together get the same refusal; it counts once.
    if (last !== undefined && last.untilMs > nowMs) return last.untilMs;
    const count = last === undefined ? 0 : last.count + 1;
    const first = status === 418 ? 2 * MINUTE_MS : MINUTE_MS;
    const untilMs = nowMs + Math.min(first * 2 ** count, LONGEST_PAUSE_MS);
    this.#pauses.set(pool, { count, untilMs });
    return untilMs;
  }
}

function windowEnd(nowMs: number, windowMs: number): number {
  return (Math.floor(nowMs / windowMs) + 1) * windowMs;
}

function within(untilMs: number, nowMs: number): number {
  return Math.min(Math.max(untilMs, nowMs + SECOND_MS), nowMs + LONGEST_MS);
}
