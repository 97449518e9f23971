import type { CallCharge } from '../../core/budget/buckets.ts';
import { budgetTime } from '../../core/budget/budget-time.ts';
import type { ChargeEnding } from '../../core/budget/window.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import { OwnShareStore } from './own-share-store.ts';
import type { RedisBudgetStore } from './redis-store.ts';
import { NOT_YET, redisTrouble } from './redis-trouble.ts';
import { SharedView } from './shared-view.ts';
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

/** A receipt of the own share, and the store that gave it. */
interface Lone {
  readonly store: OwnShareStore;
  readonly receipt: Receipt;
}

/**
 * Uses the shared store while it answers, and this process's own share of every limit while it does not. It never fails
 * open: a charge that the shared store does not answer in time is made on the own share instead.
 */
export class ResilientBudgetStore implements BudgetStore {
  readonly #shared: RedisBudgetStore;
  readonly #replicas: number;
  readonly #now: () => number;
  readonly #view = new SharedView();
  /** Receipts of calls under way that the shared store has charged. */
  readonly #underWay = new Set<Receipt>();
  readonly #alone = new WeakMap<Receipt, Lone>();
  readonly #listeners: ((degraded: boolean, reason: string) => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  #lone: OwnShareStore | undefined;
  #looking = false;
  /** Why it stands alone, as it was told. */
  #reason = '';

  constructor(options: ResilientBudgetStoreOptions) {
    this.#shared = options.shared;
    this.#replicas = options.replicas;
    this.#now = () => budgetTime(options.serverNow());
    this.#timer = setInterval(() => void this.#watch(), options.watchMs ?? SECOND_MS);
    this.#timer.unref();
  }

  charge(charge: CallCharge, nowMs: number): ChargeOutcome | Promise<ChargeOutcome> {
    const freeze = this.#view.passFreezeKeys(charge.freezeKeys, nowMs);
    if (freeze !== undefined) return { kind: 'frozen', freeze };
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
    this.#view.learnFreeze(freeze);
    this.#tell(this.#shared.freeze(freeze, nowMs));
  }

  view(nowMs: number): StoreView {
    const freezes = [...this.#view.freezes(nowMs)];
    if (this.#lone !== undefined) return { buckets: this.#lone.uses(nowMs), freezes, degraded: true };
    return { buckets: this.#view.uses(nowMs), freezes, degraded: false };
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
      if (outcome.kind === 'frozen') this.#view.learnFreeze(outcome.freeze);
      if (outcome.kind === 'charged') this.#underWay.add(outcome.receipt);
      return outcome;
    } catch (error) {
      return this.#chargeLone(this.#standAlone(error), charge, this.#now());
    }
  }

  #chargeLone(lone: OwnShareStore, charge: CallCharge, nowMs: number): ChargeOutcome {
    const outcome = lone.charge(charge, nowMs);
    if (outcome.kind !== 'charged') return outcome;
    // The caller ends only the charges that it asked for. The receipt with the parts stays here.
    const receipt: Receipt = { charges: charge.charges, marks: [] };
    this.#alone.set(receipt, { store: lone, receipt: outcome.receipt });
    return { kind: 'charged', receipt };
  }

  /** Begins an outage with what the shared store last said and with the calls that are under way. */
  #standAlone(error: unknown): OwnShareStore {
    if (this.#lone !== undefined) {
      this.#tellRefusal(error);
      return this.#lone;
    }
    const nowMs = this.#now();
    const lone = new OwnShareStore(this.#replicas);
    for (const use of this.#view.uses(nowMs)) lone.seed(use, nowMs);
    for (const receipt of this.#underWay)
      this.#alone.set(receipt, { store: lone, receipt: lone.adopt(receipt, nowMs) });
    this.#lone = lone;
    this.#reason = redisTrouble(error);
    this.#announce(true, this.#reason);
    return lone;
  }

  /** A Redis that was slow to connect may turn out to refuse. */
  #tellRefusal(error: unknown): void {
    const reason = redisTrouble(error);
    if (this.#reason !== NOT_YET || reason === NOT_YET) return;
    this.#reason = reason;
    this.#announce(true, reason);
  }

  /** Polls the shared store: keeps the last known use fresh, and finds the start and the end of an outage. */
  async #watch(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const nowMs = this.#now();
      const { freezeKeys } = this.#view;
      const { freezes, uses } = await this.#shared.look(freezeKeys, this.#view.recentBuckets(nowMs), nowMs);
      for (const freeze of freezes) this.#view.learnFreeze(freeze);
      this.#learnUses(uses, nowMs);
      if (this.#lone !== undefined) await this.#rejoin(this.#lone);
    } catch (error) {
      this.#standAlone(error);
    } finally {
      this.#looking = false;
    }
  }

  /**
   * Tells the shared store what was used during the outage, before it is used again: it may have lost its own counts.
   * The last merge and the first new charge go over one connection in this order, so no charge is missed.
   */
  async #rejoin(lone: OwnShareStore): Promise<void> {
    const nowMs = this.#now();
    const told = lone.ownUses(nowMs);
    await this.#shared.merge(told, nowMs);
    for (const freeze of this.#view.freezes(nowMs)) await this.#shared.freeze(freeze, nowMs);
    this.#tell(this.#shared.merge(lone.ownUses(this.#now(), told), this.#now()));
    this.#lone = undefined;
    this.#announce(false, '');
  }

  /** Learns what the shared store says, and tells it the counts that it has lost. */
  #learnUses(uses: readonly BucketUse[], nowMs: number): void {
    const lost = this.#view.learnUses(uses);
    if (lost.length > 0) this.#tell(this.#shared.merge(lost, nowMs));
  }

  /** If this message is lost the charge stays in flight until its slot expires (30 to 40 s). */
  #tell(told: Promise<void>): void {
    told.catch(() => {});
  }

  #announce(degraded: boolean, reason: string): void {
    for (const listener of this.#listeners) listener(degraded, reason);
  }
}
