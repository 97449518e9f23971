import type { BucketCharge, CallCharge } from '../core/budget-buckets.ts';
import type { ChargeEnding } from '../core/budget-window.ts';
import type { BucketUse, ChargeOutcome, Receipt } from '../ports/budget-store.ts';
import { MemoryBudgetStore } from './memory-budget-store.ts';
import type { OwnUse } from './redis-budget-store.ts';

/** No bucket key holds this, so no part is taken for a whole. */
const PART = '\u0000part';

/**
 * What one of several processes may use without asking the others: each bucket stands twice, once whole (what Binance
 * reports is held against the limit) and once as this process's part of it, which no report raises.
 */
export class LoneBudgetStore {
  readonly #memory = new MemoryBudgetStore();
  readonly #replicas: number;

  constructor(replicas: number) {
    this.#replicas = replicas;
  }

  /** Begins with what the shared store last said: only the rest of the window is divided. */
  seed({ bucket, used }: BucketUse, nowMs: number): void {
    this.#memory.seed(bucket, used, nowMs);
    const part = Math.floor(bucket.limit / this.#replicas);
    const left = Math.floor(Math.max(0, bucket.limit - used) / this.#replicas);
    this.#memory.seed({ ...bucket, key: bucket.key + PART, limit: part }, part - left, nowMs);
  }

  /** Takes over a call that was charged by the shared store and is under way. */
  adopt(receipt: Receipt, nowMs: number): Receipt {
    return this.#memory.adopt(this.#withParts(receipt.charges), nowMs);
  }

  charge(charge: CallCharge, nowMs: number): ChargeOutcome {
    return this.#memory.charge({ ...charge, charges: this.#withParts(charge.charges) }, nowMs);
  }

  settle(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void {
    const both = endings.flatMap((whole) => [whole, { counted: whole.counted, reported: undefined }]);
    this.#memory.settle(receipt, both, nowMs);
  }

  giveBack(receipt: Receipt, nowMs: number): void {
    this.#memory.giveBack(receipt, nowMs);
  }

  uses(nowMs: number): readonly BucketUse[] {
    return this.#memory.view(nowMs).buckets.filter(({ bucket }) => !bucket.key.endsWith(PART));
  }

  /** What this process used alone in the present windows, less what it has told already. */
  ownUses(nowMs: number, told: readonly OwnUse[] = []): readonly OwnUse[] {
    const { buckets } = this.#memory.view(nowMs);
    const parts = new Map(buckets.map((use) => [use.bucket.key, use]));
    const before = new Map(told.map((use) => [use.bucket.key, use]));
    return this.uses(nowMs).map(({ bucket, untilMs, reported }) => {
      const part = parts.get(bucket.key + PART);
      const known = before.get(bucket.key);
      const own = part === undefined ? 0 : part.used - part.reported;
      return {
        bucket,
        untilMs,
        own: known?.untilMs === untilMs ? Math.max(0, own - known.own) : own,
        reported,
      };
    });
  }

  #withParts(charges: readonly BucketCharge[]): readonly BucketCharge[] {
    return charges.flatMap((whole) => [whole, this.#partOf(whole)]);
  }

  #partOf({ bucket, weight, ceiling }: BucketCharge): BucketCharge {
    return {
      bucket: {
        ...bucket,
        key: bucket.key + PART,
        limit: Math.floor(bucket.limit / this.#replicas),
      },
      weight,
      ceiling: Math.floor(ceiling / this.#replicas),
      headers: [],
    };
  }
}
