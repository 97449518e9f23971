import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Endpoint, Method, Security } from '../catalogue/endpoint.ts';
import type { Permission } from '../catalogue/permission.ts';
import { SOCKET_FAMILIES, type SocketFamily, WS_API_PATHS } from '../upstream.ts';

export interface WsMethod {
  /** The name that is sent, always from here and never the client's string. */
  readonly name: string;
  /** `logon`, `status` and `logout` are answered by the proxy itself. */
  readonly kind: 'call' | 'logon' | 'status' | 'logout';
  /** What the proxy adds to the parameters. */
  readonly adds: 'nothing' | 'key' | 'signature';
  /** The REST twin: permission, weight, order counts, effect and orderShape are its own. */
  readonly endpoint: Endpoint;
}

export interface WsMethods {
  /** Undefined when nothing may leave. A version prefix (`v3/order.place`) makes no difference. */
  find(family: SocketFamily, method: string): WsMethod | undefined;
  readonly all: readonly (WsMethod & { readonly family: SocketFamily })[];
}

/** Method names to their REST twins, by family. */
const TWINS: Readonly<Record<SocketFamily, Readonly<Record<string, `${Method} /${string}`>>>> = {
  spot: {
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
    'ticker.24hr': 'GET /api/v3/ticker/24hr',
    'ticker.tradingDay': 'GET /api/v3/ticker/tradingDay',
    ticker: 'GET /api/v3/ticker',
    'ticker.price': 'GET /api/v3/ticker/price',
    'ticker.book': 'GET /api/v3/ticker/bookTicker',
    referencePrice: 'GET /api/v3/referencePrice',
    'referencePrice.calculation': 'GET /api/v3/referencePrice/calculation',
    'order.place': 'POST /api/v3/order',
    'order.test': 'POST /api/v3/order/test',
    'order.cancel': 'DELETE /api/v3/order',
    'order.cancelReplace': 'POST /api/v3/order/cancelReplace',
    'order.amend.keepPriority': 'PUT /api/v3/order/amend/keepPriority',
    'openOrders.cancelAll': 'DELETE /api/v3/openOrders',
    'orderList.place': 'POST /api/v3/order/oco',
    'orderList.place.oco': 'POST /api/v3/orderList/oco',
    'orderList.place.oto': 'POST /api/v3/orderList/oto',
    'orderList.place.otoco': 'POST /api/v3/orderList/otoco',
    'orderList.place.opo': 'POST /api/v3/orderList/opo',
    'orderList.place.opoco': 'POST /api/v3/orderList/opoco',
    'orderList.cancel': 'DELETE /api/v3/orderList',
    'sor.order.place': 'POST /api/v3/sor/order',
    'sor.order.test': 'POST /api/v3/sor/order/test',
    'account.status': 'GET /api/v3/account',
    'order.status': 'GET /api/v3/order',
    'openOrders.status': 'GET /api/v3/openOrders',
    allOrders: 'GET /api/v3/allOrders',
    'orderList.status': 'GET /api/v3/orderList',
    'openOrderLists.status': 'GET /api/v3/openOrderList',
    allOrderLists: 'GET /api/v3/allOrderList',
    myTrades: 'GET /api/v3/myTrades',
    'account.rateLimits.orders': 'GET /api/v3/rateLimit/order',
    myPreventedMatches: 'GET /api/v3/myPreventedMatches',
    myAllocations: 'GET /api/v3/myAllocations',
    'account.commission': 'GET /api/v3/account/commission',
    'order.amendments': 'GET /api/v3/order/amendments',
    myFilters: 'GET /api/v3/myFilters',
  },
  usdm: {
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
    'userDataStream.start': 'POST /fapi/v1/listenKey',
    'userDataStream.ping': 'PUT /fapi/v1/listenKey',
    'userDataStream.stop': 'DELETE /fapi/v1/listenKey',
  },
  coinm: {
    'order.place': 'POST /dapi/v1/order',
    'order.modify': 'PUT /dapi/v1/order',
    'order.cancel': 'DELETE /dapi/v1/order',
    'order.status': 'GET /dapi/v1/order',
    'account.status': 'GET /dapi/v1/account',
    'account.balance': 'GET /dapi/v1/balance',
    'account.position': 'GET /dapi/v1/positionRisk',
    'userDataStream.start': 'POST /dapi/v1/listenKey',
    'userDataStream.ping': 'PUT /dapi/v1/listenKey',
    'userDataStream.stop': 'DELETE /dapi/v1/listenKey',
  },
};

