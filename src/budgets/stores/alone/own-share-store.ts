import type { Bucket, BucketCharge, CallCharge } from '../../../core/budget/buckets.ts';
import type { ChargeEnding } from '../../../core/budget/window.ts';
import { MemoryBudgetStore } from '../memory-store.ts';
import type { ForeignUse } from '../redis-replies.ts';
import type { OwnUse } from '../redis-store.ts';
import type { BucketUse, ChargeOutcome, Receipt } from '../store.ts';
import { isDivided } from './parts.ts';

/** Suffix that no real bucket key contains. */
const PART = '\u0000part';

export interface OwnShareOptions {
  /** Among how many a bucket is divided; the number may grow. */
  readonly partnersOf: (bucket: Bucket) => number;
  /** What the shared store last said of a bucket that this process has not used. */
  readonly foreignUse: (bucket: Bucket, nowMs: number) => ForeignUse | undefined;
}

/**
 * What one of several processes may use without asking the others. Each bucket is counted twice: once whole, where
 * Binance's reports are compared with the limit, and once as this process's part of it, which no report raises.
 */
export class OwnShareStore {
  readonly #memory = new MemoryBudgetStore();
  readonly #options: OwnShareOptions;
  /** The buckets that have begun here. */
  readonly #begun = new Set<string>();

  constructor(options: OwnShareOptions) {
    this.#options = options;
  }

  /**
   * Starts a bucket with what the shared store last said. Only what is left of the window is divided, less what the others may
   * have used of it unseen.
   */
  seed(bucket: Bucket, used: number, nowMs: number, unseen = 0): void {
    this.#begun.add(bucket.key);
    this.#memory.seed(bucket, used, nowMs);
    if (!isDivided(bucket)) return;
    const partners = this.#options.partnersOf(bucket);
    const part = Math.floor(bucket.limit / partners);
    const left = Math.floor(Math.max(0, bucket.limit - used - unseen) / partners);
    this.#memory.seed({ ...bucket, key: bucket.key + PART, limit: part }, part - left, nowMs);
  }

  /** Takes over a call that was charged by the shared store and is under way. */
  adopt(receipt: Receipt, nowMs: number): Receipt {
    const windows = receipt.marks.map((mark) => mark.window);
    const divided = windows.filter((_, i) => isDividedCharge(receipt.charges[i]));
    return this.#memory.adopt(this.#withParts(receipt.charges), [...windows, ...divided], nowMs);
  }

  charge(charge: CallCharge, nowMs: number): ChargeOutcome {
    for (const { bucket } of charge.charges) this.#begin(bucket, nowMs);
    return this.#memory.charge({ ...charge, charges: this.#withParts(charge.charges) }, nowMs);
  }

  /** Takes the endings of the undivided charges, which come first in a receipt. */
  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void {
    const parts: ChargeEnding[] = [];
    endings.forEach(({ counted }, i) => {
      if (isDividedCharge(receipt.charges[i])) parts.push({ counted, reported: undefined });
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
    return [...charges, ...charges.filter(isDividedCharge).map((whole) => this.#partOf(whole))];
  }

  /** A bucket that this process has not used itself may have been used by the others. */
  #begin(bucket: Bucket, nowMs: number): void {
    if (this.#begun.has(bucket.key)) return;
    this.#begun.add(bucket.key);
    const use = this.#options.foreignUse(bucket, nowMs);
    if (use !== undefined) this.seed(bucket, use.used, nowMs);
  }

  #partOf({ bucket, weight, ceiling }: BucketCharge): BucketCharge {
    const partners = this.#options.partnersOf(bucket);
    return {
      bucket: {
        ...bucket,
        key: bucket.key + PART,
        limit: Math.floor(bucket.limit / partners),
      },
      weight,
      ceiling: Math.floor(ceiling / partners),
      headers: [],
    };
  }
}

function isDividedCharge(charge: BucketCharge | undefined): boolean {
  return charge !== undefined && isDivided(charge.bucket);
}
