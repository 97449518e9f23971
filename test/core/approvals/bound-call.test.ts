import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalDigest, digestPairs, namesDigest } from '../../../src/core/approvals/approval-digest.ts';
import { boundCall } from '../../../src/core/approvals/bound-call.ts';
import { isSameOrLess } from '../../../src/core/approvals/same-or-less.ts';
import { type Call, readCall } from '../../../src/core/call/call.ts';
import { encodeComponent } from '../../../src/core/call/form.ts';
import { toFrameCall } from '../../../src/core/frames/frame-call.ts';
import { catalogueEndpoint, catalogueEndpoints } from '../../support/fixtures/catalogue-endpoints.ts';
import { runs } from '../../support/properties.ts';

const ORDER = catalogueEndpoint('POST', '/api/v3/order');
const SCOPE = { environment: 'live', account: 'main', client: 'bot' };
const FORM = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '1', price: '100' };

type Form = Readonly<Record<string, string>>;
const text = (form: Form) =>
  Object.entries(form)
    .map(([name, value]) => `${name}=${encodeComponent(value)}`)
    .join('&');
const inQuery = (form: Form, { method, path } = ORDER): Call =>
  readCall(method, `${path}?${text(form)}`, Buffer.alloc(0));
const inBody = (form: Form, { method, path } = ORDER): Call =>
  readCall(method, path, Buffer.from(text(form)));
const digestOf = (call: Call, endpoint = ORDER, scope = SCOPE) =>
  approvalDigest(boundCall(scope, endpoint, call));

describe('a digest', () => {
  it('A digest is the same in query, body, JSON and frame, in whatever order the parameters stand', () => {
    const reversed = Object.fromEntries(Object.entries(FORM).reverse());
    const json = readCall('POST', ORDER.path, Buffer.from(JSON.stringify(FORM)));
    const frame = toFrameCall(
      ORDER,
      Object.entries(FORM).map(([name, value]) => ({ name, value, kind: 'string' as const })),
    ).call;
    const all = [inQuery(FORM), inBody(FORM), inBody(reversed), json, frame].map((call) => digestOf(call));
    expect(new Set(all).size).toBe(1);
  });

  it('A digest covers every parameter wherever it stands, but what dates, signs and names the call', () => {
    const value = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' });
    const free = ['timestamp', 'recvWindow', 'signature', 'newClientOrderId'];
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(FORM), ...free, 'icebergQty', 'sideEffectType'),
        value,
        fc.boolean(),
        (name, changed, query) => {
          const form: Form = { ...FORM, [name]: changed };
          const digest = digestOf(query ? inQuery(form) : inBody(form));
          const isSame = free.includes(name) || FORM[name as keyof typeof FORM] === changed;
          expect(digest === digestOf(inBody(FORM))).toBe(isSame);
        },
      ),
      runs(400),
    );
  });

  it.each([
    ['environment', { environment: 'testnet' }],
    ['account', { account: 'hedge' }],
    ['client', { client: 'other' }],
  ])('A digest is of its %s', (_, other) => {
    expect(digestOf(inBody(FORM), ORDER, { ...SCOPE, ...other })).not.toBe(digestOf(inBody(FORM)));
  });

  it('A digest is of its method and path', () => {
    const margin = catalogueEndpoint('POST', '/sapi/v1/margin/order');
    expect(digestOf(inBody(FORM, margin), margin)).not.toBe(digestOf(inBody(FORM)));
  });

  it('The ids within a batch are free, every other member counts', () => {
    const batch = catalogueEndpoint('POST', '/fapi/v1/batchOrders');
    const of = (...orders: readonly object[]) => inBody({ batchOrders: JSON.stringify(orders) }, batch);
    const digest = (...orders: readonly object[]) => digestOf(of(...orders), batch);
    expect(digest({ ...FORM, newClientOrderId: 'a' })).toBe(digest(FORM));
    expect(digest({ ...FORM, quantity: 1 })).toBe(digest(FORM));
    expect(digest({ ...FORM, reduceOnly: 'true' })).not.toBe(digest(FORM));
    expect(digest(FORM, { ...FORM, symbol: 'ETHUSDT' })).not.toBe(
      digest({ ...FORM, symbol: 'ETHUSDT' }, FORM),
    );
  });

  it('The order that is amended or replaced is part of what is asked', () => {
    const amend = catalogueEndpoint('PUT', '/api/v3/order/amend/keepPriority');
    const of = (form: Form) => digestOf(inBody(form, amend), amend);
    const base = { symbol: 'BTCUSDT', orderId: '1', newQty: '1' };
    expect(of({ ...base, newClientOrderId: 'x' })).toBe(of(base));
    expect(of({ ...base, orderId: '2' })).not.toBe(of(base));
    expect(of({ ...base, origClientOrderId: 'x' })).not.toBe(of(base));
    const replace = catalogueEndpoint('POST', '/api/v3/order/cancelReplace');
    const replaced = (form: Form) => digestOf(inBody(form, replace), replace);
    expect(replaced({ ...FORM, cancelOrigClientOrderId: 'x' })).not.toBe(
      replaced({ ...FORM, cancelOrigClientOrderId: 'y' }),
    );
    expect(replaced({ ...FORM, cancelNewClientOrderId: 'x' })).toBe(replaced(FORM));
  });

  it('Bytes that are no text cannot be asked for', () => {
    expect(() => digestOf(readCall('POST', ORDER.path, Buffer.from('symbol=%FF')))).toThrow(
      'not valid UTF-8',
    );
  });

  it('A digest is named by its first eight digits, in pairs or not, and by nothing else', () => {
    const digest = digestOf(inBody(FORM));
    expect(namesDigest(digest.slice(0, 8), digest)).toBe(true);
    expect(namesDigest(digestPairs(digest).toUpperCase(), digest)).toBe(true);
    for (const wrong of ['', digest.slice(0, 7), `${digest}0`, digest.slice(1), `${digest.slice(0, 7)}g`])
      expect(namesDigest(wrong, digest)).toBe(false);
  });
});

