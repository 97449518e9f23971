import { SECOND_MS } from '../../core/intervals.ts';

/** As far back as a view of the shared store can be behind it: the age of a look, and the lease of who still uses it. */
const BACK_MS = SECOND_MS;

/** By how much a count grew in the last second, as it was seen here. What leaves a rolling window makes nothing smaller. */
export class RecentGrowth {
  #steps: { readonly atMs: number; readonly by: number }[] = [];
  #lastUsed: number | undefined;

  note(used: number, nowMs: number): void {
    const by = this.#lastUsed === undefined ? 0 : used - this.#lastUsed;
    this.#lastUsed = used;
    if (by > 0) this.#steps.push({ atMs: nowMs, by });
    this.#forget(nowMs);
  }

  at(nowMs: number): number {
    this.#forget(nowMs);
    return this.#steps.reduce((sum, { by }) => sum + by, 0);
  }

  #forget(nowMs: number): void {
    const first = this.#steps.findIndex(({ atMs }) => nowMs - atMs <= BACK_MS);
    if (first !== 0) this.#steps = first < 0 ? [] : this.#steps.slice(first);
  }
}
