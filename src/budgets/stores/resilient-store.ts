import type { Bucket, CallCharge } from '../../core/budget/buckets.ts';
import { budgetTime } from '../../core/budget/budget-time.ts';
import type { ChargeEnding } from '../../core/budget/window.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import { unheardReason, unheardRefusal } from '../budget-refusals.ts';
import { Degradation } from './alone/degradation.ts';
import { LoneCharges } from './alone/lone-charges.ts';
import { Outage } from './alone/outage.ts';
import type { ForeignUse, SharedLook } from './redis-replies.ts';
import type { OwnUse, RedisBudgetStore } from './redis-store.ts';
import { mayPass, NOT_YET, redisTrouble } from './redis-trouble.ts';
import { SharedView } from './shared-view.ts';
import type { BucketUse, BudgetStore, ChargeOutcome, Freeze, Receipt, StoreView } from './store.ts';

export interface ResilientBudgetStoreOptions {
  readonly shared: RedisBudgetStore;
  /** At least so many processes share the store; they count themselves there. */
  readonly replicas: number;
  /** Server time in ms. */
  readonly serverNow: () => number;
  /** How often the shared store is looked at, in ms; 250 unless told. */
  readonly watchMs?: number;
  /** How long the first calls wait for the first word of the shared store, in ms; 1000 unless told. */
  readonly firstWordMs?: number;
}

/** So often within the time of a lease, so that one look may be late. */
const WATCH_MS = 250;
/** Every so many looks the buckets of the others are asked for too. */
const ALL_EVERY = 4;
const FIRST_WORD_MS = SECOND_MS;
/** How often a charge is tried again because the lease had ended. */
const MOST_TRIES = 10;

/**
 * Uses the shared store while it answers, and this process's own share of every limit while it does not. It never fails
 * open: what the shared store does not answer in time is charged on the own share, once the shared store keeps that free.
 */
