import { ExactDecimal } from '../decimal.ts';
import type { BestPrices } from '../orders/book.ts';
import { CONVERT, type IntendedOrder } from '../orders/intended-order.ts';
import { isTriggered, percent } from './price-band.ts';

/** Whether an order takes from now on what the book has: MARKET, and every other one that names no price and no trigger. */
export function takesTheBook(order: IntendedOrder): boolean {
  if (order.isAmendment || order.type === CONVERT) return false;
  if (order.type === 'MARKET') return true;
  return order.ownPrices.length === 0 && !order.followsBook && !isTriggered(order);
}

/** What is wrong with the book for an order that takes it, as the rest of a sentence; undefined when nothing is. */
export function offSpread(spread: string, { bid, ask }: BestPrices): string | undefined {
  if (!bid.gt(0) || !ask.gt(0)) return 'has an empty side';
  if (!ask.gt(bid.times(new ExactDecimal(spread).plus(1)))) return undefined;
  return `has an ask more than ${percent(spread)} above its bid`;
}
