import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError, mandatoryParameter, notRequired, unknownOrder } from '../../base/exchange-error.ts';
import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import { ZERO } from '../../base/money.ts';
import { spotSymbol } from '../../futures/conditional-engine.ts';
import {
  CONDITIONAL_TYPES,
  type ConditionalOrder,
  type ConditionalRequest,
} from '../../futures/conditional-order.ts';
import type { FuturesRequest } from '../../futures/order.ts';
import type { Parameters, Rules } from '../../http/parameters.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';
import { OPTIONAL_SYMBOL_RULE, readSide, SYMBOL_RULE } from '../spot/order-form.ts';
import { BOOLEAN_RULE, checkAmounts, FUTURES_CLIENT_ID, FUTURES_ORDER_RULES } from './order-form.ts';

type AlgoFamily = ConditionalRequest['family'];

const ID_RULE = { legal: /^[0-9]{1,20}$/ };
const {
  newClientOrderId,
  stopPrice: _stop,
  activationPrice: _activation,
  ...ORDER_RULES
} = FUTURES_ORDER_RULES;
const PLACING_RULES: Rules = {
  ...ORDER_RULES,
  algoType: { mandatory: true, legal: /^CONDITIONAL$/ },
  triggerPrice: ORDER_RULES.price ?? {},
  activatePrice: ORDER_RULES.price ?? {},
  priceProtect: BOOLEAN_RULE,
  clientAlgoId: FUTURES_CLIENT_ID,
  // ccxt names orders of COIN-M so, also here.
  newClientOrderId: newClientOrderId ?? {},
};
const ONE_ORDER_RULES: Rules = {
  symbol: OPTIONAL_SYMBOL_RULE,
  algoId: ID_RULE,
  clientAlgoId: FUTURES_CLIENT_ID,
};
const LIST_RULES: Rules = { algoType: {}, algoId: ID_RULE, symbol: OPTIONAL_SYMBOL_RULE };

/** The algo service, where conditional orders live since 2025-12-09 on USD-M and since 2026-06-30 on COIN-M. */
export function algoOrderRoutes(): Route[] {
  return [...routesOf('usdm', '/fapi/v1'), ...routesOf('coinm', '/dapi/v1')];
}

function routesOf(family: AlgoFamily, prefix: string): Route[] {
  const trading = { permission: 'enableFutures' } as const;
  return [
    signedRoute(
      `POST ${prefix}/algoOrder`,
      { ...trading, weight: 0, rules: PLACING_RULES, showsOrderCount: true },
      (visit, account) => {
        visit.exchange.orderCounts.add(family, account.owner, 1, visit.nowMs);
        const request = readConditional(visit, family);
        return algoView(visit.exchange.conditional.place(account.owner, request, visit.nowMs));
      },
    ),
    signedRoute(`DELETE ${prefix}/algoOrder`, { ...trading, rules: ONE_ORDER_RULES }, (visit, account) =>
      cancelOne(visit, account, family),
    ),
    signedRoute(
      `DELETE ${prefix}/algoOpenOrders`,
      { ...trading, rules: { symbol: SYMBOL_RULE } },
      (visit, account) => {
        for (const order of openOrders(visit, account, family))
          visit.exchange.conditional.cancel(order, visit.nowMs);
        return { code: 200, msg: 'The operation of cancel all open order is done.' };
      },
    ),
    signedRoute(`GET ${prefix}/algoOrder`, { rules: ONE_ORDER_RULES }, (visit, account) =>
      algoView(findOne(visit, account, family)),
    ),
    signedRoute(
      `GET ${prefix}/openAlgoOrders`,
      { rules: LIST_RULES, weight: (parameters) => (parameters.has('symbol') ? 1 : 40) },
      (visit, account): JsonValue => openOrders(visit, account, family).map(algoView),
    ),
    signedRoute(
      `GET ${prefix}/allAlgoOrders`,
      {
        weight: 5,
        rules: {
          ...{ ...LIST_RULES, symbol: SYMBOL_RULE },
          ...{ startTime: ID_RULE, endTime: ID_RULE, page: ID_RULE, limit: ID_RULE },
        },
      },
      (visit, account): JsonValue =>
        ordersOf(visit, account, family)
          .slice(-(visit.parameters.integer('limit') ?? 500))
          .map(algoView),
    ),
  ];
}

