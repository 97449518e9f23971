import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPair, readCall } from '../../../src/core/call/call.ts';
import { decodedValue, encodeComponent, joinPairs } from '../../../src/core/call/form.ts';
import { batchParameter, injectClientOrderIds } from '../../../src/core/orders/client-order-id.ts';
import { orderQueries, sentParameters } from '../../../src/core/outcome/order-query.ts';
import { callOf } from '../../support/fixtures/call.ts';
import { catalogueEndpoint, catalogueEndpoints } from '../../support/fixtures/catalogue-endpoints.ts';
import { runs } from '../../support/properties.ts';

const REQUEST = '0123456789abcdefghij';
const NARROWEST = /^[a-zA-Z0-9-_]{1,32}$/;

const placing = catalogueEndpoints().filter(
  ({ effect, clientOrderIds }) => effect === 'place' && clientOrderIds.length > 0,
);

function inject(path: string, body: string, query = '') {
  const target = query === '' ? path : `${path}?${query}`;
  return injectClientOrderIds(catalogueEndpoint('POST', path), callOf('POST', target, body), REQUEST);
}

describe('a client order id', () => {
  it('A client order id is added to an order that has none, in the body when there is one', () => {
    const { call, ids } = inject('/api/v3/order', 'symbol=BTCUSDT&side=BUY');
    expect(joinPairs(call.body)).toBe(`symbol=BTCUSDT&side=BUY&newClientOrderId=bsp-${REQUEST}`);
    expect(call.query).toEqual([]);
    expect(ids).toEqual([`bsp-${REQUEST}`]);
  });

  it('A client order id is added to the query when there is no body', () => {
    const { call } = inject('/fapi/v1/order', '', 'symbol=BTCUSDT');
    expect(joinPairs(call.query)).toBe(`symbol=BTCUSDT&newClientOrderId=bsp-${REQUEST}`);
    expect(call.body).toEqual([]);
  });

  it('A client order id that the app gave is never changed, wherever it stands', () => {
    const path = '/api/v3/order';
    const call = callOf('POST', `${path}?newClientOrderId=a.b%3Ac%2Fd_1-2`, 'symbol=BTCUSDT');
    const result = injectClientOrderIds(catalogueEndpoint('POST', path), call, REQUEST);
    expect(result.call).toBe(call);
    expect(result.ids).toEqual(['a.b:c/d_1-2']);
  });

  it('An empty client order id counts as none and is filled in at its own place', () => {
    const { call, ids } = inject('/fapi/v1/order', 'newClientOrderId=&symbol=BTCUSDT');
    expect(joinPairs(call.body)).toBe(`newClientOrderId=bsp-${REQUEST}&symbol=BTCUSDT`);
    expect(ids).toEqual([`bsp-${REQUEST}`]);
    expect(joinPairs(inject('/api/v3/order', '', 'newClientOrderId').call.query)).toBe(
      `newClientOrderId=bsp-${REQUEST}`,
    );
  });

  it('No client order id is added to cancels, amends, test orders and reads', () => {
    for (const [method, path] of [
      ['DELETE', '/api/v3/order'],
      ['PUT', '/api/v3/order/amend/keepPriority'],
      ['POST', '/api/v3/order/test'],
      ['GET', '/api/v3/order'],
    ] as const) {
      const call = callOf(method, `${path}?symbol=BTCUSDT&orderId=1`);
      expect(injectClientOrderIds(catalogueEndpoint(method, path), call, REQUEST)).toEqual({ call, ids: [] });
    }
  });

  it('A client order id never goes into a name that points at another order', () => {
    const endpoint = {
      ...catalogueEndpoint('POST', '/api/v3/order/cancelReplace'),
      clientOrderIds: ['cancelNewClientOrderId', 'cancelOrigClientOrderId', 'newClientOrderId'],
    };
    const { call } = injectClientOrderIds(endpoint, callOf('POST', endpoint.path, 'symbol=X'), REQUEST);
    expect(joinPairs(call.body)).toBe(`symbol=X&newClientOrderId=bsp-${REQUEST}`);
  });

  it('A list gets its own id first, each leg gets one too, and a leg that the app left out gets none', () => {
    const all = 'symbol=X&pendingAboveType=LIMIT_MAKER&pendingBelowType=STOP_LOSS';
    expect(inject('/api/v3/orderList/otoco', all).ids).toEqual([
      `bsp-${REQUEST}`,
      `bsp-${REQUEST}-w`,
      `bsp-${REQUEST}-pa`,
      `bsp-${REQUEST}-pb`,
    ]);
    const { call, ids } = inject('/api/v3/orderList/otoco', 'symbol=X&pendingAboveType=LIMIT_MAKER');
    expect(findPair(call, 'pendingBelowClientOrderId')).toBeUndefined();
    expect(ids.length).toBe(3);
    const given = 'symbol=X&listClientOrderId=mine&stopClientOrderId=s';
    expect(inject('/sapi/v1/margin/order/oco', given).ids).toEqual(['mine', `bsp-${REQUEST}-l`, 's']);
  });

  it('The client order id of an algo or a stock order has the length that Binance demands there', () => {
    for (const path of ['/sapi/v1/algo/spot/newOrderTwap', '/sapi/v1/equity/order/place'])
      expect(inject(path, 'symbol=X').ids).toEqual([`bsp${REQUEST}000000000`]);
  });

  it('A request id that would not fit into a client order id is refused', () => {
    for (const bad of ['', 'UPPER', 'a'.repeat(25), 'a b'])
      expect(() =>
        injectClientOrderIds(
          catalogueEndpoint('POST', '/api/v3/order'),
          callOf('POST', '/api/v3/order', 'a=1'),
          bad,
        ),
      ).toThrow(TypeError);
  });
});

