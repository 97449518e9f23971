import { BoundedSet } from '../../core/bounded-set.ts';
import { type Decimal, ExactDecimal } from '../../core/decimal.ts';
import { DAY_MS } from '../../core/intervals.ts';

/** What one fill made or lost, as Binance tells it. */
export interface RealisedFill {
  readonly client: string;
  /** Names the fill among all of them: the same one may be told twice. */
  readonly key: string;
  readonly asset: string;
  /** May be below zero. */
  readonly amount: Decimal;
  readonly atMs: number;
}

const MOST_FILLS = 100_000;
/** Fills may be told late: the day before is kept as well. */
const KEPT_DAYS = 2;

/** What the fills of each client made on a day of UTC, by asset, without fees. */
export class RealisedResults {
  readonly #seen = new BoundedSet(MOST_FILLS);
  /** By day, then client, then asset. */
  readonly #days = new Map<number, Map<string, Map<string, Decimal>>>();

  note({ client, key, asset, amount, atMs }: RealisedFill): void {
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const day = dayOf(atMs);
    const results = this.#days.get(day) ?? new Map<string, Map<string, Decimal>>();
    this.#days.set(day, results);
    const own = results.get(client) ?? new Map<string, Decimal>();
    results.set(client, own);
    own.set(asset, amount.plus(own.get(asset) ?? 0));
    for (const each of this.#days.keys())
      if (each <= Math.max(...this.#days.keys()) - KEPT_DAYS) this.#days.delete(each);
  }

  /** The results of a client on the day of this moment, as decimal texts by asset. */
  of(client: string, nowMs: number): Readonly<Record<string, string>> {
    const own = this.#days.get(dayOf(nowMs))?.get(client) ?? new Map<string, Decimal>();
    return Object.fromEntries(Array.from(own, ([asset, amount]) => [asset, amount.toFixed()]));
  }
}

/** Reads what Binance writes of a result; undefined for everything else. */
export function readResult(text: string): Decimal | undefined {
  return /^-?\d{1,30}(?:\.\d{1,30})?$/.test(text) ? new ExactDecimal(text) : undefined;
}

function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}
