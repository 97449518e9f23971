/** Binance's side of a budget: counters in fixed windows that are aligned to its own clock. */
export class CountingExchange {
  readonly #counters = new Map<string, { window: number; count: number }>();
  /** Counts that came out above their limit: each would have been answered 429. */
  readonly refusals: { readonly key: string; readonly count: number; readonly atMs: number }[] = [];
  /** Highest count of each finished and running window, by key. */
  readonly peaks = new Map<string, Map<number, number>>();

  /** A call arrives and is counted; answers the count after it. */
  arrive(key: string, windowMs: number, limit: number, weight: number, atMs: number): number {
    const counter = this.#counter(key, windowMs, atMs);
    counter.count += weight;
    if (counter.count > limit && weight > 0) this.refusals.push({ key, count: counter.count, atMs });
    const peaks = this.peaks.get(key) ?? new Map<number, number>();
    this.peaks.set(key, peaks);
    peaks.set(counter.window, Math.max(peaks.get(counter.window) ?? 0, counter.count));
    return counter.count;
  }

  /** Something is taken back: a call that succeeded for free, an order that was filled. */
  giveBack(key: string, windowMs: number, weight: number, atMs: number): number {
    const counter = this.#counter(key, windowMs, atMs);
    counter.count = Math.max(0, counter.count - weight);
    return counter.count;
  }

  count(key: string, windowMs: number, atMs: number): number {
    return this.#counter(key, windowMs, atMs).count;
  }

  #counter(key: string, windowMs: number, atMs: number): { window: number; count: number } {
    const window = Math.floor(atMs / windowMs);
    const known = this.#counters.get(key);
    if (known?.window === window) return known;
    const counter = { window, count: 0 };
    this.#counters.set(key, counter);
    return counter;
  }
}
