import { Decimal } from 'decimal.js';
import { RecentMap } from './recent-map.ts';

/**
 * Decimals that do not round when amounts are multiplied and added. A readable text lies within 10^±60, so the four
 * factors that a value can have, and sums of such values, stay within the precision. The one division rounds up,
 * against the spender.
 */
export const ExactDecimal: Decimal.Constructor = Decimal.clone({
  precision: 600,
  rounding: Decimal.ROUND_UP,
  toExpNeg: -9e15,
  toExpPos: 9e15,
});

export type { Decimal };

/** Binance accepts 20 digits on each side of the point. Some JSON writers produce an exponent, so it is read too. */
const READABLE = /^\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?(?:[12]?\d|30))?$/;

/** Bots order the same quantities at the same prices again and again. A decimal never changes, so it can be shared. */
const recent = new RecentMap<string, Decimal>(1_000);

/** Reads an unsigned decimal text exactly; undefined for everything else (signs, spaces, other digits, NaN). */
export function readDecimal(text: string): Decimal | undefined {
  const known = recent.get(text);
  if (known !== undefined) return known;
  if (!READABLE.test(text)) return undefined;
  const decimal = new ExactDecimal(text);
  recent.set(text, decimal);
  return decimal;
}

/** The largest of some decimals; undefined when there is none. */
export function largest(values: readonly Decimal[]): Decimal | undefined {
  let most: Decimal | undefined;
  for (const value of values) if (most === undefined || value.gt(most)) most = value;
  return most;
}
