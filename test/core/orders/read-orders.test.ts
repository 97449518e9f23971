import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, readCall } from '../../../src/core/call/call.ts';
import { encodeComponent } from '../../../src/core/call/form.ts';
import { ProxyError } from '../../../src/core/errors.ts';
import type { IntendedOrder } from '../../../src/core/orders/intended-order.ts';
import { readIntendedOrders } from '../../../src/core/orders/read-orders.ts';
import { catalogueEndpoint, catalogueEndpoints } from '../../support/fixtures/catalogue-endpoints.ts';
import {
  callOf,
  DOOR_SAMPLES,
  type Form,
  intendedOrders,
  refusalOf,
} from '../../support/fixtures/order-fixtures.ts';
import { portion, runs } from '../../support/properties.ts';

const spotOrder = catalogueEndpoint('POST', '/api/v3/order');
const usdmBatch = catalogueEndpoint('POST', '/fapi/v1/batchOrders');
const usdmAmendBatch = catalogueEndpoint('PUT', '/fapi/v1/batchOrders');
const plain: Form = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '1', price: '2' };

function orders(method: string, path: string, form: Form): readonly IntendedOrder[] {
  const endpoint = catalogueEndpoint(method, path);
  return intendedOrders(endpoint, callOf(endpoint, form));
}

function refused(attempt: () => unknown): string | undefined {
  const refusal = refusalOf(attempt);
  if (refusal !== undefined) expect(refusal.name).toBe('PROXY_ORDER_REFUSED');
  return refusal?.rule;
}

describe('the doors of the catalogue', () => {
  it('Every endpoint that places or amends has a sample here', () => {
    const doors = catalogueEndpoints().filter(
      ({ orderShape, effect }) => orderShape !== undefined || effect === 'place' || effect === 'amend',
    );
    expect(doors.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      [...DOOR_SAMPLES.keys()].sort(),
    );
  });

  it.each([...DOOR_SAMPLES])('The call %s lists its orders with symbol and type', (name, sample) => {
    const [method = '', path = ''] = name.split(' ');
    const found = orders(method, path, sample.form);
    expect(found.flatMap(({ type }) => type ?? [])).toEqual(sample.types);
    for (const order of found) expect(order.symbol).toBe(sample.symbol);
  });

  it('An order belongs to the market of its path', () => {
    const market = (name: string): string | undefined => {
      const [method = '', path = ''] = name.split(' ');
      return orders(method, path, DOOR_SAMPLES.get(name)?.form ?? {})[0]?.market;
    };
    expect(market('POST /sapi/v1/margin/order')).toBe('spot');
    expect(market('POST /papi/v1/margin/order')).toBe('spot');
    expect(market('POST /papi/v1/um/order')).toBe('usdm');
    expect(market('POST /papi/v1/cm/order')).toBe('coinm');
    expect(market('POST /sapi/v1/algo/futures/newOrderTwap')).toBe('usdm');
    expect(market('POST /sapi/v1/algo/spot/newOrderTwap')).toBe('spot');
    expect(market('POST /eapi/v1/batchOrders')).toBe('options');
    expect(market('POST /sapi/v1/equity/order/place')).toBe('equity');
  });

  it('A cancel lists no orders, also on the path of an orderShape', () => {
    const cancel = { ...usdmBatch, effect: 'cancel' } as const;
    expect(intendedOrders(cancel, callOf(usdmBatch, { orderIdList: '[1]' }))).toEqual([]);
  });

  it('A call that places orders is refused when nobody described how they look', () => {
    const { orderShape: _, ...undescribed } = spotOrder;
    expect(refused(() => intendedOrders(undescribed, callOf(spotOrder, plain)))).toBe('unreadable');
  });
});

