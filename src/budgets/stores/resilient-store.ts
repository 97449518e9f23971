import type { Bucket, CallCharge } from '../../core/budget/buckets.ts';
import { budgetTime, type ChargeEnding } from '../../core/budget/window.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/intervals.ts';
import { OwnShareStore } from './own-share-store.ts';
import type { OwnUse, RedisBudgetStore } from './redis-store.ts';
import type { BucketUse, BudgetStore, ChargeOutcome, Freeze, Receipt, StoreView } from './store.ts';

export interface ResilientBudgetStoreOptions {
  readonly shared: RedisBudgetStore;
  /** How many processes share the store: while it is away, each uses at most limit / replicas. */
  readonly replicas: number;
  /** Server time in ms. */
  readonly serverNow: () => number;
  /** How often the shared store is looked at, in ms; 1000 unless told. */
  readonly watchMs?: number;
}

/** A receipt of this process's own, and the store that gave it. */
interface Lone {
  readonly store: OwnShareStore;
  readonly receipt: Receipt;
}

/** How long a bucket that nobody uses is still looked at. */
const IDLE_MS = 2 * MINUTE_MS;

/**
 * The shared budget while it answers, this process's guaranteed part of it while it does not. It never fails open:
 * a charge that the shared store does not answer in time is made on the part instead.
 */
export class ResilientBudgetStore implements BudgetStore {
  readonly #shared: RedisBudgetStore;
  readonly #replicas: number;
  readonly #now: () => number;
  readonly #uses = new Map<string, BucketUse>();
  readonly #freezeKeys = new Set<string>();
  readonly #freezes = new Map<string, Freeze>();
  /** Calls under way that the shared store has charged. */
  readonly #underWay = new Set<Receipt>();
  readonly #alone = new WeakMap<Receipt, Lone>();
  readonly #listeners: ((degraded: boolean, reason: string) => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  #lone: OwnShareStore | undefined;
  #looking = false;

  constructor(options: ResilientBudgetStoreOptions) {
    this.#shared = options.shared;
    this.#replicas = options.replicas;
    this.#now = () => budgetTime(options.serverNow());
    this.#timer = setInterval(() => void this.#watch(), options.watchMs ?? SECOND_MS);
    this.#timer.unref();
  }

