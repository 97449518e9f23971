import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, readCall } from '../../../src/core/call/call.ts';
import type { Endpoint } from '../../../src/core/catalogue/endpoint.ts';
import { callParameters, readIntendedOrders } from '../../../src/core/orders/read-orders.ts';
import { SecretMask } from '../../../src/core/records/secret-mask.ts';
import {
  type OrderPlace,
  parametersOf,
  sentOrders,
  singleOrderReader,
} from '../../../src/core/records/sent-orders.ts';
import { assertWhole } from '../../../src/core/records/whole-orders.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';
import { callOf, DOOR_SAMPLES, type Form, refusalOf } from '../../support/fixtures/order-fixtures.ts';
import { runs } from '../../support/properties.ts';

const spot = catalogueEndpoint('POST', '/api/v3/order');
const batch = catalogueEndpoint('POST', '/fapi/v1/batchOrders');
const amendBatch = catalogueEndpoint('PUT', '/fapi/v1/batchOrders');
const ORDER = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.010', price: '50000' };

const inBatch = (text: string): Call => callOf(batch, { batchOrders: text });
const formCall = (body: string): Call => readCall('POST', '/api/v3/order', Buffer.from(body));

describe('orders that cannot be named in only one way', () => {
  it.each<[string, Endpoint, Call]>([
    ['a batch without its list', batch, callOf(batch, { symbol: 'BTCUSDT' })],
    ['a batch that is no JSON', amendBatch, inBatch('[{"symbol":"BTCUSDT"')],
    ['a batch that is no list', amendBatch, inBatch('{"symbol":"BTCUSDT"}')],
    ['a batch of something else than orders', amendBatch, inBatch('[["BTCUSDT"]]')],
    ['an order with a name twice', batch, inBatch('[{"side":"BUY","side":"SELL"}]')],
    ['an order with a value of null', batch, inBatch('[{"symbol":null}]')],
    ['an order with a list for a price', batch, inBatch('[{"price":["1"]}]')],
    ['an order with an object for a side', batch, inBatch('[{"side":{"a":"BUY"}}]')],
    ['an order with Symbol beside symbol', batch, inBatch('[{"symbol":"BTCUSDT","Symbol":"ETHUSDT"}]')],
    ['an order with stop_price for stopPrice', batch, inBatch('[{"stop_price":"1"}]')],
    ['a single order with SIDE', spot, callOf(spot, { ...ORDER, SIDE: 'SELL' })],
    ['a single order with a field twice', spot, formCall('symbol=A&side=BUY&side=SELL')],
    ['a single order with a field that is no text', spot, formCall('symbol=%FF')],
  ])('The reading of orders refuses %s', (_, endpoint, call) => {
    const refusal = refusalOf(() => sentOrders(endpoint, call));
    expect([refusal?.name, refusal?.rule]).toEqual(['PROXY_ORDER_REFUSED', 'unreadable']);
  });
});

