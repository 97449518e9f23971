import type { LimitUse } from '../core/limits/order-rates.ts';
import type { DayClaim } from '../core/orders/order-rules.ts';
import type { DayEntry, DayLimits, DayRule, DayUse } from '../core/orders/rolling-day.ts';

/** Room in a client's day that a call holds. */
export type Reservation = Pick<DayEntry, 'client' | 'id'>;

type ReserveAnswer = { readonly reservation: Reservation } | { readonly refusedBy: DayRule };

/**
 * The daily sums of orders (rolling 24 h). Room is taken before a call is sent, so that calls at the same time never
 * exceed a sum; it stays taken whatever happens, unless it is given back.
 */
export interface NotionalLedger {
  /**
   * Checks count and sums and takes the room, in one step or not at all.
   * @throws Error when the reservation could not be recorded; then nothing was taken
   */
  reserve(claim: DayClaim, limits: DayLimits, nowMs: number): ReserveAnswer | Promise<ReserveAnswer>;
  /** Which part of each limit of the day a client uses, 0 to 1; of sums, of the asset that is used most. */
  use(client: string, limits: DayLimits, nowMs: number): readonly LimitUse[];
  /** The call was sent and may have had effect: the room stays taken for its 24 h. Never throws. */
  keep(reservation: Reservation): void;
  /** Nothing was placed: the room is free again. Never throws; giving back twice does nothing. */
  refund(reservation: Reservation): void;
  /** What a client's orders of the last 24 h come to. */
  sums(client: string, nowMs: number): DayUse;
  close(): void;
}
