import type { JsonObject } from '../../base/json-value.ts';
import { amount, ZERO } from '../../base/money.ts';
import type { Fill, OrderList, SpotOrder } from '../../spot/order.ts';

export type ResponseType = 'ACK' | 'RESULT' | 'FULL';

/** The answer to a new order. */
export function placedView(order: SpotOrder, responseType: ResponseType): JsonObject {
  const acknowledgement = { ...identity(order), transactTime: order.timeMs };
  if (responseType === 'ACK') return acknowledgement;
  const result = { ...acknowledgement, ...amounts(order), ...terms(order) };
  return responseType === 'FULL' ? { ...result, fills: order.fills.map(fillView) } : result;
}

/** The answer to a cancel. */
export function canceledView(order: SpotOrder, cancelClientOrderId: string): JsonObject {
  return {
    ...identity(order),
    origClientOrderId: order.clientOrderId,
    clientOrderId: cancelClientOrderId,
    transactTime: order.updateTimeMs,
    ...amounts(order),
    ...terms(order),
  };
}

/** The answer to a query. */
export function storedView(order: SpotOrder): JsonObject {
  return {
    ...identity(order),
    ...amounts(order),
    ...terms(order),
    stopPrice: amount(order.request.stopPrice ?? ZERO),
    icebergQty: amount(ZERO),
    time: order.timeMs,
    updateTime: order.updateTimeMs,
    isWorking: order.workingTimeMs !== undefined,
  };
}

export function listView(list: OrderList, reports: readonly JsonObject[] | undefined): JsonObject {
  const open = list.orders.some((order) => order.isOpen);
  return {
    orderListId: list.orderListId,
    contingencyType: 'OCO',
    listStatusType: open ? 'EXEC_STARTED' : 'ALL_DONE',
    listOrderStatus: open ? 'EXECUTING' : 'ALL_DONE',
    listClientOrderId: list.listClientOrderId,
    transactionTime: list.timeMs,
    symbol: list.symbol,
    orders: list.orders.map(({ orderId, clientOrderId }) => ({
      symbol: list.symbol,
      orderId,
      clientOrderId,
    })),
    orderReports: reports,
  };
}

/** An entry of myTrades. */
export function ownTradeView(order: SpotOrder, fill: Fill): JsonObject {
  return {
    symbol: order.request.symbol,
    id: fill.tradeId,
    orderId: order.orderId,
    orderListId: order.list?.orderListId ?? -1,
    price: amount(fill.price),
    qty: amount(fill.quantity),
    quoteQty: amount(fill.quote),
    commission: amount(fill.commission),
    commissionAsset: fill.commissionAsset,
    time: fill.timeMs,
    isBuyer: order.request.side === 'BUY',
    isMaker: fill.isMaker,
    isBestMatch: true,
  };
}

function identity(order: SpotOrder) {
  return {
    symbol: order.request.symbol,
    orderId: order.orderId,
    orderListId: order.list?.orderListId ?? -1,
    clientOrderId: order.clientOrderId,
  };
}

function amounts(order: SpotOrder) {
  return {
    price: amount(order.request.price ?? ZERO),
    origQty: amount(order.request.quantity ?? order.executed),
    executedQty: amount(order.executed),
    origQuoteOrderQty: amount(order.request.quoteQuantity ?? ZERO),
    cummulativeQuoteQty: amount(order.executedQuote),
  };
}

function terms(order: SpotOrder): JsonObject {
  return {
    status: order.status,
    timeInForce: order.request.timeInForce,
    type: order.request.type,
    side: order.request.side,
    stopPrice: order.request.stopPrice === undefined ? undefined : amount(order.request.stopPrice),
    workingTime: order.workingTimeMs ?? -1,
    selfTradePreventionMode: order.request.selfTradeMode,
  };
}

function fillView(fill: Fill): JsonObject {
  return {
    price: amount(fill.price),
    qty: amount(fill.quantity),
    commission: amount(fill.commission),
    commissionAsset: fill.commissionAsset,
    tradeId: fill.tradeId,
  };
}
