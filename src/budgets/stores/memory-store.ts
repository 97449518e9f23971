import type { Bucket, BucketCharge, CallCharge } from '../../core/budget/buckets.ts';
import type { ChargeEnding, ChargeMark } from '../../core/budget/window.ts';
import {
  type BucketCount,
  bringToPresent,
  freeAgainAt,
  giveBack,
  newCount,
  seedCount,
  settle,
  take,
  takeFromSeed,
  usedIn,
  useOf,
} from './bucket-count.ts';
import type { BucketUse, BudgetStore, ChargeOutcome, Freeze, Receipt, StoreView } from './store.ts';

/** Holds the counts of one process. Every operation is synchronous. */
export class MemoryBudgetStore implements BudgetStore {
  readonly #counts = new Map<string, BucketCount>();
  readonly #freezes = new Map<string, Freeze>();

  charge(charge: CallCharge, nowMs: number): ChargeOutcome {
    const freeze = this.frozenBy(charge.freezeKeys, nowMs);
    if (freeze !== undefined) return { kind: 'frozen', freeze };
    const counts: BucketCount[] = [];
    let full: BucketCount | undefined;
    let untilMs = 0;
    for (const { bucket, weight, ceiling } of charge.charges) {
      const count = this.#count(bucket, nowMs);
      counts.push(count);
      if (usedIn(count) + weight <= ceiling) continue;
      const endMs = freeAgainAt(count, weight, ceiling);
      if (full === undefined || endMs > untilMs) {
        full = count;
        untilMs = endMs;
      }
    }
    if (full !== undefined) return { kind: 'full', bucket: full.bucket, untilMs };
    const marks: ChargeMark[] = [];
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i];
      const weight = charge.charges[i]?.weight;
      if (count !== undefined && weight !== undefined) marks.push(take(count, weight, nowMs));
    }
    return { kind: 'charged', receipt: { charges: charge.charges, marks } };
  }

  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void {
    for (let i = 0; i < receipt.charges.length; i++) {
      const charge = receipt.charges[i];
      const mark = receipt.marks[i];
      const ending = endings[i];
      if (charge === undefined || mark === undefined || ending === undefined) continue;
      const { weight, bucket } = charge;
      settle(this.#count(bucket, nowMs), { mark, weight, ending }, nowMs);
    }
  }

  refund(receipt: Receipt, nowMs: number): void {
    for (let i = 0; i < receipt.charges.length; i++) {
      const charge = receipt.charges[i];
      const mark = receipt.marks[i];
      if (charge === undefined || mark === undefined) continue;
      giveBack(this.#count(charge.bucket, nowMs), mark, charge.weight, nowMs);
    }
  }

  freeze(freeze: Freeze): void {
    const known = this.#freezes.get(freeze.key);
    if (known === undefined || known.untilMs < freeze.untilMs) this.#freezes.set(freeze.key, freeze);
  }

  /** Keeps freezes that are over, because a clock that ran ahead may be set back. */
  frozenBy(freezeKeys: readonly string[], nowMs: number): Freeze | undefined {
    if (this.#freezes.size === 0) return undefined;
    for (const key of freezeKeys) {
      const freeze = this.#freezes.get(key);
      if (freeze !== undefined && freeze.untilMs > nowMs) return freeze;
    }
    return undefined;
  }

  view(nowMs: number): StoreView {
    const buckets: BucketUse[] = [];
    for (const count of this.#counts.values()) {
      bringToPresent(count, nowMs);
      buckets.push(useOf(count));
    }
    const freezes = [...this.#freezes.values()].filter((freeze) => freeze.untilMs > nowMs);
    return { buckets, freezes, degraded: false, proxies: 1 };
  }

  /** Sets a bucket's present window to at least what is known to be used. */
  seed(bucket: Bucket, used: number, nowMs: number): void {
    seedCount(this.#count(bucket, nowMs), used, nowMs);
  }

  /**
   * Takes over charges that another store made: they are in flight here from now on. The seed of a bucket contains
   * them, so they are subtracted from it.
   * @param windows in which window each was charged
   */
  adopt(charges: readonly BucketCharge[], windows: readonly number[], nowMs: number): Receipt {
    const marks = charges.map(({ bucket, weight }, i) => {
      const count = this.#count(bucket, nowMs);
      takeFromSeed(count, weight, windows[i]);
      return take(count, weight, nowMs);
    });
    return { charges, marks };
  }

  onDegraded(): void {}

  onThawed(): void {}

  async close(): Promise<void> {}

  #count(bucket: Bucket, nowMs: number): BucketCount {
    const known = this.#counts.get(bucket.key);
    if (known === undefined) {
      const made = newCount(bucket, nowMs);
      this.#counts.set(bucket.key, made);
      return made;
    }
    known.bucket = bucket;
    bringToPresent(known, nowMs);
    return known;
  }
}