describe('orders that no record could name whole', () => {
  const KEY = 'vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A';
  const PHRASE = 'grid-bot.Zk3vT9qLw2Xy7Rb5';
  const mask = new SecretMask([PHRASE]);

  it.each<[string, Form]>([
    ['a secret of this process', { ...ORDER, newClientOrderId: PHRASE }],
    ['a secret in the middle of a value', { ...ORDER, newClientOrderId: `x${PHRASE}y` }],
    ['an encoded secret', { ...ORDER, newClientOrderId: PHRASE.replace('.', '%2E') }],
    ['what looks like a key', { ...ORDER, newClientOrderId: KEY }],
    ['a signature', { ...ORDER, newClientOrderId: 'signature=c0ffee' }],
    ['a value of more than 512 characters', { ...ORDER, price: `1.${'0'.repeat(511)}` }],
  ])('The record of an order refuses %s', (_, form) => {
    const refusal = refusalOf(() => assertWhole(sentOrders(spot, callOf(spot, form)), mask));
    expect([refusal?.name, refusal?.rule]).toEqual(['PROXY_ORDER_REFUSED', 'unrecordable']);
    expect(refusal?.message).not.toContain(PHRASE);
  });

  it('The record of a batch refuses more than 64 KB of orders and takes a little less', () => {
    const many = (count: number) =>
      sentOrders(batch, inBatch(JSON.stringify(Array.from({ length: count }, () => ORDER))));
    expect(() => assertWhole(many(700), mask)).not.toThrow();
    expect(refusalOf(() => assertWhole(many(900), mask))?.rule).toBe('unrecordable');
    const empty = sentOrders(batch, inBatch(`[${'{},'.repeat(20_000)}{}]`));
    expect(refusalOf(() => assertWhole(empty, mask))?.rule).toBe('unrecordable');
  });

  it.each<[string, Form]>([
    ['a parameter that speaks of a secret', { ...ORDER, listenKey: 'abc' }],
    ['a name that holds a secret', { ...ORDER, [`x-${PHRASE}`]: '1' }],
    ['a name that looks like a key', { ...ORDER, [KEY]: '1' }],
    [
      '100 parameters of 700 characters',
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, 'v '.repeat(350)])),
    ],
    [
      '2,000 parameters of 40 characters',
      Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`p${i}`, 'v '.repeat(20)])),
    ],
  ])('A placing call whose orders the catalogue does not describe is refused with %s', (_, form) => {
    const place: OrderPlace = { path: '/api/v9/order', effect: 'place' };
    const orders = sentOrders(place, callOf({ method: 'POST', path: place.path }, form));
    expect(refusalOf(() => assertWhole(orders, mask))?.rule).toBe('unrecordable');
  });
});

describe('the orders of a call, one by one', () => {
  it('The orders of a call are none when it places and amends nothing', () => {
    const cancel = catalogueEndpoint('DELETE', '/api/v3/order');
    expect(sentOrders(cancel, callOf(cancel, { symbol: 'BTCUSDT', orderId: '1' }))).toEqual([]);
    const test = catalogueEndpoint('POST', '/api/v3/order/test');
    expect(sentOrders(test, callOf(test, ORDER))).toEqual([]);
  });

  it('The orders of a list have what all share and what is their own', () => {
    const endpoint = catalogueEndpoint('POST', '/api/v3/orderList/otoco');
    const shared = { symbol: 'BTCUSDT', listClientOrderId: 'list', selfTradePreventionMode: 'NONE' };
    const working = { workingType: 'LIMIT', workingSide: 'BUY', workingPrice: '1', workingQuantity: '2' };
    const pending = { pendingSide: 'SELL', pendingQuantity: '2' };
    const above = { pendingAboveType: 'LIMIT_MAKER', pendingAbovePrice: '3', pendingAboveClientOrderId: 'a' };
    const below = {
      pendingBelowType: 'STOP_LOSS',
      pendingBelowStopPrice: '0.5',
      pendingBelowIcebergQty: '1',
    };
    const junk = { newOrderRespType: 'FULL', computeCommissionRates: 'true', workingJunk: '1' };
    const call = callOf(endpoint, { ...junk, ...pending, ...below, ...above, ...working, ...shared });
    expect(sentOrders(endpoint, call)).toEqual([
      { ...shared, ...working },
      { ...shared, ...pending, ...above },
      { ...shared, ...pending, ...below },
    ]);
    expect(
      sentOrders(endpoint, callOf(endpoint, { ...shared, ...working, ...pending, ...above })),
    ).toHaveLength(2);
  });

  it('The orders of the old OCO are its limit and its stop', () => {
    const endpoint = catalogueEndpoint('POST', '/api/v3/order/oco');
    const shared = { symbol: 'BTCUSDT', side: 'SELL', quantity: '1', listClientOrderId: 'list' };
    const limit = { price: '3', limitClientOrderId: 'l', limitIcebergQty: '0.1' };
    const stop = {
      stopPrice: '2',
      stopLimitPrice: '1.9',
      stopLimitTimeInForce: 'GTC',
      stopClientOrderId: 's',
    };
    expect(sentOrders(endpoint, callOf(endpoint, { ...shared, ...stop, ...limit }))).toEqual([
      { ...shared, ...limit },
      { ...shared, ...stop },
    ]);
  });

  it('An order whose shape the catalogue does not describe has every parameter', () => {
    const place: OrderPlace = { path: '/api/v9/order', effect: 'amend' };
    const [order] = sentOrders(
      place,
      callOf({ method: 'POST', path: place.path }, { a: '1', __proto__x: '2' }),
    );
    expect({ ...order }).toEqual({ a: '1', __proto__x: '2' });
  });

  it('The orders of a batch keep the lexeme of a number and lose what no order has', () => {
    const junk = `"${'j'.repeat(61)}":"x","apiKey":"abc","newOrderRespType":"ACK"`;
    const text = `[${' '.repeat(4_200)}{${junk},"symbol":"BTCUSDT","quantity":1.10,"reduceOnly":true}]`;
    expect(sentOrders(batch, inBatch(text))).toEqual([
      { symbol: 'BTCUSDT', quantity: '1.10', reduceOnly: 'true' },
    ]);
  });
});

