import { Decimal } from 'decimal.js';

/** Decimals with enough digits that no product of a price and a quantity is rounded. */
export const Money = Decimal.clone({ precision: 60 });
export type Money = InstanceType<typeof Money>;

export const ZERO: Money = new Money(0);

/** An amount as text with eight decimals. */
export function amount(value: Money): string {
  return value.toFixed(8, Money.ROUND_DOWN);
}

/** The largest multiple of `step` that is not above `value`. */
export function floorTo(value: Money, step: Money): Money {
  return value.div(step).floor().mul(step);
}

/** An amount cut to the eight decimals that a balance has. */
export function cut(value: Money): Money {
  return value.toDecimalPlaces(8, Money.ROUND_DOWN);
}

export function isMultipleOf(value: Money, step: Money): boolean {
  return value.mod(step).isZero();
}
