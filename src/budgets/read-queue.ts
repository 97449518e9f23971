import type { CallCharge } from '../core/budget/buckets.ts';
import { frozenRefusal, fullRefusal, hungUpRefusal, staleRefusal } from './budget-refusals.ts';
import type { ChargeOutcome, Receipt } from './stores/store.ts';

type Full = Extract<ChargeOutcome, { kind: 'full' }>;

/** Runs something after a time in ms; the answer takes it back. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

export interface WaitingRead {
  readonly charge: CallCharge;
  readonly sinceMs: number;
  /** When the caller's recvWindow is over; undefined for calls without one. */
  readonly staleMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface ReadQueueOptions {
  readonly attempt: (charge: CallCharge) => ChargeOutcome | Promise<ChargeOutcome>;
  readonly refund: (receipt: Receipt) => void;
  /** The budgets' time in ms. */
  readonly now: () => number;
  readonly maxWaitMs: number;
  readonly schedule: Schedule;
}

interface Waiter extends WaitingRead {
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: Error) => void;
  readonly hangUp: () => void;
  refusal: Full;
  gone: boolean;
}

/** More than this many do not wait: a queue that long cannot come to its end in time. */
const MOST_WAITERS = 1_000;

/**
 * Reads that wait for room, in the order of their arrival. Orders and cancels never wait, and what they need is kept
 * free of reads, so one queue in one lane is all there is. A read passes one before it only when another bucket is
 * what holds that one up.
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

  /** The refusal of a read before it that waits for a bucket which this one needs too. */
  ahead(charge: CallCharge): Full | undefined {
    if (this.#waiters.length === 0) return undefined;
    return this.#waiters.find((waiter) => touches(charge, waiter.refusal.bucket.key))?.refusal;
  }

  /**
   * Waits until the read is charged.
   * @throws ProxyError at once when the window ends later than the caller can wait
   */
  wait(read: WaitingRead, refusal: Full): Promise<Receipt> {
    const nowMs = this.#options.now();
    if (read.signal?.aborted) return Promise.reject(hungUpRefusal());
    if (this.#waiters.length >= MOST_WAITERS || refusal.untilMs > this.#latest(read)) {
      return Promise.reject(fullRefusal(refusal.bucket, refusal.untilMs, nowMs));
    }
    return new Promise((resolve, reject) => {
      const hangUp = () => this.#refuse(waiter, hungUpRefusal());
      const waiter: Waiter = { ...read, resolve, reject, hangUp, refusal, gone: false };
      read.signal?.addEventListener('abort', hangUp, { once: true });
      this.#waiters.push(waiter);
      this.#setTimer();
    });
  }

  /** Room may have come free. */
  wake(): void {
    if (this.#waiters.length > 0) void this.#pump();
  }

  close(): void {
    this.#cancelTimer?.();
    const nowMs = this.#options.now();
    for (const waiter of this.#waiters.splice(0)) {
      waiter.gone = true;
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
      if (waiter.gone) continue;
      if (this.#isStale(waiter)) this.#refuse(waiter, staleRefusal());
      else if (held.some((key) => touches(waiter.charge, key))) this.#refuseIfLate(waiter);
      else {
        const attempted = this.#attempt(waiter);
        const outcome = attempted instanceof Promise ? await attempted : attempted;
        if (outcome?.kind === 'full') held.push(outcome.bucket.key);
      }
    }
  }

  /** A promise only where the store needs one. */
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
      // Full again, perhaps only by calls that are under way: it waits on, as long as it may.
      waiter.refusal = outcome;
      this.#refuseIfLate(waiter);
    } else if (waiter.gone || this.#isStale(waiter)) {
      this.#options.refund(outcome.receipt);
      this.#refuse(waiter, staleRefusal());
    } else {
      this.#drop(waiter);
      waiter.resolve(outcome.receipt);
    }
    return outcome;
  }

  #refuseIfLate(waiter: Waiter): void {
    const nowMs = this.#options.now();
    const latestMs = this.#latest(waiter);
    if (nowMs < latestMs) return;
    const isStale = latestMs === waiter.staleMs;
    const { bucket, untilMs } = waiter.refusal;
    this.#refuse(waiter, isStale ? staleRefusal() : fullRefusal(bucket, untilMs, nowMs));
  }

  #refuse(waiter: Waiter, refusal: Error): void {
    this.#drop(waiter);
    waiter.reject(refusal);
  }

  #isStale(waiter: Waiter): boolean {
    return waiter.staleMs !== undefined && this.#options.now() > waiter.staleMs;
  }

  /** The last moment at which being charged still helps the caller. */
  #latest({ sinceMs, staleMs }: WaitingRead): number {
    const latestMs = sinceMs + this.#options.maxWaitMs;
    return staleMs === undefined ? latestMs : Math.min(latestMs, staleMs);
  }

  #drop(waiter: Waiter): void {
    waiter.gone = true;
    waiter.signal?.removeEventListener('abort', waiter.hangUp);
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
  }

  /** One timer for all: the next window that turns for one of them, or the end of its wait. */
  #setTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters) {
      nextMs = Math.min(nextMs, waiter.refusal.untilMs, this.#latest(waiter));
    }
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#options.schedule(() => this.wake(), Math.max(1, nextMs - this.#options.now()));
  }
}

function touches(charge: CallCharge, key: string): boolean {
  return charge.charges.some(({ bucket }) => bucket.key === key);
}