export class ResilientBudgetStore implements BudgetStore {
  readonly #shared: RedisBudgetStore;
  readonly #replicas: number;
  readonly #now: () => number;
  readonly #view = new SharedView();
  /** Receipts of calls under way that the shared store has charged. */
  readonly #underWay = new Set<Receipt>();
  readonly #alone = new LoneCharges();
  readonly #degradation = new Degradation();
  readonly #thawedListeners: ((key: string) => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #firstWord = Promise.withResolvers<void>();
  #outage: Outage | undefined;
  #hasHeard = false;
  #isFirstWordLate = false;
  /** The shared store has lost its memory, and was not told all that is known here since. */
  #owesAll = false;
  #looks = 0;
  #attending: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ResilientBudgetStoreOptions) {
    this.#shared = options.shared;
    this.#replicas = options.replicas;
    this.#now = () => budgetTime(options.serverNow());
    this.#timer = setInterval(() => void this.#watch(), options.watchMs ?? WATCH_MS);
    this.#timer.unref();
    const late = setTimeout(() => {
      this.#isFirstWordLate = true;
      this.#failed(new Error(NOT_YET));
    }, options.firstWordMs ?? FIRST_WORD_MS);
    void this.#firstWord.promise.then(() => clearTimeout(late));
    this.#shared.onConnected(() => void this.#watch());
  }

  charge(charge: CallCharge, nowMs: number): ChargeOutcome | Promise<ChargeOutcome> {
    const freeze = this.frozenBy(charge.freezeKeys, nowMs);
    if (freeze !== undefined) return { kind: 'frozen', freeze };
    const outage = this.#outage;
    if (outage === undefined)
      return this.#hasHeard ? this.#chargeShared(charge, nowMs) : this.#chargeFirst(charge);
    // Cancels are few, and a part of every limit is kept for them: they wait for nothing.
    const opening = charge.lane === 'cancels' ? undefined : outage.opening(charge, nowMs);
    if (opening === undefined) return this.#alone.charge(outage.store, charge, nowMs);
    if (!(opening instanceof Promise)) return opening;
    return opening.then(() => this.charge(charge, this.#now()));
  }

  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void {
    this.#alone.reconcile(receipt, endings, nowMs);
    if (this.#underWay.delete(receipt)) this.#tell(this.#shared.reconcile(receipt, endings, nowMs));
  }

  refund(receipt: Receipt, nowMs: number): void {
    this.#alone.refund(receipt, nowMs);
    if (this.#underWay.delete(receipt)) this.#tell(this.#shared.refund(receipt, nowMs));
  }

  freeze(freeze: Freeze, nowMs: number): void {
    this.#view.foundFreeze(freeze);
    this.#tell(this.#tellFreeze(freeze, nowMs));
  }

  frozenBy(freezeKeys: readonly string[], nowMs: number): Freeze | undefined {
    return this.#view.passFreezeKeys(freezeKeys, nowMs);
  }

  view(nowMs: number): StoreView {
    const freezes = this.#view.freezes(nowMs);
    const lone = this.#outage?.store;
    return {
      buckets: lone === undefined ? this.#view.uses(nowMs) : lone.uses(nowMs),
      freezes,
      degraded: this.#degradation.reason !== '',
      proxies: Math.max(this.#replicas, this.#shared.membership.seen.neighbours),
      ...(this.#isUnusable ? { unusable: unheardReason(this.#degradation.reason) } : {}),
    };
  }

  onDegraded(listener: (degraded: boolean, reason: string) => void): void {
    this.#degradation.onChange(listener);
  }

  onThawed(listener: (key: string) => void): void {
    this.#thawedListeners.push(listener);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#isClosed = true;
    this.#firstWord.resolve();
    // A look that comes after the farewell would count this process again.
    await this.#attending?.catch(() => {});
    await this.#shared.leave().catch(() => {});
    await this.#shared.close();
  }

  /** Never heard of, and nobody said among how many the limits would have to be divided. */
  get #isUnusable(): boolean {
    return !this.#hasHeard && this.#outage === undefined;
  }

  /** The first calls may come before the shared store was heard. */
  async #chargeFirst(charge: CallCharge): Promise<ChargeOutcome> {
    await this.#firstWord.promise;
    if (this.#isUnusable) throw unheardRefusal(this.#degradation.reason);
    return this.charge(charge, this.#now());
  }

  async #chargeShared(charge: CallCharge, nowMs: number): Promise<ChargeOutcome> {
    try {
      for (let tries = 0; tries < MOST_TRIES && this.#outage === undefined; tries++) {
        const atMs = tries === 0 ? nowMs : this.#now();
        const { outcome, uses } = await this.#shared.charge(charge, atMs);
        if (outcome === 'outside') {
          await this.#attend();
          continue;
        }
        this.#learnUses(uses, atMs);
        if (outcome.kind === 'frozen') this.#view.learnFreeze(outcome.freeze);
        if (outcome.kind === 'charged') this.#underWay.add(outcome.receipt);
        return outcome;
      }
      if (this.#outage === undefined) throw new Error('Redis grants no lease');
    } catch (error) {
      this.#standAlone(error);
    }
    return this.charge(charge, this.#now());
  }

  /** Begins an outage with what the shared store last said and with the calls that are under way. */
  #standAlone(error: unknown): void {
    const tell = this.#degradation.begin(redisTrouble(error));
    const mayDivide = this.#hasHeard || this.#replicas > 1;
    if (this.#outage === undefined && mayDivide) {
      const nowMs = this.#now();
      const outage = new Outage(this.#shared.membership, this.#replicas, (bucket, atMs) =>
        this.#foreignUse(bucket, atMs),
      );
      for (const { bucket, used } of this.#view.uses(nowMs))
        outage.store.seed(bucket, used, nowMs, this.#view.unseen(bucket, nowMs));
      for (const receipt of this.#underWay) this.#alone.adopt(outage.store, receipt, nowMs);
      this.#outage = outage;
    }
    tell();
  }

  async #watch(): Promise<void> {
    if (this.#attending !== undefined || this.#isClosed) return;
    try {
      await this.#attend();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return;
    const isEarly = !this.#hasHeard && !this.#isFirstWordLate && mayPass(error);
    if (isEarly) return;
    this.#standAlone(error);
    this.#firstWord.resolve();
  }

  /** Looks at the shared store, once at a time: keeps the lease and what is known, or comes back into it. */
  #attend(): Promise<void> {
    this.#attending ??= this.#lookOrJoin().finally(() => {
      this.#attending = undefined;
    });
    return this.#attending;
  }

  async #lookOrJoin(): Promise<void> {
    const { membership } = this.#shared;
    const before = membership.memory;
    const isInside = this.#hasHeard && this.#outage === undefined;
    const nowMs = this.#now();
    const freezeKeys = this.#view.freezeKeys;
    const look = await this.#look(freezeKeys, isInside, nowMs);
    this.#owesAll ||= before !== '' && membership.memory !== before;
    if (!this.#owesAll)
      for (const freeze of this.#view.forgetFreezes(freezeKeys, look.freezes, nowMs))
        for (const listener of this.#thawedListeners) listener(freeze.key);
    const lost = this.#view.lostOf(look.uses, this.#owesAll);
    await this.#shared.merge(lost, nowMs);
    this.#view.learnUses(look.uses, nowMs, lost);
    if (!isInside || this.#owesAll) await this.#join();
  }

  async #look(freezeKeys: readonly string[], wantsLease: boolean, nowMs: number): Promise<SharedLook> {
    const wantsAll = !wantsLease || this.#looks++ % ALL_EVERY === 0;
    const buckets = this.#view.recentBuckets(nowMs);
    const look = await this.#shared.look({ freezeKeys, buckets, wantsLease, wantsAll }, nowMs);
    this.#view.learnForeign(look.all);
    for (const freeze of look.freezes) this.#view.learnFreeze(freeze);
    return look;
  }

  /** Tells the shared store what it has lost and what was used without it; with the lease after that it is used again. */
  async #join(): Promise<void> {
    const store = this.#outage?.store;
    const nowMs = this.#now();
    const told = store?.ownUses(nowMs) ?? [];
    await this.#shared.merge(told, nowMs);
    for (const freeze of this.#view.untoldFreezes(nowMs, this.#owesAll))
      await this.#tellFreeze(freeze, nowMs);
    const taking = this.#takeOver(told);
    this.#outage?.handOver(taking.catch(() => {}));
    await taking;
  }

  /**
   * No call but a cancel is charged on the own share meanwhile. The last merge and the first new charge go over one
   * connection in this order, so that nothing is missed.
   */
  async #takeOver(toldBefore: readonly OwnUse[]): Promise<void> {
    const store = this.#outage?.store;
    let nowMs = this.#now();
    const told = store?.ownUses(nowMs) ?? [];
    await this.#shared.merge(store?.ownUses(nowMs, toldBefore) ?? [], nowMs);
    this.#view.learnUses((await this.#look(this.#view.freezeKeys, true, nowMs)).uses, nowMs);
    nowMs = this.#now();
    this.#tell(this.#shared.merge(store?.ownUses(nowMs, told) ?? [], nowMs));
    this.#owesAll = false;
    this.#hasHeard = true;
    this.#outage?.end();
    this.#outage = undefined;
    this.#firstWord.resolve();
    this.#degradation.end();
  }

  /** Learns what a charge says of its buckets, and tells the shared store the counts that it has lost. */
  #learnUses(uses: readonly BucketUse[], nowMs: number): void {
    const lost = this.#view.lostOf(uses);
    this.#view.learnUses(uses, nowMs, lost);
    if (lost.length > 0) this.#tell(this.#shared.merge(lost, nowMs));
  }

  #foreignUse(bucket: Bucket, nowMs: number): ForeignUse | undefined {
    return this.#view.foreignUse(this.#shared.keyOf(bucket.key), nowMs);
  }

  async #tellFreeze(freeze: Freeze, nowMs: number): Promise<void> {
    await this.#shared.freeze(freeze, nowMs);
    this.#view.toldFreeze(freeze);
  }

  /** If this message is lost the charge stays in flight until its slot expires (30 to 40 s). */
  #tell(told: Promise<void>): void {
    told.catch(() => {});
  }
}
