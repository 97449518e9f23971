import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import type { Endpoint } from '../../../src/core/catalogue/endpoint.ts';
import { READING } from '../../../src/core/catalogue/permission.ts';

const { endpoints } = loadCatalogue();
const nameOf = ({ method, path }: Endpoint): string => `${method} ${path}`;
const named = (name: string): Endpoint => endpoints.find((endpoint) => nameOf(endpoint) === name)!;

describe('the order doors of the catalogue', () => {
  it.each([
    ['POST /api/v3/order', 'place', 'single', ['newClientOrderId'], { '10S': 1, '1D': 1 }],
    ['POST /api/v3/order/test', 'none', 'single', ['newClientOrderId'], {}],
    ['POST /api/v3/sor/order', 'place', 'single', ['newClientOrderId'], { '10S': 1, '1D': 1 }],
    [
      'POST /api/v3/order/cancelReplace',
      'place',
      'cancel-replace',
      ['newClientOrderId'],
      { '10S': 1, '1D': 1 },
    ],
    [
      'POST /api/v3/order/oco',
      'place',
      'oco',
      ['listClientOrderId', 'limitClientOrderId', 'stopClientOrderId'],
      { '10S': 2, '1D': 2 },
    ],
    [
      'POST /api/v3/orderList/oco',
      'place',
      'order-list-oco',
      ['listClientOrderId', 'aboveClientOrderId', 'belowClientOrderId'],
      { '10S': 2, '1D': 2 },
    ],
    [
      'POST /api/v3/orderList/oto',
      'place',
      'oto',
      ['listClientOrderId', 'workingClientOrderId', 'pendingClientOrderId'],
      { '10S': 2, '1D': 2 },
    ],
    [
      'POST /api/v3/orderList/otoco',
      'place',
      'otoco',
      ['listClientOrderId', 'workingClientOrderId', 'pendingAboveClientOrderId', 'pendingBelowClientOrderId'],
      { '10S': 3, '1D': 3 },
    ],
    [
      'POST /api/v3/orderList/opo',
      'place',
      'opo',
      ['listClientOrderId', 'workingClientOrderId', 'pendingClientOrderId'],
      { '10S': 2, '1D': 2 },
    ],
    [
      'POST /api/v3/orderList/opoco',
      'place',
      'opoco',
      ['listClientOrderId', 'workingClientOrderId', 'pendingAboveClientOrderId', 'pendingBelowClientOrderId'],
      { '10S': 3, '1D': 3 },
    ],
    ['PUT /api/v3/order/amend/keepPriority', 'amend', 'amend', ['newClientOrderId'], {}],
    ['POST /sapi/v1/margin/order', 'place', 'single', ['newClientOrderId'], { '10S': 1, '1D': 1 }],
    [
      'POST /sapi/v1/margin/order/otoco',
      'place',
      'otoco',
      ['listClientOrderId', 'workingClientOrderId', 'pendingAboveClientOrderId', 'pendingBelowClientOrderId'],
      { '10S': 3, '1D': 3 },
    ],
    ['POST /fapi/v1/order', 'place', 'single', ['newClientOrderId'], { '10S': 1, '1M': 1 }],
    ['PUT /fapi/v1/order', 'amend', 'amend', [], { '10S': 1, '1M': 1 }],
    ['POST /fapi/v1/batchOrders', 'place', 'batch', ['newClientOrderId'], { '10S': 5, '1M': 1 }],
    ['PUT /fapi/v1/batchOrders', 'amend', 'amend-batch', [], { '10S': 5, '1M': 1 }],
    ['POST /fapi/v1/algoOrder', 'place', 'algo', ['clientAlgoId'], { '10S': 1, '1M': 1 }],
    ['POST /dapi/v1/order', 'place', 'single', ['newClientOrderId'], { '10S': 1, '1M': 1 }],
    ['PUT /dapi/v1/order', 'amend', 'amend', [], { '10S': 1, '1M': 1 }],
    ['POST /dapi/v1/batchOrders', 'place', 'batch', ['newClientOrderId'], { '10S': 5, '1M': 5 }],
    ['POST /dapi/v1/order/test', 'none', 'single', ['newClientOrderId'], {}],
    ['POST /dapi/v1/algoOrder', 'place', 'algo', ['clientAlgoId'], { '10S': 1, '1M': 1 }],
    ['DELETE /dapi/v1/algoOrder', 'cancel', undefined, [], {}],
    ['DELETE /dapi/v1/algoOpenOrders', 'cancel', undefined, [], {}],
    ['POST /sapi/v1/algo/spot/newOrderVp', 'place', 'algo', ['clientAlgoId'], {}],
    ['POST /eapi/v1/order', 'place', 'single', ['clientOrderId'], { '10S': 1, '1M': 1 }],
    ['POST /eapi/v1/batchOrders', 'place', 'batch', ['clientOrderId'], { '10S': 10, '1M': 10 }],
    ['POST /papi/v1/um/order', 'place', 'single', ['newClientOrderId'], { '1M': 1 }],
    ['POST /papi/v1/cm/conditional/order', 'place', 'algo', ['newClientStrategyId'], { '1M': 1 }],
    ['POST /papi/v1/um/algo/order', 'place', 'algo', ['clientAlgoId'], { '1M': 1 }],
    [
      'POST /papi/v1/margin/order/oco',
      'place',
      'oco',
      ['listClientOrderId', 'limitClientOrderId', 'stopClientOrderId'],
      { '1M': 2 },
    ],
    ['POST /sapi/v1/algo/spot/newOrderTwap', 'place', 'algo', ['clientAlgoId'], {}],
    ['POST /sapi/v1/convert/limit/placeOrder', 'place', 'convert', [], {}],
    ['POST /sapi/v1/equity/order/place', 'place', 'equity', ['clientOrderId'], {}],
    ['DELETE /api/v3/order', 'cancel', undefined, [], {}],
    ['DELETE /fapi/v1/batchOrders', 'cancel', undefined, [], {}],
    ['POST /fapi/v1/countdownCancelAll', 'cancel', undefined, [], {}],
    ['POST /sapi/v1/equity/order/cancel-all', 'cancel', undefined, [], {}],
    ['GET /api/v3/openOrders', 'none', undefined, [], {}],
  ])('The endpoint %s has effect %s, orderShape %s', (name, effect, orderShape, clientOrderIds, orders) => {
    const endpoint = named(name);
    expect([endpoint.effect, endpoint.orderShape, endpoint.clientOrderIds, endpoint.orders]).toEqual([
      effect,
      orderShape,
      clientOrderIds,
      orders,
    ]);
  });

  it('Every trading endpoint that creates something with an order in its name has an orderShape', () => {
    const without = endpoints.filter(
      ({ method, path, permission, effect, orderShape }) =>
        permission.endsWith('-trade') &&
        (method === 'POST' || method === 'PUT') &&
        /order/i.test(path) &&
        effect !== 'cancel' &&
        orderShape === undefined,
    );
    expect(without.map(nameOf)).toEqual([]);
  });

  it('An endpoint counts orders only where it places or amends them', () => {
    const counted = endpoints.filter(({ orders }) => Object.keys(orders).length > 0);
    expect(counted.length).toBeGreaterThan(25);
    for (const { effect } of counted) expect(effect).toMatch(/place|amend/);
  });

  it('A GET never has an effect or an orderShape', () => {
    for (const { method, effect, orderShape } of endpoints) {
      if (method === 'GET') expect([effect, orderShape]).toEqual(['none', undefined]);
    }
  });
});

