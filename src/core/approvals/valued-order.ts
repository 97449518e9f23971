import { type Decimal, ExactDecimal } from '../decimal.ts';
import type { BestPrices, Depth, Level } from '../orders/book.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';
import type { Instrument, Notional } from '../orders/notional.ts';

/** An order with its value and with all that made the value. */
export interface ValuedOrder {
  readonly order: IntendedOrder;
  readonly value: Notional;
  readonly instrument: Instrument;
  readonly best: BestPrices | undefined;
  readonly depth: Depth | undefined;
}

/** The same may be larger by half a per cent; what lies beyond twice that is never looked at. */
const REACH = '1.01';

/** The same order with no more of the book than it, or one that may take its place, reaches: asks are kept for a while. */
export function withinReach(valued: ValuedOrder): ValuedOrder {
  const { order, depth } = valued;
  if (depth === undefined) return valued;
  const quantity = (order.quantity ?? new ExactDecimal(0)).times(REACH);
  const cut = (levels: readonly Level[]) => levels.slice(0, reachOf(levels, quantity, order.followedLevel));
  return { ...valued, depth: { bids: cut(depth.bids), asks: cut(depth.asks) } };
}

function reachOf(levels: readonly Level[], quantity: Decimal, least: number): number {
  let left = quantity;
  const end = levels.findIndex((level) => {
    left = left.minus(level.quantity);
    return left.lte(0);
  });
  return end === -1 ? levels.length : Math.max(end + 1, least);
}
