import type { Bucket, BucketCharge, CallCharge } from '../../core/budget/buckets.ts';
import type { ChargeEnding, ChargeMark } from '../../core/budget/window.ts';

/** Stops the calls that pass a freeze key. */
export interface Freeze {
  readonly key: string;
  /** Server time in ms. */
  readonly untilMs: number;
  /** The HTTP status that caused it. */
  readonly status: number;
}

/** What a store has charged. Only the store that made the receipt can end it. */
export interface Receipt {
  readonly charges: readonly BucketCharge[];
  readonly marks: readonly ChargeMark[];
}

export type ChargeOutcome =
  | { readonly kind: 'charged'; readonly receipt: Receipt }
  /** Nothing was charged. `bucket` is the full bucket whose window ends last. */
  | { readonly kind: 'full'; readonly bucket: Bucket; readonly untilMs: number }
  | { readonly kind: 'frozen'; readonly freeze: Freeze };

export interface BucketUse {
  readonly bucket: Bucket;
  /** When the count began, in ms. Another value than before means that the older count was lost. */
  readonly startedMs: number;
  /** Upper bound of what is used. */
  readonly used: number;
  /** The largest count that Binance has reported in this window; 0 when there is none. */
  readonly reported: number;
  /** End of the window in ms. */
  readonly untilMs: number;
}

export interface StoreView {
  /** The buckets that this process has used lately. */
  readonly buckets: readonly BucketUse[];
  readonly freezes: readonly Freeze[];
  /** True while the shared store does not answer and this process uses its own share. */
  readonly degraded: boolean;
  /** How many proxies were last seen to share what is counted by IP, this one among them. */
  readonly proxies: number;
  /** Why no call can be charged at all, as a sentence: the shared store was never heard. */
  readonly unusable?: string;
}

/**
 * Holds the counts. Every `nowMs` is the budgets' time (see budgetTime) in whole ms, from Binance's clock and never
 * from a host's. Only `charge` may take a round trip. The other operations are sent and not waited for.
 */
export interface BudgetStore {
  /**
   * Charges every bucket or none.
   * @throws ProxyError (rejection) PROXY_NOT_READY while the shared store was never heard
   */
  charge(charge: CallCharge, nowMs: number): ChargeOutcome | Promise<ChargeOutcome>;
  /** Ends a charge that was sent, with one ending for each charge of the receipt. */
  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void;
  /** Takes a charge out as if it had never been made: nothing was sent. */
  refund(receipt: Receipt, nowMs: number): void;
  /** Freezes a key. A longer freeze that it already has stays. */
  freeze(freeze: Freeze, nowMs: number): void;
  /** What is known of these keys without a round trip: the first freeze that holds. */
  frozenBy(freezeKeys: readonly string[], nowMs: number): Freeze | undefined;
  view(nowMs: number): StoreView;
  /** Registers a listener for the loss and the return of the shared store. */
  onDegraded(listener: (degraded: boolean, reason: string) => void): void;
  /** Registers a listener for freezes that were taken away before their time. */
  onThawed(listener: (key: string) => void): void;
  close(): Promise<void>;
}