describe('the permissions of the catalogue', () => {
  const readsThatAreNoGet = [
    'POST /sapi/v1/asset/dust-btc',
    'POST /sapi/v1/asset/dust-convert/query-convertible-assets',
    'POST /sapi/v1/asset/get-funding-asset',
    'POST /sapi/v3/asset/getUserAsset',
  ];
  const isListenKey = ({ path }: Endpoint): boolean => /(?:listenKey|listen-key|userListenToken)$/.test(path);

  it('The permission read calls nothing but GETs, listen keys and the named read-only POSTs', () => {
    const reads = endpoints.filter(({ permission }) => permission === 'read' || permission === 'market-data');
    const others = reads.filter((endpoint) => endpoint.method !== 'GET' && !isListenKey(endpoint));
    expect(others.map(nameOf).sort()).toEqual(readsThatAreNoGet.sort());
  });

  it('Every listen key and the margin listen token need read', () => {
    const keys = endpoints.filter(isListenKey);
    expect(keys).toHaveLength(17);
    for (const { permission, security } of keys) expect([permission, security]).toEqual(['read', 'APIKEY']);
  });

  it('The permission read-personal reads the withdrawal addresses, fiat, C2C, pay, mails and monthly downloads', () => {
    const personal = endpoints.filter(({ permission }) => permission === 'read-personal');
    expect(personal.every(({ method }) => method === 'GET')).toBe(true);
    expect(personal.map(({ path }) => path)).toEqual([
      '/sapi/v1/addressVerify/list',
      '/sapi/v1/c2c/orderMatch/listUserOrderHistory',
      '/sapi/v1/capital/withdraw/address/list',
      '/sapi/v1/fiat/get-order-detail',
      '/sapi/v1/fiat/orders',
      '/sapi/v1/fiat/payments',
      '/sapi/v1/managed-subaccount/info',
      '/sapi/v1/managed-subaccount/query-trans-log',
      '/sapi/v1/managed-subaccount/queryTransLogForInvestor',
      '/sapi/v1/managed-subaccount/queryTransLogForTradeParent',
      '/sapi/v1/margin/loan-group/ltv-details',
      '/sapi/v1/margin/loan-groups/activated',
      '/sapi/v1/margin/loan-groups/closed',
      '/sapi/v1/pay/transactions',
      '/sapi/v1/sub-account/futures/accountSummary',
      '/sapi/v1/sub-account/futures/internalTransfer',
      '/sapi/v1/sub-account/futures/move-position',
      '/sapi/v1/sub-account/list',
      '/sapi/v1/sub-account/margin/accountSummary',
      '/sapi/v1/sub-account/spotSummary',
      '/sapi/v1/sub-account/status',
      '/sapi/v1/sub-account/sub/transfer/history',
      '/sapi/v1/sub-account/transfer/subUserHistory',
      '/sapi/v1/sub-account/universalTransfer',
      '/sapi/v2/sub-account/futures/accountSummary',
      ...['/fapi/v1', '/dapi/v1', '/papi/v1/um'].flatMap((base) =>
        ['income', 'order', 'trade'].flatMap((kind) => [`${base}/${kind}/asyn`, `${base}/${kind}/asyn/id`]),
      ),
    ]);
  });

  it('A GET needs more than a permission to read only where it changes state or discloses keys', () => {
    const gets = endpoints.filter(
      ({ method, permission }) => method === 'GET' && !READING.includes(permission),
    );
    expect(gets.map((endpoint) => `${nameOf(endpoint)} ${endpoint.permission}`)).toEqual([
      'GET /sapi/v1/margin/api-key-list account-admin',
      'GET /sapi/v1/margin/apiKey account-admin',
      'GET /sapi/v1/soft-staking/set earn',
      'GET /sapi/v1/sub-account/subAccountApi account-admin',
      'GET /sapi/v1/sub-account/subAccountApi/ipRestriction account-admin',
      'GET /eapi/v1/block/order/execute withdraw',
      'GET /eapi/v1/block/order/orders withdraw',
    ]);
  });

  it.each([
    ['POST /fapi/v1/positionMargin', 'futures-trade'],
    ['POST /dapi/v1/leverage', 'futures-trade'],
    ['POST /sapi/v1/algo/futures/newOrderVp', 'futures-trade'],
    ['POST /sapi/v1/bnbBurn', 'account-settings'],
    ['POST /sapi/v1/margin/isolated/account', 'spot-margin-trade'],
    ['POST /sapi/v1/margin/max-leverage', 'loan'],
    ['POST /papi/v1/repay-futures-switch', 'loan'],
    ['POST /sapi/v1/portfolio/margin-call-level', 'account-settings'],
    ['POST /sapi/v1/equity/order/cancel-all', 'equity-trade'],
    ['POST /sapi/v1/equity/tokenized/mint', 'convert'],
    ['GET /sapi/v1/capital/deposit/address', 'read'],
    ['POST /papi/v1/bnb-transfer', 'universal-transfer'],
    ['POST /sapi/v1/asset/transfer', 'universal-transfer'],
    ['POST /sapi/v1/sub-account/universalTransfer', 'internal-transfer'],
    ['POST /sapi/v1/sub-account/futures/move-position', 'internal-transfer'],
    ['POST /sapi/v1/convert/getQuote', 'convert'],
    ['POST /sapi/v1/simple-earn/flexible/redeem', 'earn'],
    ['POST /sapi/v1/accumulator/product/subscribe', 'earn'],
    ['POST /papi/v1/unimmr/notification', 'account-settings'],
    ['GET /sapi/v1/margin/allPairs', 'market-data'],
    ['GET /fapi/v1/historicalTrades', 'market-data'],
    ['GET /sapi/v1/capital/withdraw/history', 'read'],
  ])('The endpoint %s needs %s', (name, permission) => {
    expect(named(name).permission).toBe(permission);
  });

  it('Only the dust conversions let asset stand more than once, and sub-groups their ids', () => {
    const repeatable = endpoints.filter((endpoint) => endpoint.repeatable.length > 0);
    expect(repeatable.map((endpoint) => [nameOf(endpoint), endpoint.repeatable])).toEqual([
      ['POST /sapi/v1/asset/dust', ['asset']],
      ['POST /sapi/v1/asset/dust-convert/convert', ['asset']],
      ['GET /sapi/v1/vip/link-plus/subgroups/detail', ['groupId']],
    ]);
  });
});