describe('a single order', () => {
  it('A single order keeps quantity, amount and every price exactly', () => {
    const [order] = orders('POST', '/api/v3/order', {
      ...plain,
      quantity: '0.10000000',
      quoteOrderQty: '12345678901234567890.12345678',
      price: '0.1',
      stopPrice: '0.3',
    });
    expect(order?.quantity?.toFixed()).toBe('0.1');
    expect(order?.quoteQuantity?.toFixed()).toBe('12345678901234567890.12345678');
    expect(order?.prices.map((price) => price.toFixed())).toEqual(['0.1', '0.3']);
  });

  it('A single order takes parameters from query and body alike', () => {
    const call = readCall(
      'POST',
      '/api/v3/order?symbol=BTCUSDT&side=BUY',
      Buffer.from('type=MARKET&quantity=1'),
    );
    expect(intendedOrders(spotOrder, call)[0]).toMatchObject({ symbol: 'BTCUSDT', type: 'MARKET' });
  });

  it('A single order takes an empty parameter for an absent one', () => {
    expect(orders('POST', '/api/v3/order', { ...plain, price: '', stopPrice: '' })[0]?.prices).toEqual([]);
  });

  it('A single order does not take spot’s strategyType for its type', () => {
    const { type: _, ...untyped } = plain;
    expect(refused(() => orders('POST', '/api/v3/order', { ...untyped, strategyType: '1000000' }))).toBe(
      'unreadable',
    );
  });

  it.each([
    ['a quantity of text', { quantity: 'undefined' }],
    ['a negative quantity', { quantity: '-1' }],
    ['a quantity with a sign', { quantity: '+1' }],
    ['a quantity in other digits', { quantity: '１' }],
    ['a quantity with a comma', { quantity: '1,5' }],
    ['an endless quantity', { quantity: '9'.repeat(31) }],
    ['NaN', { price: 'NaN' }],
    ['Infinity', { price: 'Infinity' }],
    ['hexadecimal', { price: '0x10' }],
    ['a space', { price: ' 1' }],
    ['a huge exponent', { price: '1e31' }],
    ['a missing symbol', { symbol: '' }],
    ['an endless symbol', { symbol: 'A'.repeat(65) }],
    ['a missing type', { type: '' }],
    ['a side of its own', { side: 'buy' }],
  ])('A single order is refused for %s', (_, change) => {
    expect(refused(() => orders('POST', '/api/v3/order', { ...plain, ...change }))).toBe('unreadable');
  });

  it('A single order is refused when a name stands twice, wherever', () => {
    const twice: Call = readCall(
      'POST',
      '/api/v3/order?symbol=BTCUSDT&symbol=ETHUSDT',
      Buffer.from('side=BUY&type=MARKET&quantity=1'),
    );
    expect(refused(() => intendedOrders(spotOrder, twice))).toBe('unreadable');
  });

  it('A single order is refused when its bytes are no text', () => {
    const call = readCall(
      'POST',
      '/api/v3/order',
      Buffer.from('symbol=%FF%FE&side=BUY&type=MARKET&quantity=1'),
    );
    expect(refused(() => intendedOrders(spotOrder, call))).toBe('unreadable');
  });

  it('A single order can be read from parameters of any origin', () => {
    const params = new Map(Object.entries(plain));
    expect(readIntendedOrders(spotOrder, (name) => params.get(name))).toHaveLength(1);
  });

  it('An order takes closePosition for set unless it plainly says no, reduceOnly only when it plainly says yes', () => {
    const flags = (form: Form): unknown => {
      const [order] = orders('POST', '/fapi/v1/order', { ...plain, ...form });
      return [order?.closesPosition, order?.reduceOnly];
    };
    expect(flags({ closePosition: 'true', reduceOnly: 'true' })).toEqual([true, true]);
    expect(flags({ closePosition: 'True', reduceOnly: 'True' })).toEqual([true, false]);
    expect(flags({ closePosition: 'FALSE', reduceOnly: 'false' })).toEqual([false, false]);
    expect(flags({})).toEqual([false, false]);
  });

  it('The refusal of an order never repeats what the client wrote', () => {
    const secret = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP';
    for (const name of Object.keys(plain)) {
      const refusal = refusalOf(() =>
        orders('POST', '/api/v3/order', { ...plain, side: 'x', [name]: secret }),
      );
      expect(refusal?.message).not.toContain(secret);
      expect(refusal?.rule).not.toContain(secret);
    }
  });
});

