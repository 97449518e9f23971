export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/**
 * The intervals of Binance's limits, by their names in exchangeInfo and error texts. The catalogue uses the letter
 * (`1M`, `10S`); header names use it in lower case.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/enums#rate-limit-intervals-interval
 */
export const INTERVALS = {
  SECOND: { letter: 'S', ms: SECOND_MS },
  MINUTE: { letter: 'M', ms: MINUTE_MS },
  HOUR: { letter: 'H', ms: HOUR_MS },
  DAY: { letter: 'D', ms: DAY_MS },
} as const;

export type IntervalName = keyof typeof INTERVALS;

/** True for Binance's name of an interval. */
export function isIntervalName(word: unknown): word is IntervalName {
  return typeof word === 'string' && Object.hasOwn(INTERVALS, word);
}
