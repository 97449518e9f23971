import { MINUTE_MS } from '../intervals.ts';

/** Orders that were counted together. */
export interface CountedOrders {
  readonly atMs: number;
  orders: number;
}

/** How long the highest count is remembered: what looks now and then must see it. */
const PEAK_MS = MINUTE_MS;

/** Orders in a rolling window: each leaves it one window after it was counted. */
export class RollingCount {
  readonly #windowMs: number;
  #counted: CountedOrders[] = [];
  /** Where the window begins in it: what stands before has left. */
  #first = 0;
  #sum = 0;
  #peak = 0;
  #peakAtMs = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get windowMs(): number {
    return this.#windowMs;
  }

  /** How many orders count now. */
  at(nowMs: number): number {
    for (let each = this.#counted[this.#first]; each !== undefined; each = this.#counted[this.#first]) {
      if (nowMs - each.atMs < this.#windowMs) break;
      this.#sum -= each.orders;
      this.#first++;
    }
    if (this.#first > this.#counted.length / 2) {
      this.#counted.splice(0, this.#first);
      this.#first = 0;
    }
    return this.#sum;
  }

  /** Counts orders; `nowMs` never goes back. */
  add(orders: number, nowMs: number): CountedOrders {
    const counted = { atMs: nowMs, orders };
    const sum = this.at(nowMs) + orders;
    this.#counted.push(counted);
    this.#sum = sum;
    if (sum >= this.#peak || nowMs - this.#peakAtMs >= PEAK_MS) {
      this.#peak = sum;
      this.#peakAtMs = nowMs;
    }
    return counted;
  }

  /** Counts them no more; what has left the window already stays gone, and a second time does nothing. */
  giveBack(counted: CountedOrders, nowMs: number): void {
    this.at(nowMs);
    if (nowMs - counted.atMs < this.#windowMs) this.#sum -= counted.orders;
    counted.orders = 0;
  }

  /** The highest count of the last minute. */
  peak(nowMs: number): number {
    const now = this.at(nowMs);
    return nowMs - this.#peakAtMs < PEAK_MS ? Math.max(this.#peak, now) : now;
  }
}