const ADDED = { NONE: 'nothing', APIKEY: 'key', SIGNED: 'signature' } as const;

interface OwnMethod {
  readonly security: Security;
  readonly permission: Permission;
  readonly kind?: WsMethod['kind'];
  readonly name?: string;
  readonly adds?: WsMethod['adds'];
}

const SESSION: Readonly<Record<string, OwnMethod>> = {
  'session.logon': { security: 'APIKEY', permission: 'market-data', kind: 'logon' },
  'session.status': { security: 'NONE', permission: 'market-data', kind: 'status' },
  'session.logout': { security: 'NONE', permission: 'market-data', kind: 'logout' },
};
/** Methods without a twin. A plain subscription becomes a signed one: it works with every type of key. */
const OWN: Readonly<Record<SocketFamily, Readonly<Record<string, OwnMethod>>>> = {
  spot: {
    ...SESSION,
    'session.subscriptions': { security: 'NONE', permission: 'market-data' },
    'userDataStream.subscribe': {
      security: 'SIGNED',
      permission: 'read',
      name: 'userDataStream.subscribe.signature',
    },
    'userDataStream.subscribe.signature': { security: 'SIGNED', permission: 'read' },
    'userDataStream.subscribe.listenToken': { security: 'APIKEY', permission: 'read', adds: 'nothing' },
    'userDataStream.unsubscribe': { security: 'NONE', permission: 'market-data' },
    // Retired on 2026-02-20; Binance itself says so best.
    'userDataStream.start': { security: 'APIKEY', permission: 'read' },
    'userDataStream.ping': { security: 'APIKEY', permission: 'read' },
    'userDataStream.stop': { security: 'APIKEY', permission: 'read' },
  },
  usdm: SESSION,
  coinm: SESSION,
};
const OWN_WEIGHT = 2;
/** Prefixes that name the version a method has anyway. */
const PREFIX: Readonly<Record<SocketFamily, RegExp>> = { spot: /^v3\//, usdm: /^v1\//, coinm: /^v1\// };

/**
 * Every method of the WebSocket APIs with the endpoint whose rules it follows.
 * @throws Error when a twin does not stand in the catalogue
 */
export function createWsMethods(catalogue: Catalogue): WsMethods {
  const all: (WsMethod & { family: SocketFamily })[] = [];
  const index = new Map<string, WsMethod>();
  for (const family of SOCKET_FAMILIES) {
    for (const [name, twin] of Object.entries(TWINS[family])) {
      const [method = '', path = ''] = twin.split(' ');
      const endpoint = catalogue.find(family, method, path);
      if (endpoint === undefined) throw new Error(`${family} ${name} has no twin ${twin} in the catalogue`);
      all.push({ family, name, kind: 'call', adds: ADDED[endpoint.security], endpoint });
    }
    for (const [name, own] of Object.entries(OWN[family]))
      all.push({ family, ...toOwnMethod(family, name, own) });
    for (const method of all) if (method.family === family) index.set(`${family} ${method.name}`, method);
    for (const [name, { name: sentAs }] of Object.entries(OWN[family])) {
      const method = sentAs === undefined ? undefined : index.get(`${family} ${sentAs}`);
      if (method !== undefined) index.set(`${family} ${name}`, method);
    }
  }
  return {
    all,
    find: (family, method) => index.get(`${family} ${method.replace(PREFIX[family], '')}`),
  };
}

function toOwnMethod(family: SocketFamily, name: string, own: OwnMethod): WsMethod {
  const { security, permission } = own;
  return {
    name: own.name ?? name,
    kind: own.kind ?? 'call',
    adds: own.adds ?? ADDED[security],
    endpoint: Object.freeze({
      upstream: family,
      method: 'GET',
      path: `${WS_API_PATHS[family]}/${own.name ?? name}`,
      product: 'websocket',
      security,
      securityType: security === 'NONE' ? 'NONE' : 'USER_STREAM',
      permission,
      weights: [{ scope: 'IP', max: OWN_WEIGHT }],
      orders: {},
      effect: 'none',
      clientOrderIds: [],
      repeatable: [],
    } satisfies Endpoint),
  };
}
