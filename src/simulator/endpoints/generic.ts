import { randomBytes } from 'node:crypto';
import type { Account } from '../accounts/accounts.ts';
import { ExchangeError } from '../base/exchange-error.ts';
import { familyOfPath } from '../base/family.ts';
import type { JsonObject, JsonValue } from '../base/json-value.ts';
import type { ApiRestrictions } from '../base/options.ts';
import { keyRoute, openRoute, optionalKeyRoute, type Route, signedRoute, type Visit } from '../http/route.ts';

/** Endpoints that are not simulated and take no key. */
const OPEN = `
/api/v3/executionRules /api/v3/historicalBlockTrades /api/v3/referencePrice /api/v3/referencePrice/calculation
/api/v3/ticker /api/v3/ticker/tradingDay /sapi/v1/convert/exchangeInfo
/fapi/v1/aggTrades /fapi/v1/assetIndex /fapi/v1/constituents /fapi/v1/continuousKlines /fapi/v1/convert/exchangeInfo
/fapi/v1/fundingInfo /fapi/v1/fundingRate /fapi/v1/indexInfo /fapi/v1/indexPriceKlines /fapi/v1/insuranceBalance
/fapi/v1/markPriceKlines /fapi/v1/openInterest /fapi/v1/premiumIndexKlines /fapi/v1/rpiDepth
/fapi/v1/symbolAdlRisk /fapi/v1/tradingSchedule
/dapi/v1/aggTrades /dapi/v1/constituents /dapi/v1/continuousKlines /dapi/v1/depth /dapi/v1/fundingInfo
/dapi/v1/fundingRate /dapi/v1/indexPriceKlines /dapi/v1/klines /dapi/v1/markPriceKlines /dapi/v1/openInterest
/dapi/v1/premiumIndex /dapi/v1/premiumIndexKlines /dapi/v1/ticker/24hr /dapi/v1/ticker/bookTicker
/dapi/v1/ticker/price /dapi/v1/trades
/eapi/v1/blockTrades /eapi/v1/depth /eapi/v1/exerciseHistory /eapi/v1/index /eapi/v1/klines /eapi/v1/mark
/eapi/v1/openInterest /eapi/v1/ticker /eapi/v1/trades
/futures/data/basis /futures/data/delivery-price /futures/data/globalLongShortAccountRatio
/futures/data/openInterestHist /futures/data/takerBuySellVol /futures/data/takerlongshortRatio`;

/** Endpoints that are not simulated and take the key alone. */
const KEY_ONLY = `
/sapi/v1/equity/market/exchangeInfo /sapi/v1/equity/market/quote /sapi/v1/equity/market/tokenized-assets
/sapi/v1/margin/crossMarginCollateralRatio /sapi/v1/margin/leverageBracket
/sapi/v1/margin/limit-price-pairs /sapi/v1/margin/priceIndex /sapi/v1/margin/restricted-asset
/sapi/v1/margin/risk-based-liquidation-ratio /sapi/v1/mining/pub/algoList /sapi/v1/mining/pub/coinList
/sapi/v1/portfolio/asset-index-price /sapi/v1/portfolio/collateralRate /sapi/v1/spot/asset/tags
/sapi/v1/spot/open-symbol-list
/fapi/v1/historicalTrades /dapi/v1/historicalTrades`;

/** Endpoints that take the key on the host of USD-M and none on that of COIN-M. */
const RATIOS = ['/futures/data/topLongShortAccountRatio', '/futures/data/topLongShortPositionRatio'];

const LISTEN_KEYS = ['/fapi/v1/listenKey', '/dapi/v1/listenKey', '/eapi/v1/listenKey', '/papi/v1/listenKey'];
const MARGIN_LISTEN_KEY = '/sapi/v1/margin/listen-key';

/** The form of an endpoint's path: letters, digits and hyphens after a version. */
const ENDPOINT_PATH = /^\/(?:api\/v3|sapi\/v\d|fapi\/v\d|dapi\/v\d|eapi\/v\d|papi\/v\d)(?:\/[A-Za-z0-9-]+)+$/;
/** Retired on 2026-02-20. */
const RETIRED = /^\/(?:api\/v\d|sapi\/v1)\/userDataStream(?:\/|$)/;
const SPOT_REST =
  /^\/api\/v3\/(?:myAllocations|myFilters|myPreventedMatches|order\/(?:amend\/keepPriority|amendments|oco)|orderList\/(?:oto|otoco|opo|opoco)|sor\/order(?:\/test)?)$/;
const PERMISSIONS: Readonly<Record<string, keyof ApiRestrictions>> = {
  spot: 'enableSpotAndMarginTrading',
  usdm: 'enableFutures',
  coinm: 'enableFutures',
  options: 'enableVanillaOptions',
  portfolio: 'enablePortfolioMarginTrading',
};

