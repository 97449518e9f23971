import type { Call } from '../call/call.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import type { Permission } from '../catalogue/permission.ts';
import { ProxyError } from '../errors.ts';
import type { IntendedOrder } from './intended-order.ts';
import { callParameters, readIntendedOrders } from './read-orders.ts';

/** A call as it will be sent, and what the catalogue says of it. */
export interface KnownCall {
  readonly endpoint: Endpoint;
  readonly call: Call;
}

/** Where `reduceOnly` is a parameter: spot and margin have no positions, and a sale there proves nothing. */
const WITH_POSITIONS: ReadonlySet<string> = new Set(['usdm', 'coinm', 'options']);

const READING: ReadonlySet<Permission> = new Set(['market-data', 'read', 'read-personal']);

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

/**
 * True for a call that adds nothing to what an account has at stake: a read, a cancel, a test, orders that all reduce a
 * position. What places, amends, transfers or changes settings is none, nor what cannot be read.
 */
export function addsNothing({ endpoint, call }: KnownCall): boolean {
  const { method, permission, effect, orderShape } = endpoint;
  if (effect === 'cancel' || READING.has(permission)) return true;
  // The rows that have an order and do nothing with it are the tests.
  if (effect === 'none') return method === 'POST' && orderShape !== undefined;
  if (effect !== 'place' || orderShape === undefined) return false;
  try {
    const orders = readIntendedOrders(endpoint, callParameters(call));
    return orders.length > 0 && orders.every(isReducing);
  } catch (error) {
    if (error instanceof ProxyError) return false;
    throw error;
  }
}
