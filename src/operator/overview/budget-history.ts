import type { BudgetState } from '../../budgets/budgets.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/intervals.ts';

const EVERY_MS = 15 * SECOND_MS;
const KEPT = (15 * MINUTE_MS) / EVERY_MS;

/** How full each budget was, in parts of its limit, at each of these times (ms since the epoch). */
export interface BudgetLines {
  readonly timesMs: readonly number[];
  readonly used: Readonly<Record<string, readonly (number | null)[]>>;
}

interface Sample {
  readonly atMs: number;
  readonly used: ReadonlyMap<string, number>;
}

export interface BudgetHistoryDeps {
  readonly budgets: { readonly state: BudgetState };
  readonly wallNow: () => number;
  /** Whether anybody could ask. */
  readonly isOfUse: () => boolean;
}

/** What was used of the budgets in the last 15 minutes, looked at every 15 seconds. */
export class BudgetHistory {
  readonly #deps: BudgetHistoryDeps;
  readonly #timer: NodeJS.Timeout;
  readonly #samples: Sample[] = [];

  constructor(deps: BudgetHistoryDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#sample(), EVERY_MS);
    this.#timer.unref();
  }

  /** The samples, and the present moment as the last one. */
  read(): BudgetLines {
    const samples = [...this.#samples, this.#look()];
    const keys = new Set(samples.flatMap(({ used }) => [...used.keys()]));
    return {
      timesMs: samples.map(({ atMs }) => atMs),
      used: Object.fromEntries(
        [...keys].map((key) => [key, samples.map(({ used }) => used.get(key) ?? null)] as const),
      ),
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    if (!this.#deps.isOfUse()) return;
    this.#samples.push(this.#look());
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  #look(): Sample {
    const { buckets } = this.#deps.budgets.state;
    const used = new Map(
      buckets.map(
        ({ key, used, reported, limit }) => [key, partOf(Math.max(used, reported), limit)] as const,
      ),
    );
    return { atMs: this.#deps.wallNow(), used };
  }
}

function partOf(used: number, limit: number): number {
  return limit === 0 ? 1 : Math.round((1_000 * used) / limit) / 1_000;
}
