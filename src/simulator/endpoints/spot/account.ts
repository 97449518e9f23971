import type { Account } from '../../accounts/accounts.ts';
import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import { amount, type Money, ZERO } from '../../base/money.ts';
import type { Parameters } from '../../http/parameters.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';
import { COMMISSION_RATE } from '../../spot/settlement.ts';
import { SYMBOL_RULE } from './order-form.ts';
import { ownTradeView, storedView } from './order-views.ts';
import { ORDER_ID_RULE } from './orders.ts';

const HISTORY_RULES = {
  symbol: SYMBOL_RULE,
  orderId: ORDER_ID_RULE,
  startTime: ORDER_ID_RULE,
  endTime: ORDER_ID_RULE,
  limit: ORDER_ID_RULE,
};

/** Balances, history and order counts. */
export function spotAccountRoutes(): Route[] {
  return [
    signedRoute(
      'GET /api/v3/account',
      { weight: 20, rules: { omitZeroBalances: { legal: /^(true|false)$/ } } },
      accountView,
    ),
    signedRoute('GET /api/v3/allOrders', { weight: 20, rules: HISTORY_RULES }, allOrders),
    signedRoute(
      'GET /api/v3/myTrades',
      {
        weight: (parameters) => (parameters.has('orderId') ? 5 : 20),
        rules: { ...HISTORY_RULES, fromId: ORDER_ID_RULE },
      },
      myTrades,
    ),
    signedRoute('GET /api/v3/rateLimit/order', { weight: 40, rules: {} }, ({ exchange, nowMs }, account) =>
      exchange.orderCounts.rateLimits('spot', nowMs, account.owner),
    ),
    signedRoute(
      'GET /api/v3/account/commission',
      { weight: 20, rules: { symbol: SYMBOL_RULE } },
      commissionView,
    ),
  ];
}

function accountView({ exchange, parameters, nowMs }: Visit, account: Account): JsonObject {
  return {
    makerCommission: 10,
    takerCommission: 10,
    buyerCommission: 0,
    sellerCommission: 0,
    commissionRates: {
      maker: amount(COMMISSION_RATE),
      taker: amount(COMMISSION_RATE),
      buyer: amount(ZERO),
      seller: amount(ZERO),
    },
    canTrade: account.restrictions.enableSpotAndMarginTrading,
    canWithdraw: account.restrictions.enableWithdrawals,
    canDeposit: true,
    brokered: false,
    requireSelfTradePrevention: false,
    preventSor: false,
    updateTime: nowMs,
    accountType: 'SPOT',
    balances: [...exchange.ledger.balances(account.owner)]
      .filter(
        ([, { free, locked }]) => parameters.get('omitZeroBalances') !== 'true' || !isNothing(free, locked),
      )
      .map(([asset, { free, locked }]) => ({ asset, free: amount(free), locked: amount(locked) })),
    permissions: ['SPOT'],
    uid: account.uid,
  };
}

function allOrders({ exchange, parameters }: Visit, account: Account): JsonValue {
  const { symbol } = exchange.spot.market(parameters.need('symbol')).rules;
  const fromId = parameters.integer('orderId') ?? 0;
  const found = exchange.spot.orders
    .all(account.owner)
    .filter((order) => order.request.symbol === symbol && order.orderId >= fromId)
    .filter((order) => isWithin(order.timeMs, parameters));
  return page(found, parameters).map(storedView);
}

function myTrades({ exchange, parameters }: Visit, account: Account): JsonValue {
  const { symbol } = exchange.spot.market(parameters.need('symbol')).rules;
  const orderId = parameters.integer('orderId');
  const fromId = parameters.integer('fromId') ?? 0;
  const found = exchange.spot.orders
    .all(account.owner)
    .filter((order) => order.request.symbol === symbol)
    .filter((order) => orderId === undefined || order.orderId === orderId)
    .flatMap((order) => order.fills.map((fill) => ({ order, fill })))
    .filter(({ fill }) => fill.tradeId >= fromId && isWithin(fill.timeMs, parameters))
    .sort((a, b) => a.fill.tradeId - b.fill.tradeId);
  return page(found, parameters).map(({ order, fill }) => ownTradeView(order, fill));
}

function commissionView({ exchange, parameters }: Visit): JsonObject {
  const rate = amount(COMMISSION_RATE);
  const none = amount(ZERO);
  return {
    symbol: exchange.spot.market(parameters.need('symbol')).rules.symbol,
    standardCommission: { maker: rate, taker: rate, buyer: none, seller: none },
    specialCommission: { maker: none, taker: none, buyer: none, seller: none },
    taxCommission: { maker: none, taker: none, buyer: none, seller: none },
    discount: {
      enabledForAccount: false,
      enabledForSymbol: false,
      discountAsset: 'BNB',
      discount: '0.75000000',
    },
  };
}

function isNothing(free: Money, locked: Money): boolean {
  return free.isZero() && locked.isZero();
}

function isWithin(timeMs: number, parameters: Parameters): boolean {
  const startMs = parameters.integer('startTime') ?? 0;
  const endMs = parameters.integer('endTime') ?? Number.MAX_SAFE_INTEGER;
  return startMs <= timeMs && timeMs <= endMs;
}

/** The oldest first when a starting point was given, else the latest; at most `limit`. */
function page<Entry>(entries: readonly Entry[], parameters: Parameters): readonly Entry[] {
  const limit = Math.min(parameters.integer('limit') ?? 500, 1_000);
  const fromStart = ['orderId', 'fromId', 'startTime'].some((name) => parameters.has(name));
  return fromStart ? entries.slice(0, limit) : entries.slice(-limit);
}