describe('the same or less', () => {
  const bound = (form: Form, endpoint = ORDER) => boundCall(SCOPE, endpoint, inBody(form, endpoint));

  it.each<[boolean, Form]>([
    [true, { quantity: '1.005' }],
    [false, { quantity: '1.0051' }],
    [true, { quantity: '0' }],
    [false, { quantity: '-1' }],
    [false, { quantity: '1e400' }],
    [true, { price: '100.5' }],
    [false, { price: '100.51' }],
    [true, { price: '1' }],
    [false, { type: 'MARKET' }],
    [false, { symbol: 'BTCUSDC' }],
  ])('%s: a BUY with %j', (is, change) => {
    expect(isSameOrLess(bound(FORM), bound({ ...FORM, ...change }), 'orders')).toBe(is);
  });

  it.each<[boolean, Form]>([
    [true, { price: '99.5' }],
    [false, { price: '99.49' }],
    [true, { price: '1000' }],
    [true, { stopPrice: '90.4' }],
    [true, { stopPrice: '89.6' }],
    [false, { stopPrice: '91' }],
    [false, { stopPrice: '89' }],
    [false, { icebergQty: '0.2' }],
  ])('%s: a SELL with a stop with %j', (is, change) => {
    const sell = { ...FORM, side: 'SELL', type: 'STOP_LOSS_LIMIT', stopPrice: '90', icebergQty: '0.1' };
    expect(isSameOrLess(bound(sell), bound({ ...sell, ...change }), 'orders')).toBe(is);
  });

  it('The legs of a list are held to their own sides', () => {
    const oto = catalogueEndpoint('POST', '/api/v3/orderList/oto');
    const form = {
      ...{
        symbol: 'BTCUSDT',
        workingType: 'LIMIT',
        workingSide: 'BUY',
        workingPrice: '100',
        workingQuantity: '1',
      },
      ...{ pendingType: 'LIMIT_MAKER', pendingSide: 'SELL', pendingPrice: '120', pendingQuantity: '1' },
    };
    const fits = (change: Form) =>
      isSameOrLess(bound(form, oto), bound({ ...form, ...change }, oto), 'orders');
    expect([{ workingPrice: '90' }, { pendingPrice: '130' }, { pendingQuantity: '0.5' }].map(fits)).toEqual([
      true,
      true,
      true,
    ]);
    expect([{ workingPrice: '101' }, { pendingPrice: '119' }, { pendingQuantity: '1.1' }].map(fits)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('Of a transfer only the amount may be less, and of any other call nothing', () => {
    const transfer = catalogueEndpoint('POST', '/sapi/v1/asset/transfer');
    const form = { type: 'MAIN_UMFUTURE', asset: 'USDT', amount: '100' };
    const fits = (change: Form, leniency: 'transfer' | 'none') =>
      isSameOrLess(bound(form, transfer), bound({ ...form, ...change }, transfer), leniency);
    expect(fits({ amount: '50' }, 'transfer')).toBe(true);
    expect(fits({ amount: '101' }, 'transfer')).toBe(false);
    expect(fits({ asset: 'BTC' }, 'transfer')).toBe(false);
    expect(fits({ amount: '50' }, 'none')).toBe(false);
  });

  it('Every placing endpoint of the catalogue can be bound, and its own ids are free', () => {
    for (const endpoint of catalogueEndpoints()) {
      if (endpoint.effect !== 'place' || endpoint.orderShape === 'batch') continue;
      const ids = Object.fromEntries(
        endpoint.clientOrderIds.filter((name) => !/^orig|cancelOrig/i.test(name)).map((name) => [name, 'x']),
      );
      expect([endpoint.path, bound({ ...FORM, ...ids }, endpoint).pairs]).toEqual([
        endpoint.path,
        bound(FORM, endpoint).pairs,
      ]);
    }
  });
});
