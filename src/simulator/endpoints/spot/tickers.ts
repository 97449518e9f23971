import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import { amount, ZERO } from '../../base/money.ts';
import type { Parameters } from '../../http/parameters.ts';
import { openRoute, type Route, type Visit } from '../../http/route.ts';
import { candle } from '../../spot/candles.ts';
import type { SpotMarket } from '../../spot/market.ts';
import { listedSymbols, selectMarkets } from './exchange-rules.ts';
import { OPTIONAL_SYMBOL_RULE } from './order-form.ts';

const DAY_MS = 86_400_000;
const SELECTION_RULES = { symbol: OPTIONAL_SYMBOL_RULE, symbols: {}, symbolStatus: {} };

/** The tickers: one object for `symbol`, a list for `symbols` or neither. */
export function spotTickerRoutes(): Route[] {
  return [
    openRoute(
      'GET /api/v3/ticker/24hr',
      { rules: { ...SELECTION_RULES, type: { legal: /^(FULL|MINI)$/ } }, weight: dayTickerWeight },
      (visit) => oneOrAll(visit, (market) => dayTicker(visit, market)),
    ),
    openRoute(
      'GET /api/v3/ticker/price',
      { rules: SELECTION_RULES, weight: (parameters) => (parameters.has('symbol') ? 2 : 4) },
      (visit) => oneOrAll(visit, priceTicker),
    ),
    openRoute(
      'GET /api/v3/ticker/bookTicker',
      { rules: SELECTION_RULES, weight: (parameters) => (parameters.has('symbol') ? 2 : 4) },
      (visit) => oneOrAll(visit, bookTicker),
    ),
  ];
}

export function priceTicker(market: SpotMarket): JsonObject {
  return { symbol: market.rules.symbol, price: amount(market.lastPrice) };
}

export function bookTicker(market: SpotMarket): JsonObject {
  const [bid] = market.levels('BUY', 1);
  const [ask] = market.levels('SELL', 1);
  return {
    symbol: market.rules.symbol,
    bidPrice: amount(bid?.[0] ?? ZERO),
    bidQty: amount(bid?.[1] ?? ZERO),
    askPrice: amount(ask?.[0] ?? ZERO),
    askQty: amount(ask?.[1] ?? ZERO),
  };
}

function oneOrAll(visit: Visit, view: (market: SpotMarket) => JsonObject): JsonValue {
  const views = selectMarkets(visit).map(view);
  return visit.parameters.has('symbol') ? (views[0] ?? {}) : views;
}

function dayTicker(visit: Visit, market: SpotMarket): JsonObject {
  const { exchange, nowMs, parameters } = visit;
  const openMs = nowMs - DAY_MS;
  const day = candle(market, openMs, DAY_MS, nowMs, (timeMs) => exchange.stepAt(timeMs));
  const change = market.lastPrice.sub(day.open);
  const lastId = market.trades.at(-1)?.id ?? -1;
  const mini = {
    symbol: market.rules.symbol,
    openPrice: amount(day.open),
    highPrice: amount(day.high),
    lowPrice: amount(day.low),
    lastPrice: amount(market.lastPrice),
    volume: amount(day.volume),
    quoteVolume: amount(day.volume.mul(market.lastPrice)),
    openTime: openMs,
    closeTime: nowMs,
    firstId: market.trades[0]?.id ?? -1,
    lastId,
    count: day.trades,
  };
  if (parameters.get('type') === 'MINI') return mini;
  const { symbol: _, ...book } = bookTicker(market);
  return {
    ...mini,
    ...book,
    priceChange: amount(change),
    priceChangePercent: change.div(day.open).mul(100).toFixed(3),
    weightedAvgPrice: amount(day.open.add(market.lastPrice).div(2)),
    prevClosePrice: amount(day.open),
    lastQty: amount(market.trades.at(-1)?.quantity ?? ZERO),
  };
}

function dayTickerWeight(parameters: Parameters): number {
  if (parameters.has('symbol')) return 2;
  const count = listedSymbols(parameters)?.length ?? Infinity;
  if (count <= 20) return 2;
  return count <= 100 ? 40 : 80;
}