describe('every placing endpoint of the catalogue that takes client order ids', () => {
  it.each(placing.map((endpoint) => [endpoint.path, endpoint] as const))('%s gets ids', (path, endpoint) => {
    const isBatch = endpoint.orderShape === 'batch';
    const orders = encodeComponent('[{"symbol":"BTCUSDT"},{"symbol":"ETHUSDT"}]');
    const body = isBatch
      ? `${batchParameter(path)}=${orders}`
      : 'symbol=BTCUSDT&isIsolated=TRUE&pendingBelowType=STOP_LOSS';
    const { call, ids } = injectClientOrderIds(endpoint, callOf('POST', path, body), REQUEST);
    expect(ids.length).toBe(isBatch ? 2 : endpoint.clientOrderIds.length);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) {
      expect(id).toMatch(NARROWEST);
      expect(id).toContain(REQUEST);
    }
    // Sent as one reads it, and nothing more is added to a call that has all its ids.
    const sent = readCall('POST', path, Buffer.from(joinPairs(call.body)));
    expect(injectClientOrderIds(endpoint, sent, 'other')).toEqual({ call: sent, ids });
    const queries = orderQueries(path, sentParameters(call));
    expect(queries.map(({ clientOrderId }) => clientOrderId)).toEqual(isBatch ? ids : ids.slice(0, 1));
    for (const query of queries)
      for (const asked of [query, ...query.legs])
        for (const asking of asked.paths) expect(catalogueEndpoint('GET', asking).security).toBe('SIGNED');
  });
});

