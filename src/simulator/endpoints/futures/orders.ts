import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError, mandatoryParameter, unknownOrder } from '../../base/exchange-error.ts';
import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import { Money, ZERO } from '../../base/money.ts';
import type { FuturesOrder } from '../../futures/order.ts';
import { DECIMAL, type Parameters, type Rules } from '../../http/parameters.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';
import { OPTIONAL_SYMBOL_RULE, SYMBOL_RULE } from '../spot/order-form.ts';
import { checkAmounts, FUTURES_CLIENT_ID, FUTURES_ORDER_RULES, readFuturesOrder } from './order-form.ts';

const TRADING = { permission: 'enableFutures' } as const;
const ID_RULE = { legal: /^[0-9]{1,20}$/ };
const ONE_ORDER_RULES: Rules = {
  symbol: SYMBOL_RULE,
  orderId: ID_RULE,
  origClientOrderId: FUTURES_CLIENT_ID,
};
export const MODIFY_RULES: Rules = {
  ...ONE_ORDER_RULES,
  side: { mandatory: true },
  quantity: { mandatory: true, legal: DECIMAL },
  price: { mandatory: true, legal: DECIMAL },
  priceMatch: {},
};

/** Single USD-M orders. */
export function futuresOrderRoutes(): Route[] {
  return [...placingRoutes(), ...cancelRoutes(), ...queryRoutes()];
}

function placingRoutes(): Route[] {
  return [
    signedRoute(
      'POST /fapi/v1/order',
      { ...TRADING, weight: 0, rules: FUTURES_ORDER_RULES, showsOrderCount: true },
      (visit, account) => {
        visit.exchange.orderCounts.add('usdm', account.owner, 1, visit.nowMs);
        return placeOne(visit, account, visit.parameters);
      },
    ),
    signedRoute(
      'POST /fapi/v1/order/test',
      { ...TRADING, weight: 0, rules: FUTURES_ORDER_RULES },
      (visit) => {
        readFuturesOrder(visit.parameters, visit.exchange.spot.market(visit.parameters.need('symbol')));
        return {};
      },
    ),
    signedRoute(
      'PUT /fapi/v1/order',
      { ...TRADING, weight: 0, rules: MODIFY_RULES, showsOrderCount: true },
      (visit, account) => {
        visit.exchange.orderCounts.add('usdm', account.owner, 1, visit.nowMs);
        return modifyOne(visit, account, visit.parameters);
      },
    ),
  ];
}

function cancelRoutes(): Route[] {
  return [
    signedRoute('DELETE /fapi/v1/order', { ...TRADING, rules: ONE_ORDER_RULES }, (visit, account) =>
      cancelOne(visit, account, visit.parameters),
    ),
    signedRoute(
      'DELETE /fapi/v1/allOpenOrders',
      { ...TRADING, rules: { symbol: SYMBOL_RULE } },
      (visit, account) => {
        for (const order of openOrders(visit, account)) visit.exchange.futures.cancel(order, visit.nowMs);
        return { code: 200, msg: 'The operation of cancel all open order is done.' };
      },
    ),
  ];
}

function queryRoutes(): Route[] {
  return [
    signedRoute('GET /fapi/v1/order', { rules: ONE_ORDER_RULES }, (visit, account) =>
      orderView(findOne(visit, account, visit.parameters)),
    ),
    signedRoute(
      'GET /fapi/v1/openOrders',
      {
        rules: { symbol: OPTIONAL_SYMBOL_RULE },
        weight: (parameters) => (parameters.has('symbol') ? 1 : 40),
      },
      (visit, account) => openOrders(visit, account).map(orderView),
    ),
    signedRoute(
      'GET /fapi/v1/allOrders',
      {
        weight: 5,
        rules: {
          symbol: SYMBOL_RULE,
          orderId: ID_RULE,
          startTime: ID_RULE,
          endTime: ID_RULE,
          limit: ID_RULE,
        },
      },
      ({ exchange, parameters }, account): JsonValue =>
        exchange.futures
          .portfolio(account.owner)
          .orders.filter((order) => order.request.symbol === parameters.get('symbol'))
          .slice(-(parameters.integer('limit') ?? 500))
          .map(orderView),
    ),
  ];
}

export function placeOne(visit: Visit, account: Account, parameters: Parameters): JsonObject {
  const { exchange, nowMs } = visit;
  const request = readFuturesOrder(parameters, exchange.spot.market(parameters.need('symbol')));
  return orderView(exchange.futures.place(account.owner, request, nowMs));
}

export function modifyOne(visit: Visit, account: Account, parameters: Parameters): JsonObject {
  const order = findOne(visit, account, parameters);
  if (order.request.side !== parameters.need('side'))
    throw new ExchangeError(-5026, 'Modify order side is not the same as the order.');
  const price = new Money(parameters.need('price'));
  const quantity = new Money(parameters.need('quantity'));
  checkAmounts(price, quantity, visit.exchange.spot.market(order.request.symbol), order.request.reduceOnly);
  return orderView(visit.exchange.futures.modify(order, price, quantity, visit.nowMs));
}

export function cancelOne(visit: Visit, account: Account, parameters: Parameters): JsonObject {
  try {
    return orderView(visit.exchange.futures.cancel(findOne(visit, account, parameters), visit.nowMs));
  } catch (error) {
    if (error instanceof ExchangeError && error.code === -2013) throw unknownOrder();
    throw error;
  }
}

function findOne({ exchange }: Visit, account: Account, parameters: Parameters): FuturesOrder {
  const { symbol } = exchange.spot.market(parameters.need('symbol')).rules;
  const orderId = parameters.integer('orderId');
  const clientOrderId = parameters.get('origClientOrderId');
  if (orderId === undefined && clientOrderId === undefined) throw mandatoryParameter('origClientOrderId');
  return exchange.futures.find(account.owner, symbol, orderId, clientOrderId);
}

function openOrders({ exchange, parameters }: Visit, account: Account): FuturesOrder[] {
  const symbol = parameters.get('symbol');
  return exchange.futures
    .portfolio(account.owner)
    .orders.filter(
      (order) => order.status === 'NEW' && (symbol ?? order.request.symbol) === order.request.symbol,
    );
}

function orderView(order: FuturesOrder): JsonObject {
  const { request } = order;
  const quote = order.executed.mul(order.averagePrice);
  return {
    orderId: order.orderId,
    symbol: request.symbol,
    status: order.status,
    clientOrderId: order.clientOrderId,
    price: (order.price ?? ZERO).toFixed(),
    avgPrice: order.averagePrice.toFixed(),
    origQty: order.quantity.toFixed(),
    executedQty: order.executed.toFixed(),
    cumQty: order.executed.toFixed(),
    cumQuote: quote.toFixed(),
    timeInForce: request.timeInForce,
    type: request.type,
    reduceOnly: request.reduceOnly,
    closePosition: false,
    side: request.side,
    positionSide: 'BOTH',
    stopPrice: '0',
    workingType: 'CONTRACT_PRICE',
    priceProtect: false,
    origType: request.type,
    priceMatch: 'NONE',
    selfTradePreventionMode: 'NONE',
    goodTillDate: 0,
    time: order.timeMs,
    updateTime: order.updateTimeMs,
  };
}
