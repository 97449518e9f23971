import { allPairs, type Call } from '../call/call.ts';
import { decodedValue, type Pair } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import type { IntendedOrder, Market } from './intended-order.ts';
import { batchedOrders } from './order-batch.ts';
import { chainedOrders, legacyOco, orderListOco } from './order-lists.ts';
import { type ParameterReader, unreadable } from './order-parameters.ts';
import {
  amendedOrder,
  convertLimitOrder,
  namelessConversion,
  singleOrder,
  type TypeSource,
} from './single-order.ts';

/** What tells how an order enters; a WebSocket method brings the endpoint of its REST twin. */
export type OrderEntrance = Pick<Endpoint, 'upstream' | 'path' | 'effect' | 'orderShape'>;

/**
 * Every order that a call with these parameters would place or amend; none for a call that only cancels.
 * @throws ProxyError PROXY_ORDER_REFUSED when the orders cannot be understood
 */
export function readIntendedOrders(endpoint: OrderEntrance, read: ParameterReader): readonly IntendedOrder[] {
  if (endpoint.effect === 'cancel') return [];
  const market = marketOf(endpoint);
  const type = typeSourceOf(endpoint.path);
  switch (endpoint.orderShape) {
    case 'single':
    case 'cancel-replace':
    case 'algo':
      return [singleOrder(market, type, read)];
    case 'oco':
      return legacyOco(market, read);
    case 'order-list-oco':
      return orderListOco(market, read);
    case 'oto':
      return chainedOrders(market, { pending: 'one', quantity: 'own' }, read);
    case 'otoco':
      return chainedOrders(market, { pending: 'pair', quantity: 'own' }, read);
    case 'opo':
      return chainedOrders(market, { pending: 'one', quantity: 'received' }, read);
    case 'opoco':
      return chainedOrders(market, { pending: 'pair', quantity: 'received' }, read);
    case 'batch':
      return batchedOrders(read, (element) => singleOrder(market, type, element));
    case 'amend':
      return [amendedOrder(market, read)];
    case 'amend-batch':
      return batchedOrders(read, (element) => amendedOrder(market, element));
    case 'convert':
      return [endpoint.path.endsWith('/limit/placeOrder') ? convertLimitOrder(read) : namelessConversion()];
    case 'equity':
      return [
        endpoint.path.endsWith('/order/place') ? singleOrder(market, type, read) : namelessConversion(),
      ];
    default:
      // A call that places orders through an orderShape nobody described must not slip past the rules.
      if (endpoint.orderShape !== undefined || endpoint.effect !== 'none')
        throw unreadable('this endpoint has no reading of its orders');
      return [];
  }
}

/** The parameters of a call; a name that stands twice, or bytes that are no text, cannot be judged. */
export function callParameters(call: Call): ParameterReader {
  const pairs = new Map<string, Pair>();
  const repeated = new Set<string>();
  for (const pair of allPairs(call)) {
    if (pairs.has(pair.name)) repeated.add(pair.name);
    else pairs.set(pair.name, pair);
  }
  return (name) => {
    const found = pairs.get(name);
    if (found === undefined) return undefined;
    if (repeated.has(name)) throw unreadable(`${name} stands more than once`);
    const value = decodedValue(found);
    if (value === undefined) throw unreadable(`${name} is not valid UTF-8`);
    return value;
  };
}

function marketOf(endpoint: OrderEntrance): Market {
  switch (endpoint.upstream) {
    case 'usdm':
    case 'coinm':
    case 'options':
      return endpoint.upstream;
    case 'portfolio':
      if (endpoint.path.startsWith('/papi/v1/um/')) return 'usdm';
      return endpoint.path.startsWith('/papi/v1/cm/') ? 'coinm' : 'spot';
    default:
      if (endpoint.path.startsWith('/sapi/v1/algo/futures/')) return 'usdm';
      return endpoint.path.startsWith('/sapi/v1/equity/') ? 'equity' : 'spot';
  }
}

/** On spot `strategyType` is a number of the client's own; only the conditional orders of portfolio margin mean it. */
function typeSourceOf(path: string): TypeSource {
  if (path.endsWith('/newOrderTwap')) return { always: 'TWAP' };
  if (path.endsWith('/newOrderVp')) return { always: 'VP' };
  if (path.endsWith('/conditional/order')) return { name: 'strategyType' };
  return { name: path.startsWith('/sapi/v1/equity/') ? 'orderType' : 'type' };
}
