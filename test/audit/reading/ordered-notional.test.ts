import { describe, expect, it } from 'vitest';
import { orderedNotional } from '../../../src/audit/reading/ordered-notional.ts';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import type { AuditRecord } from '../../../src/core/records/record.ts';

const catalogue = loadCatalogue();
const LIMIT = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.01', price: '50000.5' };
const OCO = { symbol: 'ETHBTC', side: 'SELL', quantity: '2' };
const CHAIN = { workingType: 'LIMIT', workingSide: 'BUY', workingQuantity: '3', workingPrice: '10' };

function ordered(
  upstream: string,
  method: string,
  path: string,
  params: AuditRecord['params'],
  orders?: AuditRecord['orders'],
) {
  const record: AuditRecord = {
    ...{ time: '2026-02-03T12:00:00.000Z', level: 30, event: 'call.signed' },
    ...{ upstream, method, path, params },
    ...(orders === undefined ? {} : { orders }),
  };
  const found = orderedNotional(record, catalogue);
  if (found === undefined) return undefined;
  const sums = [...found.byQuote].map(([quote, sum]) => `${sum.toFixed()} ${quote}`);
  return [found.orders, sums.join(', '), found.unvalued];
}

describe('what a record says was ordered', () => {
  it.each([
    ['spot', 'POST', '/api/v3/order', LIMIT, [1, '500.005 USDT', 0]],
    ['spot', 'order.place', '/api/v3/order', LIMIT, [1, '500.005 USDT', 0]],
    ['spot', 'order.cancelReplace', '/api/v3/order/cancelReplace', LIMIT, [1, '500.005 USDT', 0]],
    ['portfolio', 'POST', '/papi/v1/um/order', LIMIT, [1, '500.005 USDT', 0]],
    ['usdm', 'POST', '/fapi/v1/order', { ...LIMIT, symbol: 'BTCUSDT_260925' }, [1, '500.005 USDT', 0]],
    [
      'options',
      'POST',
      '/eapi/v1/order',
      { ...LIMIT, symbol: 'BTC-260925-100000-C' },
      [1, '500.005 USDT', 0],
    ],
    [
      'spot',
      'POST',
      '/api/v3/order',
      { symbol: 'ETHBTC', side: 'SELL', type: 'MARKET', quoteOrderQty: '0.3' },
      [1, '0.3 BTC', 0],
    ],
    ['spot', 'POST', '/api/v3/order/oco', { ...OCO, price: '0.05', stopPrice: '0.04' }, [1, '0.1 BTC', 0]],
    [
      'spot',
      'orderList.place.oco',
      '/api/v3/orderList/oco',
      {
        ...OCO,
        aboveType: 'LIMIT_MAKER',
        abovePrice: '0.05',
        belowType: 'STOP_LOSS',
        belowStopPrice: '0.04',
      },
      [1, '0.1 BTC', 0],
    ],
    [
      'spot',
      'POST',
      '/api/v3/orderList/oto',
      { ...CHAIN, symbol: 'SOLUSDC', pendingType: 'MARKET', pendingSide: 'SELL', pendingQuantity: '3' },
      [1, '30 USDC', 0],
    ],
  ])('%s %s %s', (upstream, method, path, params, expected) => {
    expect(ordered(upstream, method, path, params)).toEqual(expected);
  });

  it('adds up the orders of a batch by their quote assets', () => {
    const batchOrders = JSON.stringify([LIMIT, { ...LIMIT, symbol: 'ETHUSDC' }, { ...LIMIT, price: '1' }]);
    expect(ordered('usdm', 'POST', '/fapi/v1/batchOrders', { batchOrders })).toEqual([
      3,
      '500.015 USDT, 500.005 USDC',
      0,
    ]);
  });

  it('What was ordered is told by the orders of a record, whatever its parameters show', () => {
    const orders = [LIMIT, { ...LIMIT, symbol: 'ETHUSDC', newClientOrderId: 'c-1' }];
    const cut = { batchOrders: `[${' '.repeat(4_095)}… (900 more characters)` };
    expect(ordered('usdm', 'POST', '/fapi/v1/batchOrders', cut, orders)).toEqual([
      2,
      '500.005 USDT, 500.005 USDC',
      0,
    ]);
    const legs = [
      { ...OCO, aboveType: 'LIMIT_MAKER', abovePrice: '0.05' },
      { ...OCO, belowType: 'STOP_LOSS', belowStopPrice: '0.04' },
    ];
    expect(ordered('spot', 'POST', '/api/v3/orderList/oco', {}, legs)).toEqual([1, '0.1 BTC', 0]);
  });

  it.each([
    ['an order that leaves its price to the market', 'spot', { ...LIMIT, price: '' }],
    ['a quote asset that the symbol does not tell', 'spot', { ...LIMIT, symbol: 'BTCXYZ' }],
    ['contracts of COIN-M', 'coinm', { ...LIMIT, symbol: 'BTCUSD_PERP' }],
    ['parameters that were cut', 'spot', { symbol: 'BTCUSDT' }],
  ])('counts %s and does not value it', (_, upstream, params) => {
    const path = upstream === 'coinm' ? '/dapi/v1/order' : '/api/v3/order';
    expect(ordered(upstream, 'POST', path, params)).toEqual([1, '', 1]);
  });

  it.each([
    ['a trial', 'spot', 'POST', '/api/v3/order/test'],
    ['a cancel', 'spot', 'DELETE', '/api/v3/order'],
    ['a query on a socket', 'spot', 'order.status', '/api/v3/order'],
    ['an amendment', 'usdm', 'order.modify', '/fapi/v1/order'],
    ['a conversion', 'spot', 'POST', '/sapi/v1/convert/limit/placeOrder'],
    ['a path that is not in the catalogue', 'spot', 'POST', '/api/v9/order'],
    ['an upstream that does not exist', 'constructor', 'POST', '/api/v3/order'],
  ])('finds no order in %s', (_, upstream, method, path) => {
    expect(ordered(upstream, method, path, LIMIT)).toBeUndefined();
  });
});