/** @throws ExchangeError -1102, -1106, -1111, -1116, -4014, -4061, -4164 */
function readConditional({ exchange, parameters }: Visit, family: AlgoFamily): ConditionalRequest {
  const symbol = parameters.need('symbol');
  const market = exchange.spot.market(spotSymbol(family, symbol));
  const given = parameters.need('type');
  const type = CONDITIONAL_TYPES.find((each) => each === given);
  if (type === undefined) throw new ExchangeError(-1116, 'Invalid orderType.');
  if (!/^(BOTH|)$/.test(parameters.get('positionSide') ?? ''))
    throw new ExchangeError(-4061, "Order's position side does not match user's setting.");
  const isTrailing = type === 'TRAILING_STOP_MARKET';
  const closePosition = isTrue(parameters, 'closePosition');
  const quantity = parameters.decimal('quantity');
  const price = parameters.decimal('price');
  parameters.need(isTrailing ? 'callbackRate' : 'triggerPrice');
  if (type === 'STOP' || type === 'TAKE_PROFIT') parameters.need('price');
  else if (price !== undefined) throw notRequired('price');
  if (closePosition && quantity !== undefined) throw notRequired('quantity');
  if (!closePosition && quantity === undefined) throw mandatoryParameter('quantity');
  const reduceOnly = isTrue(parameters, 'reduceOnly');
  const triggerPrice = isTrailing ? undefined : parameters.decimal('triggerPrice');
  // Contracts of COIN-M are counted, and have no notional in USDT.
  if (quantity !== undefined && family === 'usdm')
    checkAmounts(price ?? triggerPrice, quantity, market, reduceOnly);
  return {
    ...{ family, symbol, side: readSide(parameters), type, quantity, price, triggerPrice },
    ...{ reduceOnly, closePosition, priceProtect: isTrue(parameters, 'priceProtect') },
    timeInForce: (parameters.get('timeInForce') ?? 'GTC') as FuturesRequest['timeInForce'],
    activatePrice: parameters.decimal('activatePrice'),
    callbackRate: isTrailing ? parameters.decimal('callbackRate') : undefined,
    workingType: parameters.get('workingType') ?? 'CONTRACT_PRICE',
    clientAlgoId: parameters.get('clientAlgoId') ?? parameters.get('newClientOrderId'),
  };
}

function isTrue(parameters: Parameters, name: string): boolean {
  return parameters.get(name)?.toLowerCase() === 'true';
}

function cancelOne(visit: Visit, account: Account, family: AlgoFamily): JsonObject {
  try {
    const found = findOne(visit, account, family);
    const { algoId, clientAlgoId } = visit.exchange.conditional.cancel(found, visit.nowMs);
    return { algoId, clientAlgoId, code: '200', msg: 'success' };
  } catch (error) {
    if (error instanceof ExchangeError && error.code === -2013) throw unknownOrder();
    throw error;
  }
}

function findOne({ exchange, parameters }: Visit, account: Account, family: AlgoFamily): ConditionalOrder {
  const [algoId, clientAlgoId] = [parameters.integer('algoId'), parameters.get('clientAlgoId')];
  if (algoId === undefined && clientAlgoId === undefined) throw mandatoryParameter('clientAlgoId');
  return exchange.conditional.find(account.owner, family, algoId, clientAlgoId);
}

function ordersOf({ exchange, parameters }: Visit, account: Account, family: AlgoFamily): ConditionalOrder[] {
  const symbol = parameters.get('symbol');
  const least = parameters.integer('algoId') ?? 0;
  return exchange.conditional
    .ordersOf(account.owner, family)
    .filter(({ algoId, request }) => algoId >= least && (symbol ?? request.symbol) === request.symbol);
}

function openOrders(visit: Visit, account: Account, family: AlgoFamily): ConditionalOrder[] {
  return ordersOf(visit, account, family).filter(({ status }) => status === 'NEW');
}

function algoView({ algoId, clientAlgoId, request, status, placed, ...times }: ConditionalOrder): JsonObject {
  const isTrailing = request.callbackRate !== undefined;
  return {
    algoId,
    clientAlgoId,
    algoType: 'CONDITIONAL',
    orderType: request.type,
    symbol: request.symbol,
    side: request.side,
    positionSide: 'BOTH',
    timeInForce: request.timeInForce,
    quantity: (request.quantity ?? ZERO).toFixed(),
    algoStatus: status,
    actualOrderId: placed === undefined ? '' : String(placed.orderId),
    actualPrice: (placed?.averagePrice ?? ZERO).toFixed(),
    triggerPrice: (request.triggerPrice ?? ZERO).toFixed(),
    price: (request.price ?? ZERO).toFixed(),
    icebergQuantity: null,
    ...(isTrailing && {
      activatePrice: request.activatePrice?.toFixed() ?? '',
      callbackRate: request.callbackRate.toFixed(),
    }),
    tpTriggerPrice: '0',
    tpPrice: '0',
    slTriggerPrice: '0',
    slPrice: '0',
    tpOrderType: '',
    selfTradePreventionMode: 'NONE',
    workingType: request.workingType,
    priceMatch: 'NONE',
    closePosition: request.closePosition,
    priceProtect: request.priceProtect,
    reduceOnly: request.reduceOnly,
    createTime: times.timeMs,
    updateTime: times.updateTimeMs,
    triggerTime: times.triggerTimeMs,
    goodTillDate: 0,
  };
}
