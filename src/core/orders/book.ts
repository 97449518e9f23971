import { type Decimal, ExactDecimal } from '../decimal.ts';
import { CONVERT_LIMIT, type IntendedOrder } from './intended-order.ts';

/** Best bid and ask; zero where that side of the book is empty. */
export interface BestPrices {
  readonly bid: Decimal;
  readonly ask: Decimal;
  /** What stands at these prices; undefined where the exchange does not say it. */
  readonly bidQuantity: Decimal | undefined;
  readonly askQuantity: Decimal | undefined;
}

/** What stands at one price. */
export interface Level {
  readonly price: Decimal;
  readonly quantity: Decimal;
}

/** The book of a symbol as far as it was read, best price first on both sides. */
export interface Depth {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** Types that never trade beyond the price they name. Every other one, an unknown spelling too, takes what the book has. */
const PRICED: ReadonlySet<string> = new Set([
  ...['LIMIT', 'LIMIT_MAKER', 'STOP_LOSS_LIMIT', 'TAKE_PROFIT_LIMIT', CONVERT_LIMIT],
]);
/** Of these the futures know a price, while spot triggers a market order. */
const PRICED_ON_FUTURES: ReadonlySet<string> = new Set(['STOP', 'TAKE_PROFIT']);

/** Whether a quantity goes beyond what stands at the best price, so that the levels behind it decide. */
export function goesDeep(order: IntendedOrder, quantity: Decimal, best: BestPrices): boolean {
  if (order.followsBook && order.followedLevel > 1) return true;
  if (!order.followsBook && isPriced(order)) return false;
  const standing = sideTaken(order) === 'bids' ? best.bidQuantity : best.askQuantity;
  return standing === undefined || quantity.gt(standing);
}

/**
 * What a quantity costs on its way through the levels, and at the price of the level that the order follows; undefined
 * when the book was not read as far.
 */
export function valuesInDepth(order: IntendedOrder, quantity: Decimal, depth: Depth): Decimal[] | undefined {
  const levels = depth[sideTaken(order)];
  const cost = costThrough(levels, quantity);
  if (cost === undefined) return undefined;
  if (!order.followsBook) return [cost];
  const followed = levels[order.followedLevel - 1];
  return followed && [cost, followed.price.times(quantity)];
}

/** What a quantity costs when it takes one level after the other; undefined when they do not hold as much. */
function costThrough(levels: readonly Level[], quantity: Decimal): Decimal | undefined {
  let cost = new ExactDecimal(0);
  let left = quantity;
  for (const level of levels) {
    if (!left.gt(level.quantity)) return cost.plus(left.times(level.price));
    cost = cost.plus(level.quantity.times(level.price));
    left = left.minus(level.quantity);
  }
  return undefined;
}

/** Whether an order names the worst price it trades at. An amendment of unknown type changes an order with a price. */
function isPriced({ type, market }: IntendedOrder): boolean {
  if (type === undefined || PRICED.has(type)) return true;
  return (market === 'usdm' || market === 'coinm') && PRICED_ON_FUTURES.has(type);
}

/** The levels that an order is valued by: those a sale meets, else the dearer ones. */
function sideTaken(order: IntendedOrder): keyof Depth {
  return order.side === 'SELL' && !order.followsBook ? 'bids' : 'asks';
}
