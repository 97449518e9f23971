import type { BackOff } from '../core/budget/back-off.ts';
import { hostFreezeKey, ordersFreezeKey } from '../core/budget/buckets.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { UpstreamName } from '../core/upstream.ts';
import type { Freeze } from './stores/store.ts';

const ORDERS_WINDOW_MS = 10 * SECOND_MS;
/** Bans last three days at the most; a longer time is a misreading. */
const LONGEST_MS = 7 * DAY_MS;
const LONGEST_PAUSE_MS = HOUR_MS;

interface Pauses {
  /** How many pauses without a time followed each other. */
  count: number;
  untilMs: number;
}

/** Turns Binance's wish for silence into a freeze with an end, and tells each freeze once. */
export class Freezes {
  readonly #pauses = new Map<UpstreamName, Pauses>();
  readonly #told = new Map<string, Freeze>();
  readonly #tell: (event: 'frozen' | 'thawed', freeze: Freeze) => void;

  constructor(tell: (event: 'frozen' | 'thawed', freeze: Freeze) => void) {
    this.#tell = tell;
  }

  /** Undefined when the stop concerns the orders of an account and the call had none. */
  freezeFor(
    stop: BackOff,
    endpoint: Endpoint,
    account: string | undefined,
    nowMs: number,
  ): Freeze | undefined {
    const { status } = stop;
    if (stop.what === 'orders') {
      if (account === undefined) return undefined;
      const untilMs = stop.untilMs ?? windowEnd(nowMs, stop.windowMs ?? ORDERS_WINDOW_MS);
      return { key: ordersFreezeKey(endpoint, account), untilMs: within(untilMs, nowMs), status };
    }
    const untilMs = stop.untilMs ?? this.#untimed(endpoint.upstream, status, nowMs);
    return { key: hostFreezeKey(endpoint.upstream), untilMs: within(untilMs, nowMs), status };
  }

  /** A call that was charged after the last pause and answered without a stop ends the growth of the pauses. */
  answered(upstream: UpstreamName, chargedMs: number): void {
    const pauses = this.#pauses.get(upstream);
    if (pauses !== undefined && chargedMs >= pauses.untilMs) this.#pauses.delete(upstream);
  }

  /** A freeze that holds, made here or by a neighbour. */
  noticed(freeze: Freeze): void {
    const known = this.#told.get(freeze.key);
    if (known === undefined) this.#tell('frozen', freeze);
    if (known === undefined || known.untilMs < freeze.untilMs) this.#told.set(freeze.key, freeze);
  }

  /** Tells which freezes are over. */
  sweep(nowMs: number): void {
    for (const [key, freeze] of this.#told) {
      if (freeze.untilMs > nowMs) continue;
      this.#told.delete(key);
      this.#tell('thawed', freeze);
    }
  }

  /** The firewall names no time: each pause is twice the last one. A 429 ends with its minute. */
  #untimed(upstream: UpstreamName, status: number, nowMs: number): number {
    if (status === 429) return windowEnd(nowMs, MINUTE_MS);
    const last = this.#pauses.get(upstream);
    // The answers of calls that were on their way together are one event.
    if (last !== undefined && last.untilMs > nowMs) return last.untilMs;
    const count = last === undefined ? 0 : last.count + 1;
    const first = status === 418 ? 2 * MINUTE_MS : MINUTE_MS;
    const untilMs = nowMs + Math.min(first * 2 ** count, LONGEST_PAUSE_MS);
    this.#pauses.set(upstream, { count, untilMs });
    return untilMs;
  }
}

function windowEnd(nowMs: number, windowMs: number): number {
  return (Math.floor(nowMs / windowMs) + 1) * windowMs;
}

function within(untilMs: number, nowMs: number): number {
  return Math.min(Math.max(untilMs, nowMs + SECOND_MS), nowMs + LONGEST_MS);
}
