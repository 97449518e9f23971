import type { Bucket } from '../../core/budget/buckets.ts';
import { MINUTE_MS } from '../../core/intervals.ts';
import { RecentGrowth } from './recent-growth.ts';
import type { ForeignUse } from './redis-replies.ts';
import type { OwnUse } from './redis-store.ts';
import type { BucketUse, Freeze } from './store.ts';

/** How long a bucket that nobody uses is still looked at. */
const IDLE_MS = 2 * MINUTE_MS;

interface KnownFreeze {
  readonly freeze: Freeze;
  /** Whether the shared store has it, so that its going there is the end of it here. */
  readonly isTold: boolean;
}

/** What this process last learned of the shared store: the use of the buckets, and the freezes of its own calls. */
export class SharedView {
  readonly #uses = new Map<string, BucketUse>();
  readonly #growth = new Map<string, RecentGrowth>();
  #foreign: ReadonlyMap<string, ForeignUse> = new Map();
  readonly #freezeKeys = new Set<string>();
  readonly #freezes = new Map<string, KnownFreeze>();

  /** Every freeze key that a call of this process has passed. */
  get freezeKeys(): string[] {
    return [...this.#freezeKeys];
  }

  /** Remembers the freeze keys of a call up to the first that is frozen, and returns that freeze. */
  passFreezeKeys(keys: readonly string[], nowMs: number): Freeze | undefined {
    for (const key of keys) {
      this.#freezeKeys.add(key);
      // The message about a freeze may never have reached the shared store, so it is held here too.
      const known = this.#freezes.get(key);
      if (known !== undefined && known.freeze.untilMs > nowMs) return known.freeze;
    }
    return undefined;
  }

  /** The freezes that hold. */
  freezes(nowMs: number): Freeze[] {
    return [...this.#freezes.values()].map(({ freeze }) => freeze).filter(({ untilMs }) => untilMs > nowMs);
  }

  /** The uses whose window has not ended. */
  uses(nowMs: number): BucketUse[] {
    return [...this.#uses.values()].filter((use) => use.untilMs > nowMs);
  }

  /**
   * How many orders others may have placed since the last look, if they went on as before. Of weight a part is kept back that
   * covers it, for cancels, and of a day it is nothing.
   */
  unseen(bucket: Bucket, nowMs: number): number {
    return isOfOrders(bucket) ? this.#growthOf(bucket).at(nowMs) : 0;
  }

  /** What was last told of a bucket that only others have used. */
  foreignUse(storeKey: string, nowMs: number): ForeignUse | undefined {
    const use = this.#foreign.get(storeKey);
    return use !== undefined && use.untilMs > nowMs ? use : undefined;
  }

  learnForeign(all: ReadonlyMap<string, ForeignUse> | undefined): void {
    if (all !== undefined) this.#foreign = all;
  }

  /** The buckets that were used lately; the others are forgotten. */
  recentBuckets(nowMs: number): Bucket[] {
    const buckets: Bucket[] = [];
    for (const [key, { bucket, untilMs }] of this.#uses) {
      if (untilMs > nowMs - IDLE_MS) buckets.push(bucket);
      else {
        this.#uses.delete(key);
        this.#growth.delete(key);
      }
    }
    return buckets;
  }

  /** A freeze that this process found out itself. A longer one stays. */
  foundFreeze(freeze: Freeze): void {
    const known = this.#freezes.get(freeze.key);
    if (known === undefined || known.freeze.untilMs < freeze.untilMs)
      this.#freezes.set(freeze.key, { freeze, isTold: false });
  }

  /** The shared store has it by now. */
  toldFreeze(freeze: Freeze): void {
    if (this.#freezes.get(freeze.key)?.freeze === freeze)
      this.#freezes.set(freeze.key, { freeze, isTold: true });
  }

  /** Learns a freeze that the shared store holds. */
  learnFreeze(freeze: Freeze): void {
    const known = this.#freezes.get(freeze.key);
    if (known === undefined || known.isTold || known.freeze.untilMs <= freeze.untilMs)
      this.#freezes.set(freeze.key, { freeze, isTold: true });
  }

  /** Forgets, of these keys, the freezes that the shared store had and has no more. Returns those that held until now. */
  forgetFreezes(asked: readonly string[], held: readonly Freeze[], nowMs: number): readonly Freeze[] {
    const ended: Freeze[] = [];
    for (const key of asked) {
      const known = this.#freezes.get(key);
      if (known?.isTold !== true || held.some((freeze) => freeze.key === key)) continue;
      this.#freezes.delete(key);
      if (known.freeze.untilMs > nowMs) ended.push(known.freeze);
    }
    return ended;
  }

  /** What the shared store has to be told again: it has lost its memory, or never heard it. */
  untoldFreezes(nowMs: number, hasLostAll: boolean): readonly Freeze[] {
    const known = [...this.#freezes.values()];
    return known
      .filter(({ freeze, isTold }) => freeze.untilMs > nowMs && (hasLostAll || !isTold))
      .map(({ freeze }) => freeze);
  }

  /** The counts that the shared store has lost: those that began anew within their window, or all. */
  lostOf(uses: readonly BucketUse[], hasLostAll = false): readonly OwnUse[] {
    const lost: OwnUse[] = [];
    for (const use of uses) {
      const known = this.#uses.get(use.bucket.key);
      if (known === undefined || !isStillMeant(known, use)) continue;
      if (known.startedMs === use.startedMs && !hasLostAll) continue;
      lost.push({ bucket: use.bucket, untilMs: use.untilMs, own: 0, reported: known.used });
    }
    return lost;
  }

  /**
   * Learns what the shared store says of some buckets.
   * @param lost what it is about to be told of them
   */
  learnUses(uses: readonly BucketUse[], nowMs: number, lost: readonly OwnUse[] = []): void {
    for (const use of uses) {
      this.#uses.set(use.bucket.key, use);
      if (isOfOrders(use.bucket)) this.#growthOf(use.bucket).note(use.used, nowMs);
    }
    for (const { bucket, reported } of lost) {
      const use = this.#uses.get(bucket.key);
      if (use !== undefined) this.#uses.set(bucket.key, { ...use, used: Math.max(use.used, reported) });
    }
  }

  #growthOf({ key }: Bucket): RecentGrowth {
    const known = this.#growth.get(key);
    if (known !== undefined) return known;
    const growth = new RecentGrowth();
    this.#growth.set(key, growth);
    return growth;
  }
}

/** Whether what was known before still counts. A rolling window has no end to compare. */
function isStillMeant(known: BucketUse, use: BucketUse): boolean {
  return use.bucket.kind === 'rolling' ? known.untilMs > use.startedMs : known.untilMs === use.untilMs;
}

function isOfOrders({ kind, windowMs }: Bucket): boolean {
  return (kind === 'orders' || kind === 'rolling') && windowMs <= MINUTE_MS;
}
