import type { BucketCharge, CallCharge } from '../../core/budget/buckets.ts';
import type { ChargeEnding } from '../../core/budget/window.ts';
import { MemoryBudgetStore } from './memory-store.ts';
import type { OwnUse } from './redis-store.ts';
import type { BucketUse, ChargeOutcome, Receipt } from './store.ts';

/** Suffix that no real bucket key contains. */
const PART = '\u0000part';

/**
 * What one of several processes may use without asking the others. Each bucket is counted twice: once whole, where
 * Binance's reports are compared with the limit, and once as this process's part of it, which no report raises.
 */
export class OwnShareStore {
  readonly #memory = new MemoryBudgetStore();
  readonly #replicas: number;

  constructor(replicas: number) {
    this.#replicas = replicas;
  }

  /** Starts a bucket with what the shared store last said. Only what is left of the window is divided. */
  seed({ bucket, used }: BucketUse, nowMs: number): void {
    this.#memory.seed(bucket, used, nowMs);
    if (!isDivided({ bucket })) return;
    const part = Math.floor(bucket.limit / this.#replicas);
    const left = Math.floor(Math.max(0, bucket.limit - used) / this.#replicas);
    this.#memory.seed({ ...bucket, key: bucket.key + PART, limit: part }, part - left, nowMs);
  }

  /** Takes over a call that was charged by the shared store and is under way. */
  adopt(receipt: Receipt, nowMs: number): Receipt {
    const windows = receipt.marks.map((mark) => mark.window);
    const divided = windows.filter((_, i) => {
      const whole = receipt.charges[i];
      return whole !== undefined && isDivided(whole);
    });
    return this.#memory.adopt(this.#withParts(receipt.charges), [...windows, ...divided], nowMs);
  }

  charge(charge: CallCharge, nowMs: number): ChargeOutcome {
    return this.#memory.charge({ ...charge, charges: this.#withParts(charge.charges) }, nowMs);
  }

  /** Takes the endings of the undivided charges, which come first in a receipt. */
  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void {
    const parts: ChargeEnding[] = [];
    endings.forEach(({ counted }, i) => {
      const whole = receipt.charges[i];
      if (whole !== undefined && isDivided(whole)) parts.push({ counted, reported: undefined });
    });
    this.#memory.reconcile(receipt, [...endings, ...parts], nowMs);
  }

  refund(receipt: Receipt, nowMs: number): void {
    this.#memory.refund(receipt, nowMs);
  }

  uses(nowMs: number): readonly BucketUse[] {
    return this.#memory.view(nowMs).buckets.filter(({ bucket }) => !bucket.key.endsWith(PART));
  }

  /**
   * What this process knows of the present windows: the largest report, and its own charges that no report contains,
   * less those that it has told already. When all processes tell this, the largest report plus the sum of the charges
   * counts everything once.
   */
  ownUses(nowMs: number, told: readonly OwnUse[] = []): readonly OwnUse[] {
    const before = new Map(told.map((use) => [use.bucket.key, use]));
    return this.uses(nowMs).map(({ bucket, untilMs, used, reported }) => {
      const known = before.get(bucket.key);
      // A rolling window has no end to compare.
      const isSame = bucket.kind === 'rolling' || known?.untilMs === untilMs;
      const toldOwn = isSame ? (known?.own ?? 0) : 0;
      return { bucket, untilMs, own: Math.max(0, used - reported - toldOwn), reported };
    });
  }

  #withParts(charges: readonly BucketCharge[]): readonly BucketCharge[] {
    return [...charges, ...charges.filter(isDivided).map((whole) => this.#partOf(whole))];
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

/** A client's share is not divided: it is a rule of this proxy, and one process may serve all of it. */
function isDivided({ bucket }: Pick<BucketCharge, 'bucket'>): boolean {
  return bucket.kind !== 'share';
}
