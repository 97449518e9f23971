import type { Decimal } from '../decimal.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';

/**
 * What equal orders have in common: market, symbol, side, type, quantity and prices, its trigger and trail among them.
 * Undefined for what changes an order that stands, and for what says too little to be told from others.
 */
export function repeatKey(order: IntendedOrder): string | undefined {
  const { market, symbol, side, type, quantity, quoteQuantity, prices, trail } = order;
  if (order.isAmendment || symbol === undefined) return undefined;
  const numbers = [quantity, quoteQuantity, trail, ...prices].map(plain);
  return [market, symbol.toUpperCase(), side, type, ...numbers].join(' ');
}

/** Equal numbers have equal digits and exponents, however they were written; printing them would cost several times as much. */
function plain(value: Decimal | undefined): string {
  return value === undefined ? '-' : `${value.e}/${value.d}`;
}
