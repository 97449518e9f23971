import { randomBytes } from 'node:crypto';
import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError, mandatoryParameter, unknownOrder } from '../../base/exchange-error.ts';
import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import type { Parameters } from '../../http/parameters.ts';
import { type Route, type RouteOptions, signedRoute, type Visit } from '../../http/route.ts';
import type { OrderList, SpotOrder } from '../../spot/order.ts';
import { COMMISSION_RATE } from '../../spot/settlement.ts';
import { CLIENT_ORDER_ID, OPTIONAL_SYMBOL_RULE, ORDER_RULES, readOrder, SYMBOL_RULE } from './order-form.ts';
import { canceledView, listView, placedView, type ResponseType, storedView } from './order-views.ts';

export const TRADING: RouteOptions = { permission: 'enableSpotAndMarginTrading', freeOnSuccess: true };
export const ORDER_ID_RULE = { legal: /^[0-9]{1,20}$/ };
export const CLIENT_ID_RULE = { legal: CLIENT_ORDER_ID };
const ONE_ORDER_RULES = { symbol: SYMBOL_RULE, orderId: ORDER_ID_RULE, origClientOrderId: CLIENT_ID_RULE };

/** Place, test, query and cancel single orders. */
export function spotOrderRoutes(): Route[] {
  return [
    signedRoute('POST /api/v3/order', { ...TRADING, rules: ORDER_RULES, showsOrderCount: true }, newOrder),
    signedRoute(
      'POST /api/v3/order/test',
      {
        permission: 'enableSpotAndMarginTrading',
        rules: { ...ORDER_RULES, computeCommissionRates: { legal: /^(true|false)$/ } },
        weight: (parameters) => (parameters.get('computeCommissionRates') === 'true' ? 20 : 1),
      },
      testOrder,
    ),
    signedRoute('GET /api/v3/order', { rules: ONE_ORDER_RULES, weight: 4 }, (visit, account) =>
      storedView(oneOrder(visit, account)),
    ),
    signedRoute(
      'DELETE /api/v3/order',
      {
        ...TRADING,
        rules: { ...ONE_ORDER_RULES, newClientOrderId: CLIENT_ID_RULE, cancelRestrictions: {} },
      },
      cancelOrder,
    ),
    signedRoute(
      'GET /api/v3/openOrders',
      {
        rules: { symbol: OPTIONAL_SYMBOL_RULE },
        weight: (parameters) => (parameters.has('symbol') ? 6 : 80),
      },
      (visit, account) => openOrders(visit, account).map(storedView),
    ),
    signedRoute('DELETE /api/v3/openOrders', { ...TRADING, rules: { symbol: SYMBOL_RULE } }, cancelAll),
  ];
}

export function readResponseType(parameters: Parameters, fallback: ResponseType): ResponseType {
  const text = parameters.get('newOrderRespType') ?? fallback;
  if (text === 'ACK' || text === 'RESULT' || text === 'FULL') return text;
  throw new ExchangeError(-1136, 'Invalid newOrderRespType');
}

/** The order that `orderId` or a client order id names. */
export function findOrder(
  visit: Visit,
  account: Account,
  idName = 'orderId',
  clientIdName = 'origClientOrderId',
): SpotOrder {
  const { exchange, parameters } = visit;
  const market = exchange.spot.market(parameters.need('symbol'));
  const orderId = parameters.integer(idName);
  const clientOrderId = parameters.get(clientIdName);
  if (orderId === undefined && clientOrderId === undefined) throw mandatoryParameter(clientIdName);
  return exchange.spot.orders.find(account.owner, market.rules.symbol, orderId, clientOrderId);
}

/** Cancels an order and returns the answer; -2011 for an order that is not open any more. */
export function cancelFound(visit: Visit, find: () => SpotOrder, newIdName: string): JsonObject {
  const order = openOrUnknown(find);
  const restriction = visit.parameters.get('cancelRestrictions');
  const expected = { ONLY_NEW: 'NEW', ONLY_PARTIALLY_FILLED: 'PARTIALLY_FILLED' }[restriction ?? ''];
  if (expected !== undefined && order.status !== expected)
    throw new ExchangeError(-2011, 'Order was not canceled due to cancel restrictions.');
  visit.exchange.spot.cancel(order, visit.nowMs);
  const newId = visit.parameters.get(newIdName) ?? randomBytes(11).toString('hex');
  return order.list === undefined ? canceledView(order, newId) : canceledList(order.list, newId);
}

export function canceledList(list: OrderList, newId: string): JsonObject {
  return listView(
    list,
    list.orders.map((order) => canceledView(order, newId)),
  );
}

function newOrder(visit: Visit, account: Account): JsonValue {
  const { exchange, parameters, nowMs } = visit;
  const market = exchange.spot.market(parameters.need('symbol'));
  const request = readOrder(parameters, market);
  const fallback = request.type === 'MARKET' || request.type === 'LIMIT' ? 'FULL' : 'ACK';
  const responseType = readResponseType(parameters, fallback);
  exchange.orderCounts.add('spot', account.owner, 1, nowMs);
  return placedView(exchange.spot.place(account.owner, request, nowMs), responseType);
}

function testOrder(visit: Visit, account: Account): JsonValue {
  const { exchange, parameters } = visit;
  const request = readOrder(parameters, exchange.spot.market(parameters.need('symbol')));
  exchange.spot.refuseUnplaceable(account.owner, request);
  if (parameters.get('computeCommissionRates') !== 'true') return {};
  const rate = COMMISSION_RATE.toFixed(8);
  return {
    standardCommissionForOrder: { maker: rate, taker: rate },
    specialCommissionForOrder: { maker: '0.00000000', taker: '0.00000000' },
    taxCommissionForOrder: { maker: '0.00000000', taker: '0.00000000' },
    discount: {
      enabledForAccount: false,
      enabledForSymbol: false,
      discountAsset: 'BNB',
      discount: '0.75000000',
    },
  };
}

function oneOrder(visit: Visit, account: Account): SpotOrder {
  return findOrder(visit, account);
}

function cancelOrder(visit: Visit, account: Account): JsonValue {
  return cancelFound(visit, () => oneOrder(visit, account), 'newClientOrderId');
}

function openOrders({ exchange, parameters }: Visit, account: Account): SpotOrder[] {
  const symbol = parameters.get('symbol');
  const open = exchange.spot.orders.open(account.owner);
  if (symbol === undefined) return open;
  exchange.spot.market(symbol);
  return open.filter((order) => order.request.symbol === symbol);
}

function cancelAll(visit: Visit, account: Account): JsonValue {
  const found = openOrders(visit, account);
  if (found.length === 0) throw unknownOrder();
  const answers: JsonObject[] = [];
  const lists = new Set<OrderList>();
  for (const order of found) {
    if (order.isOpen) visit.exchange.spot.cancel(order, visit.nowMs);
    const newId = randomBytes(11).toString('hex');
    if (order.list === undefined) answers.push(canceledView(order, newId));
    else if (!lists.has(order.list)) answers.push(canceledList(order.list, newId));
    if (order.list !== undefined) lists.add(order.list);
  }
  return answers;
}

function openOrUnknown(find: () => SpotOrder): SpotOrder {
  try {
    return find();
  } catch (error) {
    if (error instanceof ExchangeError && error.code === -2013) throw unknownOrder();
    throw error;
  }
}
