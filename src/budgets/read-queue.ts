import type { CallCharge } from '../core/budget/buckets.ts';
import { frozenRefusal, fullRefusal, hungUpRefusal, staleRefusal } from './budget-refusals.ts';
import type { ChargeOutcome, Receipt } from './stores/store.ts';
import { type Full, latestOf, Waiter, type WaitingRead } from './waiter.ts';

/** Runs something after a time in ms. The function that it returns cancels that. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

export interface ReadQueueOptions {
  readonly attempt: (charge: CallCharge) => ChargeOutcome | Promise<ChargeOutcome>;
  readonly refund: (receipt: Receipt) => void;
  /** The budgets' time in ms. */
  readonly now: () => number;
  readonly maxWaitMs: number;
  readonly schedule: Schedule;
}

/** A longer queue could not be worked off in time, so one more read is refused. */
const MOST_WAITERS = 1_000;

/**
 * Reads that wait for room, in the order of their arrival. Orders and cancels never wait, and reads cannot use what is
 * reserved for them, so one queue is enough. A read overtakes another one only when that one waits for a bucket which
 * it does not touch itself.
 */
export class ReadQueue {
  readonly #options: ReadQueueOptions;
  #waiters: Waiter[] = [];
  #pumping = false;
  #again = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: ReadQueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /** The refusal of an earlier read that waits for a bucket which this one touches too. */
  ahead(charge: CallCharge): Full | undefined {
    if (this.#waiters.length === 0) return undefined;
    return this.#waiters.find((waiter) => touches(charge, waiter.refusal.bucket.key))?.refusal;
  }

  /**
   * Waits until the read is charged.
   * @throws ProxyError at once when the window ends later than the caller can wait
   */
  wait(read: WaitingRead, refusal: Full): Promise<Receipt> {
    const { now, maxWaitMs } = this.#options;
    const nowMs = now();
    if (read.signal?.aborted) return Promise.reject(hungUpRefusal());
    if (this.#waiters.length >= MOST_WAITERS || refusal.untilMs > latestOf(read, maxWaitMs)) {
      return Promise.reject(fullRefusal(refusal.bucket, refusal.untilMs, nowMs));
    }
    return new Promise((resolve, reject) => {
      const onHangUp = () => this.#refuse(waiter, hungUpRefusal());
      const waiter: Waiter = new Waiter(read, { refusal, maxWaitMs, resolve, reject, onHangUp });
      this.#waiters.push(waiter);
      this.#setTimer();
    });
  }

  /** Tries the waiting reads again: room may have come free. */
  wake(): void {
    if (this.#waiters.length > 0) void this.#pump();
  }

  close(): void {
    this.#cancelTimer?.();
    const nowMs = this.#options.now();
    for (const waiter of this.#waiters.splice(0)) {
      waiter.reject(fullRefusal(waiter.refusal.bucket, waiter.refusal.untilMs, nowMs));
    }
  }

  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        await this.#round();
      } while (this.#again);
    } finally {
      this.#pumping = false;
      this.#setTimer();
    }
  }

  async #round(): Promise<void> {
    const held: string[] = [];
    for (const waiter of [...this.#waiters]) {
      if (waiter.isGone) continue;
      if (waiter.isStale(this.#options.now())) this.#refuse(waiter, staleRefusal());
      else if (held.some((key) => touches(waiter.charge, key))) this.#refuseIfLate(waiter);
      else {
        const attempted = this.#attempt(waiter);
        const outcome = attempted instanceof Promise ? await attempted : attempted;
        if (outcome?.kind === 'full') held.push(outcome.bucket.key);
      }
    }
  }

  /** Returns a promise only when the store does. */
  #attempt(waiter: Waiter): ChargeOutcome | undefined | Promise<ChargeOutcome | undefined> {
    const failed = (error: unknown) => {
      this.#refuse(waiter, error instanceof Error ? error : new Error('the budget store failed'));
      return undefined;
    };
    try {
      const outcome = this.#options.attempt(waiter.charge);
      if (outcome instanceof Promise) return outcome.then((later) => this.#conclude(waiter, later), failed);
      return this.#conclude(waiter, outcome);
    } catch (error) {
      return failed(error);
    }
  }

  #conclude(waiter: Waiter, outcome: ChargeOutcome): ChargeOutcome {
    if (outcome.kind === 'frozen') this.#refuse(waiter, frozenRefusal(outcome.freeze, this.#options.now()));
    else if (outcome.kind === 'full') {
      // Full again, perhaps only by calls under way: the read waits on until its last moment.
      waiter.refusal = outcome;
      this.#refuseIfLate(waiter);
    } else if (waiter.isGone || waiter.isStale(this.#options.now())) {
      this.#options.refund(outcome.receipt);
      this.#refuse(waiter, staleRefusal());
    } else {
      this.#drop(waiter);
      waiter.resolve(outcome.receipt);
    }
    return outcome;
  }

  #refuseIfLate(waiter: Waiter): void {
    const refusal = waiter.lateRefusal(this.#options.now());
    if (refusal !== undefined) this.#refuse(waiter, refusal);
  }

  #refuse(waiter: Waiter, refusal: Error): void {
    this.#drop(waiter);
    waiter.reject(refusal);
  }

  #drop(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
  }

  /** Sets one timer for all waiters, to the earliest end of a full window or last moment among them. */
  #setTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters) {
      nextMs = Math.min(nextMs, waiter.refusal.untilMs, waiter.latestMs);
    }
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#options.schedule(() => this.wake(), Math.max(1, nextMs - this.#options.now()));
  }
}

function touches(charge: CallCharge, key: string): boolean {
  return charge.charges.some(({ bucket }) => bucket.key === key);
}
