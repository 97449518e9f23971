import type { Bucket } from '../../core/budget/buckets.ts';
import { MINUTE_MS } from '../../core/intervals.ts';
import type { OwnUse } from './redis-store.ts';
import type { BucketUse, Freeze } from './store.ts';

/** How long a bucket that nobody uses is still looked at. */
const IDLE_MS = 2 * MINUTE_MS;

/** What this process last learned of the shared store: the use of its own buckets, and the freezes of its own calls. */
export class SharedView {
  readonly #uses = new Map<string, BucketUse>();
  readonly #freezeKeys = new Set<string>();
  readonly #freezes = new Map<string, Freeze>();

  /** Every freeze key that a call of this process has passed. */
  get freezeKeys(): string[] {
    return [...this.#freezeKeys];
  }

  /** Remembers the freeze keys of a call up to the first that is frozen, and returns that freeze. */
  passFreezeKeys(keys: readonly string[], nowMs: number): Freeze | undefined {
    for (const key of keys) {
      this.#freezeKeys.add(key);
      // The message about a freeze may never have reached the shared store, so it is held here too.
      const freeze = this.#freezes.get(key);
      if (freeze !== undefined && freeze.untilMs > nowMs) return freeze;
    }
    return undefined;
  }

  /** The freezes that hold. Those that are learned while a caller iterates are included. */
  *freezes(nowMs: number): Generator<Freeze> {
    for (const freeze of this.#freezes.values()) if (freeze.untilMs > nowMs) yield freeze;
  }

  /** The uses whose window has not ended. */
  uses(nowMs: number): BucketUse[] {
    return [...this.#uses.values()].filter((use) => use.untilMs > nowMs);
  }

  /** The buckets that were used lately; the others are forgotten. */
  recentBuckets(nowMs: number): Bucket[] {
    const buckets: Bucket[] = [];
    for (const [key, { bucket, untilMs }] of this.#uses) {
      if (untilMs > nowMs - IDLE_MS) buckets.push(bucket);
      else this.#uses.delete(key);
    }
    return buckets;
  }

  learnFreeze(freeze: Freeze): void {
    const known = this.#freezes.get(freeze.key);
    if (known === undefined || known.untilMs < freeze.untilMs) this.#freezes.set(freeze.key, freeze);
  }

  /**
   * Learns what the shared store says of some buckets. Returns the counts that it has lost: those that began anew
   * within their window (an evicted key, an empty replica).
   */
  learnUses(uses: readonly BucketUse[]): readonly OwnUse[] {
    const lost: OwnUse[] = [];
    for (const use of uses) {
      const { key } = use.bucket;
      const known = this.#uses.get(key);
      this.#uses.set(key, use);
      if (known === undefined || known.startedMs === use.startedMs || !isStillMeant(known, use)) continue;
      lost.push({ bucket: use.bucket, untilMs: use.untilMs, own: 0, reported: known.used });
    }
    return lost;
  }
}

/** Whether what was known before still counts. A rolling window has no end to compare. */
function isStillMeant(known: BucketUse, use: BucketUse): boolean {
  return use.bucket.kind === 'rolling' ? known.untilMs > use.startedMs : known.untilMs === use.untilMs;
}