describe('order lists', () => {
  it('An order list marks only the legs that exclude each other', () => {
    const sample = DOOR_SAMPLES.get('POST /api/v3/orderList/otoco');
    const legs = orders('POST', '/api/v3/orderList/otoco', sample?.form ?? {});
    expect(legs.map(({ exclusive }) => exclusive)).toEqual([undefined, 1, 1]);
  });

  it('The old OCO gives each leg its own prices', () => {
    const legs = orders('POST', '/api/v3/order/oco', {
      symbol: 'A',
      side: 'SELL',
      quantity: '1',
      price: '9',
      stopPrice: '3',
    });
    expect(legs.map(({ type, prices }) => [type, ...prices.map(String)])).toEqual([
      ['LIMIT_MAKER', '9'],
      ['STOP_LOSS', '3'],
    ]);
  });

  it('A pair without its lower leg is two orders, and a lower leg without a type is refused', () => {
    const { pendingBelowType, ...form } = DOOR_SAMPLES.get('POST /api/v3/orderList/otoco')?.form ?? {};
    const { pendingBelowStopPrice, ...single } = form;
    expect([pendingBelowType, pendingBelowStopPrice]).toEqual(['STOP_LOSS', '90000']);
    expect(orders('POST', '/api/v3/orderList/otoco', single)).toHaveLength(2);
    expect(refused(() => orders('POST', '/api/v3/orderList/otoco', form))).toBe('unreadable');
  });

  it('An order that pays the other is taken only as a purchase followed by a sale', () => {
    const form = DOOR_SAMPLES.get('POST /api/v3/orderList/opo')?.form ?? {};
    expect(refused(() => orders('POST', '/api/v3/orderList/opo', { ...form, workingSide: 'SELL' }))).toBe(
      'unreadable',
    );
    expect(refused(() => orders('POST', '/api/v3/orderList/opo', { ...form, pendingSide: 'BUY' }))).toBe(
      'unreadable',
    );
  });
});