describe('the elements of a batch', () => {
  const path = '/fapi/v1/batchOrders';

  it('An element of a batch gets an id where it has none, and every other byte stays', () => {
    // As ccxt sends it: raw brackets and quotes, raw spaces, a plus for a space, lexemes that no double can hold.
    const raw =
      'batchOrders=[{"symbol":"BTCUSDT", "price" : 20000.10,"quantity":1e-3},+{"newClientOrderId":"mine","id":12345678901234567890}, {}]';
    const { call, ids } = inject(path, raw);
    const before = callOf('POST', path, raw).body[0]!.text;
    const after = call.body[0]!.text;
    const added = (id: string, comma: string) =>
      encodeComponent(`${comma}"newClientOrderId":"bsp-${REQUEST}-${id}"`);
    expect(ids).toEqual([`bsp-${REQUEST}-0`, 'mine', `bsp-${REQUEST}-2`]);
    expect(after.replace(added('0', ','), '').replace(added('2', ''), '')).toBe(before);
    expect(decodedValue(call.body[0]!)).toBe(
      `[{"symbol":"BTCUSDT", "price" : 20000.10,"quantity":1e-3,"newClientOrderId":"bsp-${REQUEST}-0"}, {"newClientOrderId":"mine","id":12345678901234567890}, {"newClientOrderId":"bsp-${REQUEST}-2"}]`,
    );
  });

  it('The elements of a batch keep symbols and ids that are not ASCII', () => {
    const { call, ids } = inject(
      path,
      'batchOrders=[{"symbol":"币安人生USDT"},{"newClientOrderId":"é","symbol":"}{"}]',
    );
    expect(ids).toEqual([`bsp-${REQUEST}-0`, 'é']);
    expect(decodedValue(call.body[0]!)).toBe(
      `[{"symbol":"币安人生USDT","newClientOrderId":"bsp-${REQUEST}-0"},{"newClientOrderId":"é","symbol":"}{"}]`,
    );
  });

  it('An element of a batch gets an id in place of an empty one', () => {
    const { call, ids } = inject(path, 'batchOrders=[{"newClientOrderId" : "","symbol":"X"}]');
    expect(ids).toEqual([`bsp-${REQUEST}-0`]);
    expect(decodedValue(call.body[0]!)).toBe(`[{"newClientOrderId" : "bsp-${REQUEST}-0","symbol":"X"}]`);
  });

  it('The elements of an options batch stand in `orders` and name their id clientOrderId', () => {
    const { call, ids } = inject('/eapi/v1/batchOrders', '', `orders=${encodeComponent('[{"symbol":"X"}]')}`);
    expect(ids).toEqual([`bsp-${REQUEST}-0`]);
    expect(decodedValue(call.query[0]!)).toBe(`[{"symbol":"X","clientOrderId":"bsp-${REQUEST}-0"}]`);
  });

  it('A batch whose elements are no flat objects is refused, and a call without a batch stays as it is', () => {
    for (const bad of ['[1]', '{}', '[{', '[{"a":null}]'])
      expect(() => inject(path, `batchOrders=${encodeComponent(bad)}`)).toThrow(/JSON/);
    expect(inject(path, 'symbol=X').ids).toEqual([]);
  });

  it('The elements of a batch keep their members, in any JSON and any encoding of it', () => {
    const text = fc.string({ unit: 'grapheme' }).map((each) => each.toWellFormed());
    const element = fc.dictionary(
      text.filter((name) => name !== 'newClientOrderId' && name !== '__proto__'),
      fc.oneof(text, fc.integer(), fc.boolean()),
      { maxKeys: 4 },
    );
    const escapeEverything = (json: string) =>
      [...Buffer.from(json)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    fc.assert(
      fc.property(fc.array(element, { maxLength: 4 }), fc.boolean(), (elements, isVerbose) => {
        const json = JSON.stringify(elements, undefined, isVerbose ? 1 : 0);
        const { call, ids } = inject(
          path,
          `batchOrders=${isVerbose ? escapeEverything(json) : encodeComponent(json)}`,
        );
        const sent: unknown = JSON.parse(decodedValue(call.body[0]!) ?? '');
        expect(sent).toEqual(elements.map((each, index) => ({ ...each, newClientOrderId: ids[index] })));
        expect(ids.length).toBe(elements.length);
      }),
      runs(1_000),
    );
  });
});
