import type { Decimal } from '../decimal.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';

/**
 * What equal orders have in common: market, symbol, side, type, quantity and prices, its trigger and trail among them.
 * Undefined for what changes an order that stands, and for what says too little to be told from others.
 */
export function repeatKey(order: IntendedOrder): string | undefined {
  const { market, symbol, side, type, quantity, quoteQuantity, prices, trail } = order;
  if (order.isAmendment || symbol === undefined) return undefined;
  let key = `${market} ${symbol.toUpperCase()} ${side} ${type} ${plain(quantity)} ${plain(quoteQuantity)} ${plain(trail)}`;
  for (const price of prices) key += ` ${plain(price)}`;
  return key;
}

/** Equal numbers have equal digits and exponents, however they were written; printing them would cost several times as much. */
function plain(value: Decimal | undefined): string {
  return value === undefined ? '-' : `${value.e}/${value.d.length === 1 ? value.d[0] : value.d}`;
}
