import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { createDenylist } from '../../../src/core/catalogue/denylist.ts';
import { NEVER_GRANTED } from '../../../src/core/catalogue/permission.ts';
import { createWsMethods } from '../../../src/core/frames/frame-methods.ts';

const catalogue = loadCatalogue();
const methods = createWsMethods(catalogue);

/** Every method with what it follows: a REST twin, or, where there is none, a path of the socket itself. */
const FOLLOWED = {
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
    'session.logon': 'GET /ws-api/v3/session.logon',
    'session.status': 'GET /ws-api/v3/session.status',
    'session.logout': 'GET /ws-api/v3/session.logout',
    'session.subscriptions': 'GET /ws-api/v3/session.subscriptions',
    'userDataStream.subscribe.signature': 'GET /ws-api/v3/userDataStream.subscribe.signature',
    'userDataStream.subscribe.listenToken': 'GET /ws-api/v3/userDataStream.subscribe.listenToken',
    'userDataStream.unsubscribe': 'GET /ws-api/v3/userDataStream.unsubscribe',
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
    'session.logon': 'GET /ws-fapi/v1/session.logon',
    'session.status': 'GET /ws-fapi/v1/session.status',
    'session.logout': 'GET /ws-fapi/v1/session.logout',
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
    'session.logon': 'GET /ws-dapi/v1/session.logon',
    'session.status': 'GET /ws-dapi/v1/session.status',
    'session.logout': 'GET /ws-dapi/v1/session.logout',
  },
};

describe('the methods of the WebSocket APIs', () => {
  it('The WebSocket APIs have as many methods as Binance documents', () => {
    const count = (family: string) => methods.all.filter((each) => each.family === family).length;
    expect([count('spot'), count('usdm'), count('coinm')]).toEqual([56, 21, 13]);
  });

  it.each(['spot', 'usdm', 'coinm'] as const)(
    'The methods of %s follow these endpoints and no others',
    (family) => {
      const own = methods.all.filter((each) => each.family === family);
      const followed = own.map(({ name, endpoint }) => [name, `${endpoint.method} ${endpoint.path}`]);
      expect(Object.fromEntries(followed)).toEqual(FOLLOWED[family]);
      for (const { name } of own) expect(methods.find(family, name)?.name).toBe(name);
    },
  );

  it('No method needs what no configuration grants, and none stands on the denylist', () => {
    const denylist = createDenylist([]);
    for (const { name, endpoint } of methods.all) {
      expect([name, NEVER_GRANTED.includes(endpoint.permission)]).toEqual([name, false]);
      expect([name, denylist.match(endpoint.path)]).toEqual([name, undefined]);
    }
  });

  it.each([
    ['spot', 'order.place', 'POST', '/api/v3/order', 'spot-margin-trade', 'signature'],
    [
      'spot',
      'v3/order.cancelReplace',
      'POST',
      '/api/v3/order/cancelReplace',
      'spot-margin-trade',
      'signature',
    ],
    ['spot', 'orderList.place', 'POST', '/api/v3/order/oco', 'spot-margin-trade', 'signature'],
    ['spot', 'depth', 'GET', '/api/v3/depth', 'market-data', 'nothing'],
    ['usdm', 'v1/order.modify', 'PUT', '/fapi/v1/order', 'futures-trade', 'signature'],
    ['usdm', 'v2/account.status', 'GET', '/fapi/v3/account', 'read', 'signature'],
    ['usdm', 'userDataStream.ping', 'PUT', '/fapi/v1/listenKey', 'read', 'key'],
    ['coinm', 'order.cancel', 'DELETE', '/dapi/v1/order', 'futures-trade', 'signature'],
  ] as const)('The method %s %s follows %s %s', (family, name, method, path, permission, adds) => {
    expect(methods.find(family, name)).toMatchObject({ adds, endpoint: { method, path, permission } });
  });

  it.each([
    ['spot', 'v1/order.place'],
    ['spot', 'v3/v3/order.place'],
    ['spot', 'V3/order.place'],
    ['spot', 'order.Place'],
    ['spot', 'constructor'],
    ['spot', '__proto__'],
    ['spot', 'algoOrder.place'],
    ['spot', 'userDataStream.start'],
    ['usdm', 'orderList.place'],
    ['usdm', 'v3/order.place'],
    ['coinm', 'algoOrder.place'],
  ] as const)('The method %s %s is unknown', (family, name) => {
    expect(methods.find(family, name)).toBeUndefined();
  });

  it.each([
    ['account.balance', 5, 1],
    ['account.position', 5, 1],
    ['account.status', 5, 5],
    ['order.modify', 1, 1],
  ])('The COIN-M method %s weighs %i where its endpoint weighs %i', (name, weight, ofEndpoint) => {
    const { endpoint } = methods.find('coinm', name)!;
    expect(endpoint.weights).toEqual([{ scope: 'IP', max: weight }]);
    const twin = catalogue.find('coinm', endpoint.method, endpoint.path);
    expect(twin?.weights).toEqual([{ scope: 'IP', max: ofEndpoint }]);
  });

  it('A method subscribes to user data with a signature, whichever way it is asked', () => {
    expect(methods.find('spot', 'userDataStream.subscribe')).toMatchObject({
      name: 'userDataStream.subscribe.signature',
      adds: 'signature',
      endpoint: { permission: 'read' },
    });
    expect(methods.find('spot', 'v3/userDataStream.subscribe.listenToken')).toMatchObject({
      adds: 'nothing',
      endpoint: { permission: 'read', security: 'APIKEY' },
    });
  });
});
