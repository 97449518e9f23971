import { type Decimal, ExactDecimal } from '../decimal.ts';
import type { BestPrices } from '../orders/book.ts';

/** The middle of a book; undefined where nothing stands in it. */
export function middleOf({ bid, ask }: BestPrices): Decimal | undefined {
  if (bid.gt(0) && ask.gt(0)) return bid.plus(ask).div(2);
  return ask.gt(0) ? ask : bid.gt(0) ? bid : undefined;
}

/** How far the price has moved since then, to either side, as a fraction. */
export function driftOf(then: Decimal, now: Decimal): Decimal {
  return new ExactDecimal(now).minus(then).abs().div(then);
}
