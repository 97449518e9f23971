import { randomBytes } from 'node:crypto';
import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError, mandatoryParameter, noSuchOrder, unknownOrder } from '../../base/exchange-error.ts';
import type { JsonValue } from '../../base/json-value.ts';
import { DECIMAL, type Parameters, type Rules } from '../../http/parameters.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';
import type { SpotMarket } from '../../spot/market.ts';
import type { OrderList, OrderRequest } from '../../spot/order.ts';
import { checkFilters, readSelfTradeMode, readSide, readTimeInForce, SYMBOL_RULE } from './order-form.ts';
import { listView, placedView } from './order-views.ts';
import { CLIENT_ID_RULE, canceledList, ORDER_ID_RULE, readResponseType, TRADING } from './orders.ts';

const NUMBER_RULE = { legal: DECIMAL };
const LEGS = ['above', 'below'] as const;

function legRules(leg: string): Rules {
  return {
    [`${leg}Type`]: {
      mandatory: true,
      legal: /^(LIMIT_MAKER|STOP_LOSS|STOP_LOSS_LIMIT|TAKE_PROFIT|TAKE_PROFIT_LIMIT)$/,
    },
    [`${leg}ClientOrderId`]: CLIENT_ID_RULE,
    [`${leg}IcebergQty`]: NUMBER_RULE,
    [`${leg}Price`]: NUMBER_RULE,
    [`${leg}StopPrice`]: NUMBER_RULE,
    [`${leg}TimeInForce`]: {},
    [`${leg}StrategyId`]: ORDER_ID_RULE,
    [`${leg}StrategyType`]: ORDER_ID_RULE,
  };
}

/** One-cancels-the-other lists. */
export function spotOrderListRoutes(): Route[] {
  return [
    signedRoute(
      'POST /api/v3/orderList/oco',
      {
        ...TRADING,
        showsOrderCount: true,
        rules: {
          symbol: SYMBOL_RULE,
          side: { mandatory: true },
          quantity: { mandatory: true, legal: DECIMAL },
          listClientOrderId: CLIENT_ID_RULE,
          newOrderRespType: {},
          selfTradePreventionMode: {},
          ...legRules('above'),
          ...legRules('below'),
        },
      },
      newOco,
    ),
    signedRoute(
      'GET /api/v3/orderList',
      { weight: 4, rules: { orderListId: ORDER_ID_RULE, origClientOrderId: CLIENT_ID_RULE } },
      (visit, account) => listView(findList(visit, account, 'origClientOrderId'), undefined),
    ),
    signedRoute(
      'DELETE /api/v3/orderList',
      {
        ...TRADING,
        rules: {
          symbol: SYMBOL_RULE,
          orderListId: ORDER_ID_RULE,
          listClientOrderId: CLIENT_ID_RULE,
          newClientOrderId: CLIENT_ID_RULE,
        },
      },
      cancelList,
    ),
    signedRoute('GET /api/v3/openOrderList', { weight: 6, rules: {} }, ({ exchange }, account) =>
      listsOf(exchange.spot.orders.open(account.owner)).map((list) => listView(list, undefined)),
    ),
    signedRoute(
      'GET /api/v3/allOrderList',
      {
        weight: 20,
        rules: {
          fromId: ORDER_ID_RULE,
          startTime: ORDER_ID_RULE,
          endTime: ORDER_ID_RULE,
          limit: ORDER_ID_RULE,
        },
      },
      ({ exchange }, account) =>
        listsOf(exchange.spot.orders.all(account.owner)).map((list) => listView(list, undefined)),
    ),
  ];
}

function newOco(visit: Visit, account: Account): JsonValue {
  const { exchange, parameters, nowMs } = visit;
  const market = exchange.spot.market(parameters.need('symbol'));
  const requests = LEGS.map((leg) => readLeg(parameters, market, leg));
  const [above, below] = requests;
  const pivot = (request: OrderRequest | undefined) =>
    request?.stopPrice ?? request?.price ?? market.lastPrice;
  if (!pivot(above).gt(market.lastPrice) || !pivot(below).lt(market.lastPrice))
    throw new ExchangeError(-2010, 'The relationship of the prices for the orders is not correct.');
  const responseType = readResponseType(parameters, 'RESULT');
  exchange.orderCounts.add('spot', account.owner, 2, nowMs);
  const listId = parameters.get('listClientOrderId') ?? randomBytes(11).toString('hex');
  const list = exchange.spot.placeOco(account.owner, requests, listId, nowMs);
  return listView(
    list,
    list.orders.map((order) => placedView(order, responseType)),
  );
}

function readLeg(parameters: Parameters, market: SpotMarket, leg: 'above' | 'below'): OrderRequest {
  const type = parameters.need(`${leg}Type`) as OrderRequest['type'];
  const hasLimit = type === 'LIMIT_MAKER' || type.endsWith('_LIMIT');
  const hasStop = type !== 'LIMIT_MAKER';
  const price = parameters.decimal(`${leg}Price`);
  const stopPrice = parameters.decimal(`${leg}StopPrice`);
  if (hasLimit && price === undefined) throw mandatoryParameter(`${leg}Price`);
  if (hasStop && stopPrice === undefined) throw mandatoryParameter(`${leg}StopPrice`);
  if (type.endsWith('_LIMIT')) parameters.need(`${leg}TimeInForce`);
  const request: OrderRequest = {
    symbol: market.rules.symbol,
    side: readSide(parameters),
    type,
    timeInForce: readTimeInForce(parameters, `${leg}TimeInForce`),
    quantity: parameters.decimal('quantity'),
    quoteQuantity: undefined,
    price: hasLimit ? price : undefined,
    stopPrice: hasStop ? stopPrice : undefined,
    clientOrderId: parameters.get(`${leg}ClientOrderId`),
    selfTradeMode: readSelfTradeMode(parameters),
  };
  checkFilters(request, market);
  return request;
}

function cancelList(visit: Visit, account: Account): JsonValue {
  const list = findList(visit, account, 'listClientOrderId');
  const open = list.orders.find((order) => order.isOpen);
  if (open === undefined || list.symbol !== visit.parameters.need('symbol')) throw unknownOrder();
  visit.exchange.spot.cancel(open, visit.nowMs);
  return canceledList(list, visit.parameters.get('newClientOrderId') ?? randomBytes(11).toString('hex'));
}

function findList({ exchange, parameters }: Visit, account: Account, clientIdName: string): OrderList {
  const orderListId = parameters.integer('orderListId');
  const clientId = parameters.get(clientIdName);
  if (orderListId === undefined && clientId === undefined) throw mandatoryParameter(clientIdName);
  const found = listsOf(exchange.spot.orders.all(account.owner)).findLast(
    (list) =>
      (orderListId === undefined || list.orderListId === orderListId) &&
      (clientId === undefined || list.listClientOrderId === clientId),
  );
  if (found === undefined) throw parameters.has('symbol') ? unknownOrder() : noSuchOrder();
  return found;
}

function listsOf(orders: readonly { readonly list: OrderList | undefined }[]): OrderList[] {
  return [...new Set(orders.map((order) => order.list).filter((list) => list !== undefined))];
}
