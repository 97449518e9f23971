import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import { amount } from '../../base/money.ts';
import type { Parameters } from '../../http/parameters.ts';
import { openRoute, type Route, type Visit } from '../../http/route.ts';
import { timeFactor } from '../../http/time-unit.ts';
import { candleRow, candles, INTERVAL } from '../../spot/candles.ts';
import type { PublicTrade, SpotMarket } from '../../spot/market.ts';
import { SYMBOL_RULE } from './order-form.ts';
import { ORDER_ID_RULE } from './orders.ts';

const LIMIT_RULE = ORDER_ID_RULE;
const RANGE_RULES = {
  symbol: SYMBOL_RULE,
  limit: LIMIT_RULE,
  startTime: ORDER_ID_RULE,
  endTime: ORDER_ID_RULE,
};
const KLINE_RULES = {
  ...RANGE_RULES,
  interval: { mandatory: true, legal: INTERVAL },
  timeZone: {},
} as const;

/** Connectivity, the book, trades and candles. */
export function spotMarketRoutes(): Route[] {
  return [
    openRoute('GET /api/v3/ping', { rules: {} }, () => ({})),
    openRoute('GET /api/v3/time', { rules: {} }, ({ nowMs }) => ({ serverTime: nowMs })),
    openRoute(
      'GET /api/v3/depth',
      {
        rules: { symbol: SYMBOL_RULE, limit: LIMIT_RULE, symbolStatus: {} },
        weight: (parameters) => depthWeight(parameters.integer('limit') ?? 100),
      },
      (visit) => {
        const market = marketOf(visit);
        return { lastUpdateId: market.updateId, ...depthView(market, limitOf(visit.parameters, 100, 5_000)) };
      },
    ),
    openRoute(
      'GET /api/v3/trades',
      { weight: 25, rules: { symbol: SYMBOL_RULE, limit: LIMIT_RULE } },
      (visit) =>
        marketOf(visit)
          .trades.slice(-limitOf(visit.parameters, 500, 1_000))
          .map(tradeView),
    ),
    openRoute(
      'GET /api/v3/historicalTrades',
      { weight: 25, rules: { symbol: SYMBOL_RULE, limit: LIMIT_RULE, fromId: ORDER_ID_RULE } },
      (visit) => tradesFrom(visit).map(tradeView),
    ),
    openRoute(
      'GET /api/v3/aggTrades',
      { weight: 4, rules: { ...RANGE_RULES, fromId: ORDER_ID_RULE } },
      (visit) => tradesFrom(visit).map(aggregateView),
    ),
    openRoute('GET /api/v3/klines', { weight: 2, rules: KLINE_RULES }, klines),
    openRoute('GET /api/v3/uiKlines', { weight: 2, rules: KLINE_RULES }, klines),
    openRoute('GET /api/v3/avgPrice', { weight: 2, rules: { symbol: SYMBOL_RULE } }, (visit) => ({
      mins: 5,
      price: amount(marketOf(visit).lastPrice),
      closeTime: visit.nowMs,
    })),
  ];
}

/** Both sides of a book as `[price, quantity]` pairs. */
export function depthView(market: SpotMarket, limit: number): JsonObject {
  const side = (name: 'BUY' | 'SELL') =>
    market.levels(name, limit).map(([price, quantity]) => [amount(price), amount(quantity)]);
  return { bids: side('BUY'), asks: side('SELL') };
}

export function limitOf(parameters: Parameters, fallback: number, largest: number): number {
  return Math.max(1, Math.min(parameters.integer('limit') ?? fallback, largest));
}

/** The rows of a kline request. */
export function klines(visit: Visit): JsonValue {
  const { exchange, parameters, nowMs } = visit;
  const range = {
    startMs: parameters.integer('startTime'),
    endMs: parameters.integer('endTime'),
    limit: limitOf(parameters, 500, 1_000),
  };
  const rows = candles(marketOf(visit), parameters.need('interval'), range, nowMs, (timeMs) =>
    exchange.stepAt(timeMs),
  );
  const factor = timeFactor(visit.headers);
  return rows.map((row) => candleRow(row, factor));
}

export function tradeView(trade: PublicTrade): JsonObject {
  return {
    id: trade.id,
    price: amount(trade.price),
    qty: amount(trade.quantity),
    quoteQty: amount(trade.price.mul(trade.quantity)),
    time: trade.timeMs,
    isBuyerMaker: trade.isBuyerMaker,
    isBestMatch: true,
  };
}

function aggregateView(trade: PublicTrade): JsonObject {
  return {
    a: trade.id,
    p: amount(trade.price),
    q: amount(trade.quantity),
    f: trade.id,
    l: trade.id,
    T: trade.timeMs,
    m: trade.isBuyerMaker,
    M: true,
  };
}

function marketOf({ exchange, parameters }: Visit): SpotMarket {
  return exchange.spot.market(parameters.need('symbol'));
}

function tradesFrom(visit: Visit): PublicTrade[] {
  const { parameters } = visit;
  const fromId = parameters.integer('fromId') ?? 0;
  const startMs = parameters.integer('startTime') ?? 0;
  const endMs = parameters.integer('endTime') ?? Number.MAX_SAFE_INTEGER;
  const found = marketOf(visit).trades.filter(
    (trade) => trade.id >= fromId && startMs <= trade.timeMs && trade.timeMs <= endMs,
  );
  const limit = limitOf(parameters, 500, 1_000);
  return parameters.has('fromId') ? found.slice(0, limit) : found.slice(-limit);
}

function depthWeight(limit: number): number {
  if (limit <= 100) return 5;
  if (limit <= 500) return 25;
  return limit <= 1_000 ? 50 : 250;
}
