import type { IntendedOrder } from './intended-order.ts';

/** Where `reduceOnly` is a parameter: spot and margin have no positions, and a sale there proves nothing. */
const WITH_POSITIONS: ReadonlySet<string> = new Set(['usdm', 'coinm', 'options']);

/** The side of an order that makes the position on the named side smaller. */
const CLOSING = { LONG: 'SELL', SHORT: 'BUY' } as const;

/**
 * Whether an order can only make a position smaller, so that rules about its value may not hold it up: `reduceOnly` or
 * `closePosition`, or the side that closes what `positionSide` names. What is not spelt as Binance documents it does
 * not count, nor does an amendment, where Binance passes these parameters over.
 *
 * `positionSide` needs no look at the account's mode: in one-way mode Binance refuses LONG and SHORT (-4061), in hedge
 * mode they cannot open anything on the closing side. The opening side never counts, whatever `reduceOnly` says.
 * @see https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/New-Order
 */
export function isReducing(order: IntendedOrder): boolean {
  const { market, side, positionSide } = order;
  if (order.isAmendment || !WITH_POSITIONS.has(market)) return false;
  if (positionSide === 'LONG' || positionSide === 'SHORT')
    return market !== 'options' && side === CLOSING[positionSide];
  if (positionSide !== undefined && positionSide !== 'BOTH') return false;
  if (order.reduceOnly) return true;
  // With a quantity it would be an order of its own, should Binance pass closePosition over.
  return order.surelyCloses && order.quantity === undefined && order.quoteQuantity === undefined;
}
