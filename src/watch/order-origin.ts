import type { OrderReport } from './watch-event.ts';

/** Where an order came from that did not come from here, by what it says of itself. */
export type OrderOrigin = 'ui' | 'exchange' | 'foreign';

/** What Binance's own pages and programs put before the names of their orders. */
const UI = /^(?:web|ios|android|electron|and|mac|pc|mobile|wap)_/i;
/** What the exchange itself does: liquidation, auto-deleveraging, settlement. */
const EXCHANGE = /^(?:autoclose-|adl_autoclose|settlement_autoclose-|delivery_autoclose-)/;

/**
 * Names are claims: whoever holds the key can choose them. So what looks like the exchange has to be of its type as well, and
 * a name that belongs to none of these is foreign.
 */
export function originOf({ family, clientOrderIds, type, execution }: OrderReport): OrderOrigin {
  const isOfExchange =
    family !== 'spot' &&
    (type === 'LIQUIDATION' || execution === 'CALCULATED') &&
    clientOrderIds.some((name) => EXCHANGE.test(name));
  if (isOfExchange) return 'exchange';
  return clientOrderIds.some((name) => UI.test(name)) ? 'ui' : 'foreign';
}
