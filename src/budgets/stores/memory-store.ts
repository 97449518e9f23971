import { type Bucket, type BucketCharge, type CallCharge, countingOf } from '../../core/budget/buckets.ts';
import {
  addCharge,
  advance,
  type BucketState,
  type ChargeEnding,
  type ChargeMark,
  emptyBucket,
  reconcile,
  refund,
  usedOf,
  windowEndOf,
} from '../../core/budget/window.ts';
import type { BucketUse, BudgetStore, ChargeOutcome, Freeze, Receipt, StoreView } from './store.ts';

interface Entry {
  bucket: Bucket;
  readonly state: BucketState;
}

/** Holds the counts of one process. Every operation is synchronous. */
export class MemoryBudgetStore implements BudgetStore {
  readonly #entries = new Map<string, Entry>();
  readonly #freezes = new Map<string, Freeze>();

  charge(charge: CallCharge, nowMs: number): ChargeOutcome {
    const freeze = this.#freezeAt(charge.freezeKeys, nowMs);
    if (freeze !== undefined) return { kind: 'frozen', freeze };
    const entries: Entry[] = [];
    let full: Entry | undefined;
    let untilMs = 0;
    for (const { bucket, weight, ceiling } of charge.charges) {
      const entry = this.#entry(bucket, nowMs);
      entries.push(entry);
      if (usedOf(entry.state) + weight <= ceiling) continue;
      const endMs = windowEndOf(entry.state, bucket.windowMs);
      if (full === undefined || endMs > untilMs) {
        full = entry;
        untilMs = endMs;
      }
    }
    if (full !== undefined) return { kind: 'full', bucket: full.bucket, untilMs };
    const marks: ChargeMark[] = [];
    for (let i = 0; i < entries.length; i++) {
      const state = entries[i]?.state;
      const weight = charge.charges[i]?.weight;
      if (state !== undefined && weight !== undefined) marks.push(addCharge(state, weight));
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
      const { windowMs } = bucket;
      const sent = { mark, weight, ending, windowMs, lowers: countingOf(bucket) === 'falling' };
      reconcile(this.#entry(bucket, nowMs).state, sent, nowMs);
    }
  }

  refund(receipt: Receipt, nowMs: number): void {
    for (let i = 0; i < receipt.charges.length; i++) {
      const charge = receipt.charges[i];
      const mark = receipt.marks[i];
      if (charge === undefined || mark === undefined) continue;
      refund(this.#entry(charge.bucket, nowMs).state, mark, charge.weight);
    }
  }

  freeze(freeze: Freeze): void {
    const known = this.#freezes.get(freeze.key);
    if (known === undefined || known.untilMs < freeze.untilMs) this.#freezes.set(freeze.key, freeze);
  }

  view(nowMs: number): StoreView {
    const buckets: BucketUse[] = [];
    for (const { bucket, state } of this.#entries.values()) {
      advance(state, nowMs, bucket.windowMs);
      const untilMs = windowEndOf(state, bucket.windowMs);
      buckets.push({
        bucket,
        startedMs: state.startedMs,
        used: usedOf(state),
        reported: state.reported,
        untilMs,
      });
    }
    const freezes = [...this.#freezes.values()].filter((freeze) => freeze.untilMs > nowMs);
    return { buckets, freezes, degraded: false };
  }

  /** Sets a bucket's present window to at least what is known to be used. */
  seed(bucket: Bucket, used: number, nowMs: number): void {
    const { state } = this.#entry(bucket, nowMs);
    state.reported = Math.max(state.reported, used);
    if (state.own !== undefined) state.own = Math.max(state.own, used);
  }

  /**
   * Takes over charges that another store made: they are in flight here from now on. The seed of a bucket contains
   * them, so they are subtracted from it.
   * @param windows in which window each was charged
   */
  adopt(charges: readonly BucketCharge[], windows: readonly number[], nowMs: number): Receipt {
    const marks = charges.map(({ bucket, weight }, i) => {
      const { state } = this.#entry(bucket, nowMs);
      if (windows[i] === state.window) {
        state.reported -= weight;
        if (state.own !== undefined) state.own -= weight;
      }
      return addCharge(state, weight);
    });
    return { charges, marks };
  }

  onDegraded(): void {}

  async close(): Promise<void> {}

  #entry(bucket: Bucket, nowMs: number): Entry {
    const known = this.#entries.get(bucket.key);
    if (known === undefined) {
      const countsOwn = countingOf(bucket) === 'pooled';
      const entry = { bucket, state: emptyBucket(nowMs, bucket.windowMs, countsOwn) };
      this.#entries.set(bucket.key, entry);
      return entry;
    }
    known.bucket = bucket;
    advance(known.state, nowMs, bucket.windowMs);
    return known;
  }

  /** Keeps freezes that are over, because a clock that ran ahead may be set back. */
  #freezeAt(freezeKeys: readonly string[], nowMs: number): Freeze | undefined {
    if (this.#freezes.size === 0) return undefined;
    for (const key of freezeKeys) {
      const freeze = this.#freezes.get(key);
      if (freeze !== undefined && freeze.untilMs > nowMs) return freeze;
    }
    return undefined;
  }
}
