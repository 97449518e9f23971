import { illegalCharacters, notRequired } from '../../base/exchange-error.ts';
import type { JsonObject } from '../../base/json-value.ts';
import { amount, ZERO } from '../../base/money.ts';
import type { Parameters } from '../../http/parameters.ts';
import { openRoute, type Route, type Visit } from '../../http/route.ts';
import { MAX_OPEN_ORDERS } from '../../spot/engine.ts';
import type { SpotMarket } from '../../spot/market.ts';
import { ORDER_TYPES, type SymbolRules } from '../../spot/symbols.ts';
import { OPTIONAL_SYMBOL_RULE, SYMBOL } from './order-form.ts';

/** `GET /api/v3/exchangeInfo`: limits, symbols, filters. */
export function spotExchangeRoutes(): Route[] {
  return [
    openRoute(
      'GET /api/v3/exchangeInfo',
      {
        weight: 20,
        rules: {
          symbol: OPTIONAL_SYMBOL_RULE,
          symbols: {},
          permissions: {},
          showPermissionSets: { legal: /^(true|false)$/ },
          symbolStatus: { legal: /^(TRADING|HALT|BREAK)$/ },
        },
      },
      (visit) => ({
        timezone: 'UTC',
        serverTime: visit.nowMs,
        rateLimits: rateLimits(visit),
        exchangeFilters: [],
        symbols: selectMarkets(visit)
          .filter(() => (visit.parameters.get('symbolStatus') ?? 'TRADING') === 'TRADING')
          .map(({ rules }) => symbolView(rules, visit.parameters.get('showPermissionSets') !== 'false')),
      }),
    ),
  ];
}

/**
 * The markets that `symbol` or `symbols` (a JSON list without spaces) name, or all of them.
 * @throws ExchangeError -1100, -1106, -1121
 */
export function selectMarkets({ exchange, parameters }: Visit): SpotMarket[] {
  const symbol = parameters.get('symbol');
  const symbols = listedSymbols(parameters);
  if (symbol !== undefined && symbols !== undefined) throw notRequired('symbols');
  if (symbol !== undefined) return [exchange.spot.market(symbol)];
  return symbols === undefined
    ? [...exchange.spot.markets.values()]
    : symbols.map((name) => exchange.spot.market(name));
}

export function listedSymbols(parameters: Parameters): string[] | undefined {
  const text = parameters.get('symbols');
  if (text === undefined) return undefined;
  const range = '^\\[("[\\w\\-._&&[^a-z]]{1,50}"(,"[\\w\\-._&&[^a-z]]{1,50}"){0,}){0,1}\\]$';
  if (!/^\[(?:"[^"\s]+"(?:,"[^"\s]+")*)?\]$/.test(text)) throw illegalCharacters('symbols', range);
  const symbols = JSON.parse(text) as string[];
  if (!symbols.every((symbol) => SYMBOL.test(symbol))) throw illegalCharacters('symbols', range);
  return symbols;
}

function rateLimits({ exchange, nowMs }: Visit): JsonObject[] {
  const limits = exchange.rateLimits;
  return [
    {
      rateLimitType: 'REQUEST_WEIGHT',
      interval: 'MINUTE',
      intervalNum: 1,
      limit: limits.weightLimit('spot'),
    },
    ...exchange.orderCounts.rateLimits('spot', nowMs),
    { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: limits.rawLimit() },
  ];
}

function symbolView(rules: SymbolRules, showPermissionSets: boolean): JsonObject {
  return {
    symbol: rules.symbol,
    status: 'TRADING',
    baseAsset: rules.baseAsset,
    baseAssetPrecision: 8,
    quoteAsset: rules.quoteAsset,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    baseCommissionPrecision: 8,
    quoteCommissionPrecision: 8,
    orderTypes: ORDER_TYPES,
    icebergAllowed: true,
    ocoAllowed: true,
    otoAllowed: false,
    opoAllowed: false,
    quoteOrderQtyMarketAllowed: true,
    allowTrailingStop: false,
    cancelReplaceAllowed: true,
    amendAllowed: false,
    pegInstructionsAllowed: false,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: true,
    filters: [
      {
        filterType: 'PRICE_FILTER',
        minPrice: amount(rules.tickSize),
        maxPrice: amount(rules.maxPrice),
        tickSize: amount(rules.tickSize),
      },
      {
        filterType: 'LOT_SIZE',
        minQty: amount(rules.stepSize),
        maxQty: amount(rules.maxQuantity),
        stepSize: amount(rules.stepSize),
      },
      {
        filterType: 'MARKET_LOT_SIZE',
        minQty: amount(ZERO),
        maxQty: amount(rules.maxQuantity),
        stepSize: amount(ZERO),
      },
      {
        filterType: 'NOTIONAL',
        minNotional: amount(rules.minNotional),
        applyMinToMarket: true,
        maxNotional: amount(rules.maxNotional),
        applyMaxToMarket: false,
        avgPriceMins: 5,
      },
      { filterType: 'MAX_NUM_ORDERS', maxNumOrders: MAX_OPEN_ORDERS },
    ],
    permissions: [],
    permissionSets: showPermissionSets ? [['SPOT', 'MARGIN']] : undefined,
    defaultSelfTradePreventionMode: 'EXPIRE_MAKER',
    allowedSelfTradePreventionModes: ['NONE', 'EXPIRE_TAKER', 'EXPIRE_MAKER', 'EXPIRE_BOTH'],
  };
}
