import type { CallCharge } from '../core/budget/buckets.ts';
import { fullRefusal, staleRefusal } from './budget-refusals.ts';
import type { ChargeOutcome, Receipt } from './stores/store.ts';

export type Full = Extract<ChargeOutcome, { kind: 'full' }>;

export interface WaitingRead {
  readonly charge: CallCharge;
  /** Budgets' time in ms. */
  readonly sinceMs: number;
  /** When the caller's recvWindow is over; undefined for calls without one. */
  readonly staleMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

interface WaiterOptions {
  /** The refusal that made the read wait. */
  readonly refusal: Full;
  readonly maxWaitMs: number;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: Error) => void;
  readonly onHangUp: () => void;
}

/** One read that waits for room, until it is charged or refused. */
export class Waiter {
  readonly charge: CallCharge;
  /** The last moment at which being charged still helps the caller. */
  readonly latestMs: number;
  /** The newest refusal: it names the full bucket that the read waits for. */
  refusal: Full;
  readonly #read: WaitingRead;
  readonly #options: WaiterOptions;
  #isGone = false;

  constructor(read: WaitingRead, options: WaiterOptions) {
    this.charge = read.charge;
    this.latestMs = latestOf(read, options.maxWaitMs);
    this.refusal = options.refusal;
    this.#read = read;
    this.#options = options;
    read.signal?.addEventListener('abort', options.onHangUp, { once: true });
  }

  /** True once the read was charged or refused. */
  get isGone(): boolean {
    return this.#isGone;
  }

  isStale(nowMs: number): boolean {
    const { staleMs } = this.#read;
    return staleMs !== undefined && nowMs > staleMs;
  }

  /** The refusal of a read that has waited as long as it may; undefined before. */
  lateRefusal(nowMs: number): Error | undefined {
    if (nowMs < this.latestMs) return undefined;
    const { bucket, untilMs } = this.refusal;
    return this.latestMs === this.#read.staleMs ? staleRefusal() : fullRefusal(bucket, untilMs, nowMs);
  }

  resolve(receipt: Receipt): void {
    this.#leave();
    this.#options.resolve(receipt);
  }

  reject(error: Error): void {
    this.#leave();
    this.#options.reject(error);
  }

  #leave(): void {
    this.#isGone = true;
    this.#read.signal?.removeEventListener('abort', this.#options.onHangUp);
  }
}

/** The last moment at which being charged still helps the caller, in ms. */
export function latestOf({ sinceMs, staleMs }: WaitingRead, maxWaitMs: number): number {
  const patienceEndMs = sinceMs + maxWaitMs;
  return staleMs === undefined ? patienceEndMs : Math.min(patienceEndMs, staleMs);
}
