/** Largest error of the server time. By the budgets' time windows turn this late, so none is entered too early. */
const CLOCK_ERROR_MS = 100;
/** A window may have ended at Binance this long before it ends by the budgets' time. */
export const TAIL_MS = 2 * CLOCK_ERROR_MS;

/** Server time as the budgets count it: whole ms, late by the largest error of the clock, in ms. */
export function budgetTime(serverNowMs: number): number {
  return Math.floor(serverNowMs) - CLOCK_ERROR_MS;
}