  charge(charge: CallCharge, nowMs: number): ChargeOutcome | Promise<ChargeOutcome> {
    for (const key of charge.freezeKeys) {
      this.#freezeKeys.add(key);
      // Also for the case that the word about it never reached the shared store.
      const freeze = this.#freezes.get(key);
      if (freeze !== undefined && freeze.untilMs > nowMs) return { kind: 'frozen', freeze };
    }
    return this.#lone === undefined
      ? this.#chargeShared(charge, nowMs)
      : this.#chargeLone(this.#lone, charge, nowMs);
  }

  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void {
    const lone = this.#alone.get(receipt);
    lone?.store.reconcile(lone.receipt, endings, nowMs);
    if (this.#underWay.delete(receipt)) this.#tell(this.#shared.reconcile(receipt, endings, nowMs));
  }

  refund(receipt: Receipt, nowMs: number): void {
    const lone = this.#alone.get(receipt);
    lone?.store.refund(lone.receipt, nowMs);
    if (this.#underWay.delete(receipt)) this.#tell(this.#shared.refund(receipt, nowMs));
  }

  freeze(freeze: Freeze, nowMs: number): void {
    this.#learnFreeze(freeze);
    this.#tell(this.#shared.freeze(freeze, nowMs));
  }

  view(nowMs: number): StoreView {
    const freezes = [...this.#freezes.values()].filter((freeze) => freeze.untilMs > nowMs);
    if (this.#lone !== undefined) return { buckets: this.#lone.uses(nowMs), freezes, degraded: true };
    const buckets = [...this.#uses.values()].filter((use) => use.untilMs > nowMs);
    return { buckets, freezes, degraded: false };
  }

  onDegraded(listener: (degraded: boolean, reason: string) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#looking = true;
    await this.#shared.close();
  }

  async #chargeShared(charge: CallCharge, nowMs: number): Promise<ChargeOutcome> {
    try {
      const { outcome, uses } = await this.#shared.charge(charge, nowMs);
      this.#learnUses(uses, nowMs);
      if (outcome.kind === 'frozen') this.#learnFreeze(outcome.freeze);
      if (outcome.kind === 'charged') this.#underWay.add(outcome.receipt);
      return outcome;
    } catch (error) {
      return this.#chargeLone(this.#standAlone(error), charge, this.#now());
    }
  }

  #chargeLone(lone: OwnShareStore, charge: CallCharge, nowMs: number): ChargeOutcome {
    const outcome = lone.charge(charge, nowMs);
    if (outcome.kind !== 'charged') return outcome;
    // The caller ends the charges that it asked for; the parts are this store's own affair.
    const receipt: Receipt = { charges: charge.charges, marks: [] };
    this.#alone.set(receipt, { store: lone, receipt: outcome.receipt });
    return { kind: 'charged', receipt };
  }

  /** Every outage begins with what the shared store last said and with the calls that are under way. */
  #standAlone(error: unknown): OwnShareStore {
    if (this.#lone !== undefined) return this.#lone;
    const nowMs = this.#now();
    const lone = new OwnShareStore(this.#replicas);
    for (const use of this.#uses.values()) if (use.untilMs > nowMs) lone.seed(use, nowMs);
    for (const receipt of this.#underWay)
      this.#alone.set(receipt, { store: lone, receipt: lone.adopt(receipt, nowMs) });
    this.#lone = lone;
    this.#announce(true, error instanceof Error ? error.message.slice(0, 200) : 'unknown');
    return lone;
  }

  /** Looks at the shared store: keeps the last known use fresh, finds an outage while idle, and finds its end. */
  async #watch(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const nowMs = this.#now();
      const { freezes, uses } = await this.#shared.look([...this.#freezeKeys], this.#lately(nowMs), nowMs);
      for (const freeze of freezes) this.#learnFreeze(freeze);
      this.#learnUses(uses, nowMs);
      if (this.#lone !== undefined) await this.#rejoin(this.#lone);
    } catch (error) {
      this.#standAlone(error);
    } finally {
      this.#looking = false;
    }
  }

  /**
   * What was used alone is told before the shared store is used again; it may have lost its own counts. The last words
   * and the first new charge travel on one connection in this order, so nothing falls between.
   */
  async #rejoin(lone: OwnShareStore): Promise<void> {
    const nowMs = this.#now();
    const told = lone.ownUses(nowMs);
    await this.#shared.merge(told, nowMs);
    for (const freeze of this.#freezes.values()) {
      if (freeze.untilMs > nowMs) await this.#shared.freeze(freeze, nowMs);
    }
    this.#tell(this.#shared.merge(lone.ownUses(this.#now(), told), this.#now()));
    this.#lone = undefined;
    this.#announce(false, '');
  }

  #lately(nowMs: number): Bucket[] {
    const buckets: Bucket[] = [];
    for (const [key, { bucket, untilMs }] of this.#uses) {
      if (untilMs > nowMs - IDLE_MS) buckets.push(bucket);
      else this.#uses.delete(key);
    }
    return buckets;
  }

  /** A count that began anew within its window was lost (an evicted key, an empty replica): it is told what it was. */
  #learnUses(uses: readonly BucketUse[], nowMs: number): void {
    const lost: OwnUse[] = [];
    for (const use of uses) {
      const { key } = use.bucket;
      const known = this.#uses.get(key);
      this.#uses.set(key, use);
      if (known === undefined || known.startedMs === use.startedMs || known.untilMs !== use.untilMs) continue;
      lost.push({ bucket: use.bucket, untilMs: use.untilMs, own: 0, reported: known.used });
    }
    if (lost.length > 0) this.#tell(this.#shared.merge(lost, nowMs));
  }

  #learnFreeze(freeze: Freeze): void {
    const known = this.#freezes.get(freeze.key);
    if (known === undefined || known.untilMs < freeze.untilMs) this.#freezes.set(freeze.key, freeze);
  }

  /** A word that does not arrive leaves a charge in flight, and that dies with its slot. */
  #tell(told: Promise<void>): void {
    told.catch(() => {});
  }

  #announce(degraded: boolean, reason: string): void {
    for (const listener of this.#listeners) listener(degraded, reason);
  }
}
