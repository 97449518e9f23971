import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import { amount, ZERO } from '../../base/money.ts';
import type { WeightFamily } from '../../base/options.ts';
import type { Parameters } from '../../http/parameters.ts';
import { openRoute, type Route, type Visit } from '../../http/route.ts';
import { INTERVAL } from '../../spot/candles.ts';
import type { SpotMarket } from '../../spot/market.ts';
import { depthView, klines, limitOf, tradeView } from '../spot/market.ts';
import { OPTIONAL_SYMBOL_RULE, SYMBOL_RULE } from '../spot/order-form.ts';
import { ORDER_ID_RULE } from '../spot/orders.ts';
import { bookTicker, priceTicker } from '../spot/tickers.ts';
import { inverseContract, linearContract } from './symbols.ts';

const FUNDING_MS = 28_800_000;
const ONE_OR_ALL_RULES = { symbol: OPTIONAL_SYMBOL_RULE };

/** Public USD-M endpoints, and what the other derivatives list. */
export function futuresMarketRoutes(): Route[] {
  return [...listingRoutes(), ...tradingRoutes(), ...tickerRoutes()];
}

/** Time, and what can be traded. */
function listingRoutes(): Route[] {
  return [
    openRoute('GET /fapi/v1/ping', { rules: {} }, () => ({})),
    openRoute('GET /fapi/v1/time', { rules: {} }, ({ nowMs }) => ({ serverTime: nowMs })),
    openRoute('GET /fapi/v1/exchangeInfo', { rules: {} }, (visit) => ({
      ...preamble(visit, 'usdm'),
      futuresType: 'U_MARGINED',
      assets: [{ asset: 'USDT', marginAvailable: true, autoAssetExchange: '-10000' }],
      symbols: [...visit.exchange.spot.markets.values()].map(linearContract),
    })),
    openRoute('GET /dapi/v1/exchangeInfo', { rules: {} }, (visit) => ({
      ...preamble(visit, 'coinm'),
      symbols: ['BTCUSDT', 'ETHUSDT'].map((symbol) => inverseContract(visit.exchange.spot.market(symbol))),
    })),
    openRoute('GET /eapi/v1/exchangeInfo', { rules: {} }, (visit) => ({
      ...preamble(visit, 'options'),
      optionContracts: [{ baseAsset: 'BTC', quoteAsset: 'USDT', underlying: 'BTCUSDT', settleAsset: 'USDT' }],
      optionAssets: [{ name: 'USDT' }],
      optionSymbols: [],
    })),
  ];
}

/** The book, trades and candles. */
function tradingRoutes(): Route[] {
  return [
    openRoute(
      'GET /fapi/v1/depth',
      {
        rules: { symbol: SYMBOL_RULE, limit: { legal: /^(5|10|20|50|100|500|1000)$/ } },
        weight: (parameters) => depthWeight(parameters.integer('limit') ?? 500),
      },
      (visit) => {
        const market = marketOf(visit);
        const sides = depthView(market, limitOf(visit.parameters, 500, 1_000));
        return { lastUpdateId: market.updateId, E: visit.nowMs, T: visit.nowMs, ...sides };
      },
    ),
    openRoute(
      'GET /fapi/v1/trades',
      { weight: 5, rules: { symbol: SYMBOL_RULE, limit: ORDER_ID_RULE } },
      (visit) =>
        marketOf(visit)
          .trades.slice(-limitOf(visit.parameters, 500, 1_000))
          .map(tradeView),
    ),
    openRoute(
      'GET /fapi/v1/klines',
      {
        weight: (parameters) => klineWeight(parameters.integer('limit') ?? 500),
        rules: {
          symbol: SYMBOL_RULE,
          interval: { mandatory: true, legal: INTERVAL },
          startTime: ORDER_ID_RULE,
          endTime: ORDER_ID_RULE,
          limit: ORDER_ID_RULE,
        },
      },
      klines,
    ),
  ];
}

function tickerRoutes(): Route[] {
  return [
    ...['v1', 'v2'].map((version) =>
      openRoute(
        `GET /fapi/${version}/ticker/price`,
        { rules: ONE_OR_ALL_RULES, weight: byPresence(1, 2) },
        (visit) => oneOrAll(visit, (market) => ({ ...priceTicker(market), time: visit.nowMs })),
      ),
    ),
    openRoute(
      'GET /fapi/v1/ticker/bookTicker',
      { rules: ONE_OR_ALL_RULES, weight: byPresence(2, 5) },
      (visit) =>
        oneOrAll(visit, (market) => ({
          ...bookTicker(market),
          lastUpdateId: market.updateId,
          time: visit.nowMs,
        })),
    ),
    openRoute('GET /fapi/v1/ticker/24hr', { rules: ONE_OR_ALL_RULES, weight: byPresence(1, 40) }, (visit) =>
      oneOrAll(visit, (market) => dayTicker(market, visit.nowMs)),
    ),
    openRoute('GET /fapi/v1/premiumIndex', { rules: ONE_OR_ALL_RULES, weight: byPresence(1, 10) }, (visit) =>
      oneOrAll(visit, (market) => premium(market, visit.nowMs)),
    ),
  ];
}

function preamble({ exchange, nowMs }: Visit, family: WeightFamily): JsonObject {
  const limit = exchange.rateLimits.weightLimit(family);
  return {
    timezone: 'UTC',
    serverTime: nowMs,
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit },
      ...exchange.orderCounts.rateLimits(family, nowMs),
    ],
    exchangeFilters: [],
  };
}

function marketOf({ exchange, parameters }: Visit): SpotMarket {
  return exchange.spot.market(parameters.need('symbol'));
}

function oneOrAll(visit: Visit, view: (market: SpotMarket) => JsonObject): JsonValue {
  if (visit.parameters.has('symbol')) return view(marketOf(visit));
  return [...visit.exchange.spot.markets.values()].map(view);
}

function dayTicker(market: SpotMarket, nowMs: number): JsonObject {
  const last = amount(market.lastPrice);
  return {
    symbol: market.rules.symbol,
    priceChange: amount(ZERO),
    priceChangePercent: '0.000',
    weightedAvgPrice: last,
    lastPrice: last,
    lastQty: amount(market.trades.at(-1)?.quantity ?? ZERO),
    openPrice: last,
    highPrice: last,
    lowPrice: last,
    volume: amount(ZERO),
    quoteVolume: amount(ZERO),
    openTime: nowMs - 86_400_000,
    closeTime: nowMs,
    firstId: market.trades[0]?.id ?? -1,
    lastId: market.trades.at(-1)?.id ?? -1,
    count: market.trades.length,
  };
}

function premium(market: SpotMarket, nowMs: number): JsonObject {
  const price = amount(market.lastPrice);
  return {
    symbol: market.rules.symbol,
    markPrice: price,
    indexPrice: price,
    estimatedSettlePrice: price,
    lastFundingRate: '0.00010000',
    interestRate: '0.00010000',
    nextFundingTime: (Math.floor(nowMs / FUNDING_MS) + 1) * FUNDING_MS,
    time: nowMs,
  };
}

function byPresence(withSymbol: number, without: number) {
  return (parameters: Parameters) => (parameters.has('symbol') ? withSymbol : without);
}

function depthWeight(limit: number): number {
  if (limit <= 50) return 2;
  if (limit <= 100) return 5;
  return limit <= 500 ? 10 : 20;
}

function klineWeight(limit: number): number {
  if (limit < 100) return 1;
  if (limit < 500) return 2;
  return limit <= 1_000 ? 5 : 10;
}
