import type { Call } from '../call/call.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { ProxyError } from '../errors.ts';
import { callParameters, readIntendedOrders } from './read-orders.ts';

/** A call as it will be sent, and what the catalogue says of it. */
export interface KnownCall {
  readonly endpoint: Endpoint;
  readonly call: Call;
}

/**
 * True for a call that adds nothing to what an account has at stake: a read, a cancel, a test, an order that only
 * reduces a position. What places, amends, transfers or changes settings is none, nor what cannot be read.
 */
export function addsNothing(known: KnownCall): boolean {
  const { method, permission, effect, orderShape } = known.endpoint;
  if (effect === 'cancel' || permission === 'market-data' || permission === 'read') return true;
  // The rows that have an order and do nothing with it are the tests.
  if (effect === 'none') return method === 'POST' && orderShape !== undefined;
  return isReducing(known);
}

/** True for futures orders that can only make a position smaller: every order of the call says so, in so many letters. */
function isReducing({ endpoint, call }: KnownCall): boolean {
  if (endpoint.effect !== 'place') return false;
  if (endpoint.upstream !== 'usdm' && endpoint.upstream !== 'coinm') return false;
  try {
    const read = callParameters(call);
    if (endpoint.orderShape === 'batch') {
      const orders = readIntendedOrders(endpoint, read);
      return orders.length > 0 && orders.every(({ reduceOnly }) => reduceOnly);
    }
    if (endpoint.orderShape !== 'single' && endpoint.orderShape !== 'algo') return false;
    return read('reduceOnly') === 'true' || read('closePosition') === 'true';
  } catch (error) {
    if (error instanceof ProxyError) return false;
    throw error;
  }
}
