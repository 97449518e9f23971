import { ExchangeError } from '../../base/exchange-error.ts';

type ApiPath = '/ws-api/v3' | '/ws-fapi/v1' | '/ws-dapi/v1';

/** One of the signed WebSocket APIs. */
export interface SignedApi {
  readonly path: ApiPath;
  readonly family: 'spot' | 'usdm' | 'coinm';
  /** Prefix of the REST paths of its methods. */
  readonly prefix: string;
  readonly connectWeight: number;
  /** A version prefix that makes no difference. */
  readonly version: RegExp;
  /** The REST twin of each method. */
  readonly twins: Readonly<Record<string, string>>;
  /** ms between pings, and how long a pong may take. */
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
}

const SPOT_TWINS = {
  ping: 'GET /api/v3/ping',
  time: 'GET /api/v3/time',
  exchangeInfo: 'GET /api/v3/exchangeInfo',
  executionRules: 'GET /api/v3/executionRules',
  depth: 'GET /api/v3/depth',
  'trades.recent': 'GET /api/v3/trades',
  'trades.historical': 'GET /api/v3/historicalTrades',
  'blockTrades.historical': 'GET /api/v3/historicalBlockTrades',
  'trades.aggregate': 'GET /api/v3/aggTrades',
  klines: 'GET /api/v3/klines',
  uiKlines: 'GET /api/v3/uiKlines',
  avgPrice: 'GET /api/v3/avgPrice',
  ticker: 'GET /api/v3/ticker',
  'ticker.24hr': 'GET /api/v3/ticker/24hr',
  'ticker.tradingDay': 'GET /api/v3/ticker/tradingDay',
  'ticker.price': 'GET /api/v3/ticker/price',
  'ticker.book': 'GET /api/v3/ticker/bookTicker',
  referencePrice: 'GET /api/v3/referencePrice',
  'referencePrice.calculation': 'GET /api/v3/referencePrice/calculation',
  'order.place': 'POST /api/v3/order',
  'order.test': 'POST /api/v3/order/test',
  'order.status': 'GET /api/v3/order',
  'order.cancel': 'DELETE /api/v3/order',
  'order.cancelReplace': 'POST /api/v3/order/cancelReplace',
  'order.amend.keepPriority': 'PUT /api/v3/order/amend/keepPriority',
  'order.amendments': 'GET /api/v3/order/amendments',
  'openOrders.status': 'GET /api/v3/openOrders',
  'openOrders.cancelAll': 'DELETE /api/v3/openOrders',
  'orderList.place': 'POST /api/v3/order/oco',
  'orderList.place.oco': 'POST /api/v3/orderList/oco',
  'orderList.place.oto': 'POST /api/v3/orderList/oto',
  'orderList.place.otoco': 'POST /api/v3/orderList/otoco',
  'orderList.place.opo': 'POST /api/v3/orderList/opo',
  'orderList.place.opoco': 'POST /api/v3/orderList/opoco',
  'orderList.status': 'GET /api/v3/orderList',
  'orderList.cancel': 'DELETE /api/v3/orderList',
  'openOrderLists.status': 'GET /api/v3/openOrderList',
  allOrderLists: 'GET /api/v3/allOrderList',
  'sor.order.place': 'POST /api/v3/sor/order',
  'sor.order.test': 'POST /api/v3/sor/order/test',
  'account.status': 'GET /api/v3/account',
  'account.commission': 'GET /api/v3/account/commission',
  'account.rateLimits.orders': 'GET /api/v3/rateLimit/order',
  allOrders: 'GET /api/v3/allOrders',
  myTrades: 'GET /api/v3/myTrades',
  myPreventedMatches: 'GET /api/v3/myPreventedMatches',
  myAllocations: 'GET /api/v3/myAllocations',
  myFilters: 'GET /api/v3/myFilters',
};

const USDM_TWINS = {
  depth: 'GET /fapi/v1/depth',
  'ticker.price': 'GET /fapi/v1/ticker/price',
  'ticker.book': 'GET /fapi/v1/ticker/bookTicker',
  'order.place': 'POST /fapi/v1/order',
  'order.modify': 'PUT /fapi/v1/order',
  'order.cancel': 'DELETE /fapi/v1/order',
  'order.status': 'GET /fapi/v1/order',
  'algoOrder.place': 'POST /fapi/v1/algoOrder',
  'algoOrder.cancel': 'DELETE /fapi/v1/algoOrder',
  'account.status': 'GET /fapi/v2/account',
  'v2/account.status': 'GET /fapi/v3/account',
  'account.balance': 'GET /fapi/v2/balance',
  'v2/account.balance': 'GET /fapi/v3/balance',
  'account.position': 'GET /fapi/v2/positionRisk',
  'v2/account.position': 'GET /fapi/v3/positionRisk',
};

const COINM_TWINS = {
  'order.place': 'POST /dapi/v1/order',
  'order.modify': 'PUT /dapi/v1/order',
  'order.cancel': 'DELETE /dapi/v1/order',
  'order.status': 'GET /dapi/v1/order',
  'account.status': 'GET /dapi/v1/account',
  'account.balance': 'GET /dapi/v1/balance',
  'account.position': 'GET /dapi/v1/positionRisk',
};

const FUTURES_PINGS = { pingIntervalMs: 180_000, pongTimeoutMs: 600_000 };

export const SIGNED_APIS: readonly SignedApi[] = [
  {
    path: '/ws-api/v3',
    family: 'spot',
    prefix: '/api/v3',
    connectWeight: 2,
    version: /^v3\//,
    twins: SPOT_TWINS,
    pingIntervalMs: 20_000,
    pongTimeoutMs: 60_000,
  },
  {
    path: '/ws-fapi/v1',
    family: 'usdm',
    prefix: '/fapi/v1',
    connectWeight: 5,
    version: /^v1\//,
    twins: USDM_TWINS,
    ...FUTURES_PINGS,
  },
  {
    path: '/ws-dapi/v1',
    family: 'coinm',
    prefix: '/dapi/v1',
    connectWeight: 5,
    version: /^v1\//,
    twins: COINM_TWINS,
    ...FUTURES_PINGS,
  },
];

/** The listen keys of spot, retired on 2026-02-20. */
const RETIRED = /^userDataStream\.(?:start|ping|stop)$/;

/** The name of a method without the version prefix that makes no difference. */
export function methodName(api: SignedApi, method: string): string {
  return method.replace(api.version, '');
}

/** The refusal of a method that is neither a twin nor the connection's own. */
export function noSuchMethod(api: SignedApi, name: string): ExchangeError {
  if (api.family !== 'spot') return new ExchangeError(-5000, `Method ${name} is invalid`);
  const status = RETIRED.test(name) ? 410 : 400;
  return new ExchangeError(-1020, 'This operation is not supported.', { status });
}
