import type { Bucket, BucketCharge, CallCharge } from '../../core/budget/buckets.ts';
import type { ChargeEnding, ChargeMark } from '../../core/budget/window.ts';

/** What stops the calls that pass a key. */
export interface Freeze {
  readonly key: string;
  /** Server time in ms. */
  readonly untilMs: number;
  /** The HTTP status that caused it. */
  readonly status: number;
}

/** What a store has charged; only the store that gave it can end it. */
export interface Receipt {
  readonly charges: readonly BucketCharge[];
  readonly marks: readonly ChargeMark[];
}

export type ChargeOutcome =
  | { readonly kind: 'charged'; readonly receipt: Receipt }
  /** Nothing was charged; of all full buckets the one that stays full longest. */
  | { readonly kind: 'full'; readonly bucket: Bucket; readonly untilMs: number }
  | { readonly kind: 'frozen'; readonly freeze: Freeze };

export interface BucketUse {
  readonly bucket: Bucket;
  /** When the count began, in ms: another value means that an older count was lost. */
  readonly startedMs: number;
  /** Upper bound of what is used. */
  readonly used: number;
  /** The largest count that Binance has reported in this window, 0 where none. */
  readonly reported: number;
  /** End of the window in ms. */
  readonly untilMs: number;
}

export interface StoreView {
  /** The buckets that this process has used lately. */
  readonly buckets: readonly BucketUse[];
  readonly freezes: readonly Freeze[];
  /** True while the shared store is away and this process lives on its own part. */
  readonly degraded: boolean;
}

/**
 * Where the counts live. Every `nowMs` is the budgets' own time (see budgetTime), whole ms, from Binance's clock and
 * never from a host's. Only `charge` may take a round trip; the rest is told and not waited for.
 */
export interface BudgetStore {
  /** Charges every bucket or none. */
  charge(charge: CallCharge, nowMs: number): ChargeOutcome | Promise<ChargeOutcome>;
  /** Ends a charge that was sent; one ending for each charge of the receipt. */
  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void;
  /** Nothing was sent: the charge has never been. */
  refund(receipt: Receipt, nowMs: number): void;
  /** Closes a key; a longer freeze that is already there stays. */
  freeze(freeze: Freeze, nowMs: number): void;
  view(nowMs: number): StoreView;
  /** Is told when the shared store goes away and when it is back. */
  onDegraded(listener: (degraded: boolean, reason: string) => void): void;
  close(): Promise<void>;
}
