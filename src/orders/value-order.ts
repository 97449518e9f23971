import type { Client } from '../core/access/client.ts';
import type { ValuedOrder } from '../core/approvals/valued-order.ts';
import type { IntendedOrder } from '../core/orders/intended-order.ts';
import { assertValuable, isCovered, needsBook, needsDepth, notionalOf } from '../core/orders/notional.ts';
import type { PriceBook } from './price-book.ts';

/**
 * What an order is worth now, with the prices that say so.
 * @throws Unvaluable when nobody can tell; a refusal of the look-up's own budget as it is
 */
export async function valueOrder(
  priceBook: PriceBook,
  order: IntendedOrder,
  causedBy: Client,
): Promise<ValuedOrder> {
  assertValuable(order);
  const { market, symbol } = order;
  const instrument = await priceBook.instrument(market, symbol, causedBy);
  const best = needsBook(order, instrument)
    ? await priceBook.bestPrices(market, symbol, causedBy)
    : undefined;
  const depth =
    best !== undefined && needsDepth(order, instrument, best)
      ? await priceBook.depth(market, symbol, causedBy, (read) => isCovered(order, read))
      : undefined;
  return { order, value: notionalOf(order, instrument, best, depth), instrument, best, depth };
}