describe('what the rules judge and what the record says', () => {
  const samples = [...DOOR_SAMPLES].filter(([name]) => !name.endsWith('/test'));

  it.each(samples)('The orders of %s are read alike from the call and from its record', (name, { form }) => {
    const [method = '', path = ''] = name.split(' ');
    const endpoint = catalogueEndpoint(method, path);
    const call = callOf(endpoint, form);
    const orders = sentOrders(endpoint, call);
    const sent = parametersOf(path, orders);
    const recorded = readIntendedOrders(endpoint, (field) => sent.get(field));
    const called = readIntendedOrders(endpoint, callParameters(call));
    expect(recorded).toEqual(called);
    const one = singleOrderReader(endpoint, orders);
    const isOne = ['single', 'cancel-replace', 'algo', 'amend'].includes(endpoint.orderShape ?? '');
    expect([name, one !== undefined]).toEqual([name, isOne]);
    if (one !== undefined) expect(readIntendedOrders(endpoint, one)).toEqual(called);
    if (endpoint.orderShape !== 'batch' && endpoint.orderShape !== 'amend-batch')
      expect(Object.fromEntries(sent)).toEqual(form);
  });

  it.each(samples)('Every name that the rules read in %s stands in its record', (name, { form }) => {
    const [method = '', path = ''] = name.split(' ');
    const endpoint = catalogueEndpoint(method, path);
    const asked = new Set<string>();
    const note = (read: (field: string) => string | undefined) => (field: string) => {
      asked.add(field);
      return read(field);
    };
    if (/batchOrders$/.test(path)) return;
    readIntendedOrders(endpoint, note(callParameters(callOf(endpoint, form))));
    asked.delete('newOrderRespType');
    const every = Object.fromEntries([...asked].map((field) => [field, 'x']));
    const orders = sentOrders(endpoint, callOf(endpoint, every));
    expect(Object.fromEntries(parametersOf(path, orders))).toEqual(every);
  });

  it('The orders of a call are the same, whatever stands before, between and behind them', () => {
    const junkName = fc.stringMatching(/^[a-z]{3,20}$/).map((text) => `junk-${text}`);
    const junk = fc.dictionary(junkName, fc.string({ unit: 'grapheme', maxLength: 40 }), { maxKeys: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...samples), junk, junk, ([name, { form }], before, behind) => {
        const [method = '', path = ''] = name.split(' ');
        const endpoint = catalogueEndpoint(method, path);
        if (endpoint.orderShape === 'convert' || endpoint.orderShape === 'equity') return;
        const plain = sentOrders(endpoint, callOf(endpoint, form));
        expect(sentOrders(endpoint, callOf(endpoint, { ...before, ...form, ...behind }))).toEqual(plain);
      }),
      runs(1_000),
    );
  });
});
