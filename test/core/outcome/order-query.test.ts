import { describe, expect, it } from 'vitest';
import { orderQueries, sentParameters } from '../../../src/core/outcome/order-query.ts';
import { callOf } from '../../support/fixtures/call.ts';

function queries(path: string, form: string) {
  return orderQueries(path, sentParameters(callOf('POST', path, form)));
}

describe('what is asked about an order', () => {
  it('A query about an order names its symbol and client order id, decoded', () => {
    expect(queries('/api/v3/order', 'symbol=BTCUSDT&newClientOrderId=a%3Ab')).toEqual([
      {
        clientOrderId: 'a:b',
        symbol: 'BTCUSDT',
        paths: ['/api/v3/order'],
        params: [
          ['symbol', 'BTCUSDT'],
          ['origClientOrderId', 'a:b'],
        ],
        reading: 'order',
        legs: [],
      },
    ]);
  });

  it('A query about a margin order names the kind of the account too', () => {
    const [query] = queries('/sapi/v1/margin/order', 'symbol=X&isIsolated=TRUE&newClientOrderId=a');
    expect(query?.params).toEqual([
      ['symbol', 'X'],
      ['isIsolated', 'TRUE'],
      ['origClientOrderId', 'a'],
    ]);
  });

  it('A query about a list names the id of the list, and its orders stand by', () => {
    const form = 'symbol=X&listClientOrderId=l&workingClientOrderId=w&pendingClientOrderId=p';
    const [query] = queries('/api/v3/orderList/oto', form);
    expect(query?.paths).toEqual(['/api/v3/orderList']);
    expect(query?.params).toEqual([['origClientOrderId', 'l']]);
    expect(query?.legs.map(({ paths, clientOrderId }) => [paths[0], clientOrderId])).toEqual([
      ['/api/v3/order', 'w'],
      ['/api/v3/order', 'p'],
    ]);
  });

  it('A query about a margin list names the symbol only where it is isolated, as Binance demands', () => {
    const form = 'symbol=X&listClientOrderId=l&isIsolated=';
    expect(queries('/sapi/v1/margin/order/oco', `${form}FALSE`)[0]?.params).toEqual([
      ['isIsolated', 'FALSE'],
      ['origClientOrderId', 'l'],
    ]);
    expect(queries('/sapi/v1/margin/order/oco', `${form}TRUE`)[0]?.params[0]).toEqual(['symbol', 'X']);
  });

  it('A query about a batch names each element with its own symbol', () => {
    const batch = encodeURIComponent(
      '[{"symbol":"X","newClientOrderId":"a"},{"symbol":"Y","newClientOrderId":"b"}]',
    );
    const asked = queries('/fapi/v1/batchOrders', `batchOrders=${batch}`);
    expect(asked.map(({ params }) => params)).toEqual([
      [
        ['symbol', 'X'],
        ['origClientOrderId', 'a'],
      ],
      [
        ['symbol', 'Y'],
        ['origClientOrderId', 'b'],
      ],
    ]);
  });

  it.each(['/fapi/v1/algoOrder', '/dapi/v1/algoOrder'])(
    'A query about a conditional order at %s names its own id and no symbol',
    (path) => {
      const [query] = queries(path, 'symbol=X&clientAlgoId=a');
      expect(query).toMatchObject({ paths: [path], params: [['clientAlgoId', 'a']], reading: 'order' });
    },
  );

  it('Nothing is asked where Binance offers no query, or the record is of no use', () => {
    expect(queries('/sapi/v1/convert/limit/placeOrder', 'baseAsset=BTC')).toEqual([]);
    expect(queries('/api/v3/order', 'symbol=X')).toEqual([]);
    expect(queries('/fapi/v1/batchOrders', 'batchOrders=%5B')).toEqual([]);
  });
});
