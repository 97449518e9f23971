import { type Call, findPair } from '../call/call.ts';
import { decodedValue, type Pair } from '../call/form.ts';
import type { Endpoint, OrderShape } from '../catalogue/endpoint.ts';
import { batchParameter } from '../orders/client-order-id.ts';
import { batchMembers } from '../orders/order-batch.ts';
import { type ParameterReader, unreadable } from '../orders/order-parameters.ts';
import { type FieldNames, LIST_FORMS, type ListForm, ORDER_FIELDS } from './order-fields.ts';

/** One order as it is sent: Binance's own names, the texts decoded. */
export type SentOrder = Readonly<Record<string, string>>;

/** What tells where the orders of a call stand. */
export type OrderPlace = Pick<Endpoint, 'path' | 'effect' | 'orderShape'>;

type Draft = Record<string, string>;

const NO_ORDERS: readonly SentOrder[] = Object.freeze([]);
/** One order whose fields stand as parameters of the call. */
const ONE_BY_FIELDS: ReadonlySet<OrderShape | undefined> = new Set<OrderShape>([
  'single',
  'cancel-replace',
  'algo',
  'amend',
]);

/**
 * The orders that a call places or amends, one by one, as its record names them: all that makes up an order and nothing
 * that stands beside it. Every leg of a list has what the list says for all; where the catalogue does not describe the
 * orders there is one, of all parameters. None for any other call.
 * @throws ProxyError PROXY_ORDER_REFUSED when something of an order could be read in more than one way, or in none
 */
export function sentOrders(endpoint: OrderPlace, call: Call): readonly SentOrder[] {
  if (endpoint.effect !== 'place' && endpoint.effect !== 'amend') return NO_ORDERS;
  switch (endpoint.orderShape) {
    case 'batch':
    case 'amend-batch':
      return batchOrders(batchParameter(endpoint.path), call);
    // What they are made of changes often, and nothing else stands in such a call.
    case 'convert':
    case 'equity':
    case undefined:
      return [everyParameter(call)];
    default: {
      const form = LIST_FORMS.get(endpoint.orderShape);
      return form === undefined ? [oneOrder(call)] : listOrders(form, call);
    }
  }
}

/** The parameters that these orders were sent with: the other way round than {@link sentOrders}. */
export function parametersOf(path: string, orders: readonly SentOrder[]): ReadonlyMap<string, string> {
  if (path.endsWith('/batchOrders')) return new Map([[batchParameter(path), JSON.stringify(orders)]]);
  return new Map(orders.flatMap((order) => Object.entries(order)));
}

/**
 * Reads the one order of such a call out of what was read of it already: its fields are all that makes up an order. Undefined for
 * lists, batches, and calls that are not sent as orders.
 */
export function singleOrderReader(
  { orderShape }: OrderPlace,
  orders: readonly SentOrder[],
): ParameterReader | undefined {
  const [order, another] = orders;
  if (order === undefined || another !== undefined || !ONE_BY_FIELDS.has(orderShape)) return undefined;
  return (name) => order[name];
}

function oneOrder(call: Call): SentOrder {
  const order: Draft = {};
  for (const pairs of [call.query, call.body]) {
    for (const pair of pairs) if (isField(ORDER_FIELDS, pair.name)) put(order, pair);
  }
  return order;
}

function listOrders({ legs, owners, names }: ListForm, call: Call): SentOrder[] {
  const shared: Draft = {};
  const own = new Map<string, Draft>();
  for (const pairs of [call.query, call.body]) {
    for (const pair of pairs) {
      if (!isField(names, pair.name)) continue;
      const owner = owners.get(pair.name);
      const order = owner === undefined ? shared : (own.get(owner) ?? {});
      if (owner !== undefined) own.set(owner, order);
      put(order, pair);
    }
  }
  return legs
    .filter(({ prefix, isOptional }) => isOptional !== true || own.has(prefix))
    .map(({ prefix, common }) => ({ ...shared, ...own.get(common ?? ''), ...own.get(prefix) }));
}

function batchOrders(parameter: string, call: Call): SentOrder[] {
  const pair = findPair(call, parameter);
  const text = pair === undefined ? '' : textOf(pair);
  if (text === '') throw unreadable('the batch carries no order');
  return batchMembers(text).map((members) => {
    const order: Draft = {};
    for (const { name, value, kind } of members) {
      if (!isField(ORDER_FIELDS, name)) continue;
      if (kind === 'array' || kind === 'object') throw unreadable(`${name} is neither text nor number`);
      order[name] = value;
    }
    return order;
  });
}

function everyParameter(call: Call): SentOrder {
  const order: Draft = Object.create(null);
  for (const pairs of [call.query, call.body]) for (const pair of pairs) put(order, pair);
  return order;
}

function isField(names: FieldNames, name: string): boolean {
  if (names.has(name)) return true;
  if (names.resembles(name))
    throw unreadable('a name differs from that of an order field in its spelling only');
  return false;
}

function put(order: Draft, pair: Pair): void {
  if (order[pair.name] !== undefined) throw unreadable('a parameter of an order stands more than once');
  order[pair.name] = textOf(pair);
}

function textOf(pair: Pair): string {
  const text = decodedValue(pair);
  if (text === undefined) throw unreadable('a parameter of an order is not valid UTF-8');
  return text;
}
