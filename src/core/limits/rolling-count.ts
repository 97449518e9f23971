import { MINUTE_MS } from '../intervals.ts';

/** How long the highest count is remembered: what looks now and then must see it. */
const PEAK_MS = MINUTE_MS;

/**
 * Orders in a rolling window: each leaves it one window after it was counted. Times and numbers stand in two plain lists: an
 * object for each would live for the whole window, and be carried about by the garbage collection.
 */
export class RollingCount {
  readonly windowMs: number;
  #times: number[] = [];
  #orders: number[] = [];
  /** Where the window begins in them: what stands before has left. */
  #first = 0;
  /** How many entries were dropped from their front. */
  #dropped = 0;
  #sum = 0;
  #peak = 0;
  #peakAtMs = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  /** How many orders count now. */
  at(nowMs: number): number {
    const times = this.#times;
    let first = this.#first;
    while (first < times.length && nowMs - (times[first] ?? 0) >= this.windowMs)
      this.#sum -= this.#orders[first++] ?? 0;
    this.#first = first;
    if (first > times.length / 2) this.#drop(first);
    return this.#sum;
  }

  /**
   * Counts orders; `nowMs` never goes back.
   * @returns the number under which they are given back
   */
  add(orders: number, nowMs: number): number {
    const sum = this.at(nowMs) + orders;
    this.#times.push(nowMs);
    this.#orders.push(orders);
    this.#sum = sum;
    if (sum >= this.#peak || nowMs - this.#peakAtMs >= PEAK_MS) {
      this.#peak = sum;
      this.#peakAtMs = nowMs;
    }
    return this.#dropped + this.#times.length - 1;
  }

  /** Counts them no more; what has left the window already stays gone, and a second time does nothing. */
  giveBack(entry: number, nowMs: number): void {
    this.at(nowMs);
    const index = entry - this.#dropped;
    if (index < this.#first) return;
    this.#sum -= this.#orders[index] ?? 0;
    this.#orders[index] = 0;
  }

  /** The highest count of the last minute. */
  peak(nowMs: number): number {
    const now = this.at(nowMs);
    return nowMs - this.#peakAtMs < PEAK_MS ? Math.max(this.#peak, now) : now;
  }

  #drop(entries: number): void {
    this.#times.splice(0, entries);
    this.#orders.splice(0, entries);
    this.#dropped += entries;
    this.#first = 0;
  }
}