/** The endpoints without a signature that answer something empty, and the listen keys. */
export function unsignedRoutes(): Route[] {
  const listenKeyRoutes = [...LISTEN_KEYS, MARGIN_LISTEN_KEY].flatMap((path) => [
    keyRoute(`POST ${path}`, {}, ({ exchange }, account) => {
      const key = `${path} ${account.owner}`;
      const listenKey = exchange.listenKeys.get(key) ?? randomBytes(32).toString('hex');
      exchange.listenKeys.set(key, listenKey);
      return { listenKey };
    }),
    keyRoute(`PUT ${path}`, {}, () => ({})),
    keyRoute(`DELETE ${path}`, {}, ({ exchange }, account) => {
      exchange.listenKeys.delete(`${path} ${account.owner}`);
      return {};
    }),
  ]);
  return [
    ...listenKeyRoutes,
    ...words(OPEN).map((path) => openRoute(`GET ${path}`, {}, () => [])),
    ...words(KEY_ONLY).map((path) => keyRoute(`GET ${path}`, {}, () => [])),
    ...RATIOS.map((path) => optionalKeyRoute(`GET ${path}`, {}, () => [])),
    keyRoute('POST /sapi/v1/equity/listenKey', {}, () => ({ listenKey: randomBytes(32).toString('hex') })),
    keyRoute('POST /sapi/v1/userListenToken', {}, ({ exchange, nowMs }, account) => {
      const token = randomBytes(32).toString('hex');
      exchange.listenKeys.set(`/sapi/v1/userListenToken ${account.owner}`, token);
      return { token, expirationTime: nowMs + 86_400_000 };
    }),
    openRoute('GET /dapi/v1/ping', { rules: {} }, () => ({})),
    openRoute('GET /eapi/v1/ping', { rules: {} }, () => ({})),
    openRoute('GET /papi/v1/ping', { rules: {} }, () => ({})),
    openRoute('GET /dapi/v1/time', { rules: {} }, ({ nowMs }) => ({ serverTime: nowMs })),
    openRoute('GET /eapi/v1/time', { rules: {} }, ({ nowMs }) => ({ serverTime: nowMs })),
  ];
}

/**
 * Any other endpoint. Key and signature are checked as strictly as everywhere, and an order is echoed. Undefined when
 * there is no such path.
 * @throws ExchangeError with status 410 for what Binance has retired
 */
export function genericRoute(method: string, path: string): Route | undefined {
  if (RETIRED.test(path)) throw new ExchangeError(-1000, 'This endpoint has been retired.', { status: 410 });
  const family = familyOfPath(path);
  if (family === undefined || !ENDPOINT_PATH.test(path)) return undefined;
  if (family === 'spot' && !SPOT_REST.test(path)) return undefined;
  const permission = method === 'GET' ? 'enableReading' : PERMISSIONS[family];
  const options = permission === undefined ? {} : { permission };
  const route = signedRoute(`${method} ${path}`, options, echo);
  // The conversion of small balances takes a list of assets as a repeated parameter.
  return path.startsWith('/sapi/v1/asset/dust') ? { ...route, repeatable: new Set(['asset']) } : route;
}

function echo({ exchange, parameters, method, path, nowMs }: Visit, account: Account): JsonValue {
  const many = parameters.get('batchOrders') ?? parameters.get('orders');
  if (many !== undefined)
    return readObjects(many).map((entry) => orderEcho(exchange.nextTransferId(), entry, nowMs));
  if (method === 'GET' && /^\/sapi\/v1\/algo\/\w+\/openOrders$/.test(path)) return { total: 0, orders: [] };
  // Nothing rests where nothing is simulated.
  if (method === 'GET' && /\/open(?:Algo)?Orders$/.test(path)) return [];
  if (!/\/(?:order|order\/test|algoOrder)$/.test(path)) return {};
  const family = familyOfPath(path);
  if (method === 'POST' && family !== undefined && family !== 'sapi')
    exchange.orderCounts.add(family, account.owner, 1, nowMs);
  const sent = Object.fromEntries(parameters.names.map((name) => [name, parameters.get(name)]));
  return orderEcho(parameters.integer('orderId') ?? exchange.nextTransferId(), sent, nowMs);
}

function orderEcho(orderId: number, sent: JsonObject, nowMs: number): JsonObject {
  const sentId = sent.newClientOrderId ?? sent.clientOrderId ?? sent.origClientOrderId;
  return {
    orderId,
    clientOrderId: typeof sentId === 'string' && sentId !== '' ? sentId : `auto-${orderId}`,
    symbol: sent.symbol,
    side: sent.side,
    type: sent.type,
    price: sent.price,
    origQty: sent.quantity,
    status: 'NEW',
    updateTime: nowMs,
  };
}

function readObjects(text: string): JsonObject[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value as JsonObject[];
  } catch {
    // Refused below.
  }
  throw new ExchangeError(-1130, "Data sent for parameter 'batchOrders' is not valid.");
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