describe('a batch', () => {
  const judged = (text: string, endpoint = usdmBatch): readonly IntendedOrder[] =>
    intendedOrders(endpoint, callOf(endpoint, { batchOrders: text }));

  it('A batch reads numbers by their digits and names behind escapes', () => {
    const [order] = judged(
      '[{"symb\\u006fl":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":0.10000000000000000001,"price":1e-7}]',
    );
    expect(order?.symbol).toBe('BTCUSDT');
    expect(order?.quantity?.toFixed()).toBe('0.10000000000000000001');
    expect(order?.prices[0]?.toFixed()).toBe('0.0000001');
  });

  it('A batch is read out of a JSON body too', () => {
    const body = JSON.stringify({ batchOrders: [{ ...plain, quantity: 3 }] });
    const call = readCall('POST', '/fapi/v1/batchOrders', Buffer.from(body));
    expect(intendedOrders(usdmBatch, call)[0]?.quantity?.toFixed()).toBe('3');
  });

  it.each([
    ['no orders', ''],
    ['an empty list', '[]'],
    ['one order without a list', JSON.stringify(plain)],
    ['broken JSON', '[{"symbol":"BTCUSDT"'],
    ['text behind the list', `${JSON.stringify([plain])}x`],
    ['an unknown name', JSON.stringify([{ ...plain, quantitY: '9' }])],
    ['a name twice', '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"1","quantity":"9"}]'],
    [
      'a name twice behind an escape',
      '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"1","qu\\u0061ntity":"9"}]',
    ],
    ['a list as a value', JSON.stringify([{ ...plain, quantity: ['1'] }])],
    ['null as a value', JSON.stringify([{ ...plain, price: null }])],
    ['an element that is no order', JSON.stringify([plain, 'LIMIT'])],
    ['a second order that cannot be read', JSON.stringify([plain, { ...plain, quantity: 'all' }])],
    ['a lone surrogate', '[{"symbol":"\\ud800","side":"BUY","type":"MARKET","quantity":"1"}]'],
  ])('A batch is refused whole for %s', (_, text) => {
    expect(refused(() => judged(text))).toBe('unreadable');
  });

  it('A batch is judged under both names when a call brings both', () => {
    const call = callOf(usdmBatch, {
      batchOrders: JSON.stringify([plain]),
      orders: JSON.stringify([plain, plain]),
    });
    expect(intendedOrders(usdmBatch, call)).toHaveLength(3);
  });

  /** What JSON itself says the batch holds: each element's symbol, quantity and price as text. */
  function oracle(text: string): unknown[] | undefined {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text, (_, value: unknown, context?: { source?: string }) =>
        typeof value === 'number' ? (context?.source ?? String(value)) : value,
      );
    } catch {
      return undefined;
    }
    if (!Array.isArray(parsed)) return undefined;
    return parsed.map((each) => [each.symbol, each.quantity ?? '', each.price ?? '']);
  }

  function holds(text: string, endpoint: typeof usdmBatch): void {
    let found: readonly IntendedOrder[];
    try {
      found = judged(text, endpoint);
    } catch (error) {
      expect(error).toBeInstanceOf(ProxyError);
      expect((error as ProxyError).name).toBe('PROXY_ORDER_REFUSED');
      return;
    }
    const said = oracle(text) as string[][];
    expect(found).toHaveLength(said.length);
    for (const [index, order] of found.entries()) {
      const [symbol, quantity, price] = said[index] ?? [];
      expect(order.symbol).toBe(symbol);
      expect(order.quantity === undefined ? '' : order.quantity.eq(quantity as string)).toBe(
        quantity === '' ? '' : true,
      );
      expect(order.prices.length === 0 ? '' : order.prices[0]?.eq(price as string)).toBe(
        price === '' ? '' : true,
      );
    }
  }

  /** Mostly what an app would send: only then does the rest of a batch get looked at. */
  const mostly = (usual: fc.Arbitrary<string>, odd: readonly string[]): fc.Arbitrary<string> =>
    fc.oneof({ weight: 19, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
  const digits = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.nat(8))
    .map(([whole, zeros]) => `${whole}.${'0'.repeat(zeros)}1`);
  const number = mostly(
    fc.oneof(
      digits,
      digits.map((text) => `"${text}"`),
      fc.constantFrom('0', '1', '0.1', '1e-8', '5E3', '""'),
    ),
    ['-1', 'null', '[1]', 'true', '"x"', '1e99', '" 1"', '.5', '01'],
  );
  const element = fc
    .record(
      {
        symbol: mostly(fc.constantFrom('"BTCUSDT"', '"币安人生USDT"', '"\\u0042"'), ['""', '7', 'null']),
        side: mostly(fc.constantFrom('"BUY"', '"SELL"'), ['"buy"']),
        type: mostly(fc.constantFrom('"LIMIT"', '"MARKET"'), ['""']),
        quantity: number,
        price: number,
        reduceOnly: fc.constantFrom('"true"', 'false'),
        newClientOrderId: fc.string().map((text) => JSON.stringify(text)),
      },
      { requiredKeys: ['symbol', 'side', 'type'] },
    )
    .chain((members) => {
      const entries = Object.entries(members);
      const repeated = mostly(fc.constant('no'), ['extra', ...Object.keys(members)]);
      return fc.tuple(fc.shuffledSubarray(entries, { minLength: entries.length }), repeated);
    })
    .map(([entries, more]) => (more === 'no' ? entries : [...entries, [more, '"1"'] as const]));
  const space = fc.constantFrom('', '', ' ', '\n\t');
  const structured = fc.tuple(fc.array(element, { maxLength: 5 }), space).map(([list, gap]) => {
    const texts = list.map(
      (members) => `{${members.map(([name, value]) => `"${name}"${gap}:${gap}${value}`).join(`,${gap}`)}}`,
    );
    return `[${texts.join(`${gap},`)}]`;
  });

  it('A batch never lets an order through unjudged, however its elements look', () => {
    let passed = 0;
    fc.assert(
      fc.property(structured, fc.boolean(), (text, amends) => {
        holds(text, amends ? usdmAmendBatch : usdmBatch);
        if (refusalOf(() => judged(text)) === undefined) passed++;
      }),
      runs(10_000),
    );
    expect(passed).toBeGreaterThan(portion(10_000) / 10);
  });

  it('A batch never lets an order through unjudged, however its text is mutilated', () => {
    const mutation = fc.tuple(
      fc.nat(400),
      fc.nat(4),
      fc.constantFrom(
        '',
        '"',
        ',',
        '{',
        '}',
        '[',
        ']',
        ':',
        '\\',
        '\\u0022',
        '0',
        'e',
        '1',
        '"price":"1",',
        '\u0000',
        '\u2028',
        '/**/',
      ),
    );
    fc.assert(
      fc.property(structured, fc.array(mutation, { minLength: 1, maxLength: 3 }), (text, mutations) => {
        let mutated = text;
        for (const [at, cut, insert] of mutations) {
          const from = at % (mutated.length + 1);
          mutated = mutated.slice(0, from) + insert + mutated.slice(from + cut);
        }
        holds(mutated, usdmBatch);
      }),
      runs(10_000),
    );
  });

  it('A batch reads the same orders whether it comes as a form or raw in the query', () => {
    const text = JSON.stringify([plain]);
    const raw = readCall(
      'POST',
      `/fapi/v1/batchOrders?batchOrders=${encodeComponent(text)}`,
      Buffer.from(''),
    );
    expect(intendedOrders(usdmBatch, raw)).toEqual(judged(text));
  });
});
