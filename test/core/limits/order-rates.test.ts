import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  OrderRates,
  type RateEntry,
  type OrderRates as Rates,
} from '../../../src/core/limits/order-rates.ts';
import { RefusalStreaks } from '../../../src/core/limits/refusal-streaks.ts';
import { RollingCount } from '../../../src/core/limits/rolling-count.ts';
import type { IntendedOrder } from '../../../src/core/orders/intended-order.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';
import { callOf, type Form, intendedOrders } from '../../support/fixtures/order-fixtures.ts';
import { runs } from '../../support/properties.ts';

const FORM: Form = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '1', price: '100' };

function ordersOf(form: Form, path = '/api/v3/order', method = 'POST'): readonly IntendedOrder[] {
  const endpoint = catalogueEndpoint(method, path);
  return intendedOrders(endpoint, callOf(endpoint, form));
}

type RateRules = Parameters<Rates['take']>[1];

/** Takes room for one order; the rule that refuses, or what was granted. */
function taking(rates: OrderRates, rules: RateRules) {
  return (nowMs: number, orders = ordersOf(FORM)): string | RateEntry => {
    const answer = rates.take('bot', rules, orders, nowMs);
    return 'refusedBy' in answer ? answer.refusedBy[0].rule : answer;
  };
}

describe('a rolling count', () => {
  it('At every moment it is the sum of what was counted within the window before and not given back', () => {
    const step = fc.record({
      pause: fc.oneof(fc.nat(50), fc.constant(100), fc.constant(99)),
      orders: fc.integer({ min: 1, max: 5 }),
      giveBack: fc.option(fc.nat(20), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const count = new RollingCount(100);
        const model: { atMs: number; orders: number }[] = [];
        const entries: ReturnType<RollingCount['add']>[] = [];
        let nowMs = 0;
        for (const { pause, orders, giveBack } of steps) {
          nowMs += pause;
          entries.push(count.add(orders, nowMs));
          model.push({ atMs: nowMs, orders });
          const [entry, twin] = giveBack === undefined ? [] : [entries[giveBack], model[giveBack]];
          if (entry !== undefined && twin !== undefined) {
            count.giveBack(entry, nowMs);
            count.giveBack(entry, nowMs);
            twin.orders = 0;
          }
          const expected = model.filter(({ atMs }) => nowMs - atMs < 100);
          expect(count.at(nowMs)).toBe(expected.reduce((sum, each) => sum + each.orders, 0));
        }
        expect(count.at(nowMs + 100)).toBe(0);
      }),
      runs(300),
    );
  });

  it('It remembers its highest count for a minute', () => {
    const count = new RollingCount(1_000);
    count.add(7, 0);
    count.add(2, 1_500);
    expect([count.at(1_500), count.peak(1_500), count.peak(59_999), count.peak(60_000)]).toEqual([
      2, 7, 7, 0,
    ]);
  });
});

describe('the rates of orders', () => {
  it.each([
    ['perSecond', 'order.perSecond', 1_000],
    ['perMinute', 'order.perMinute', 60_000],
  ])(
    'The rule %s passes as many as it says, and the next one once the first has left',
    (name, rule, windowMs) => {
      const take = taking(new OrderRates(), { [name]: 3 });
      for (const ms of [0, 1, windowMs - 1]) expect(take(ms)).toBeTypeOf('object');
      expect(take(windowMs - 1)).toBe(rule);
      expect(take(windowMs)).toBeTypeOf('object');
      expect(take(windowMs)).toBe(rule);
      expect(take(windowMs + 1)).toBeTypeOf('object');
    },
  );

  it('Every order of a call counts, and a call that does not fit counts nothing', () => {
    const take = taking(new OrderRates(), { perSecond: 5 });
    const four = Array.from({ length: 4 }, () => ordersOf(FORM)).flat();
    expect(take(0, four)).toBeTypeOf('object');
    expect(take(0, four)).toBe('order.perSecond');
    expect(take(0)).toBeTypeOf('object');
    expect(take(0)).toBe('order.perSecond');
  });

  it('What is given back counts no more, in no window', () => {
    const rates = new OrderRates();
    const take = taking(rates, { perSecond: 1, perMinute: 1, repeats: { max: 1, withinMs: 5_000 } });
    const entry = take(0);
    expect(take(1)).toBe('order.perSecond');
    rates.giveBack('bot', entry as RateEntry, 1);
    rates.giveBack('bot', entry as RateEntry, 1);
    expect(take(2)).toBeTypeOf('object');
    expect(take(3)).toBe('order.perSecond');
    expect(take(1_500)).toBe('order.perMinute');
  });

  it('No order of any interleaving is granted beyond a limit, and none within it is refused', () => {
    const step = fc.record({
      pause: fc.nat(400),
      price: fc.constantFrom('100', '100.0', '101'),
      isSent: fc.boolean(),
    });
    const rules = { perSecond: 4, perMinute: 20, repeats: { max: 2, withinMs: 700 } };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const rates = new OrderRates();
        const take = taking(rates, rules);
        const sent: { atMs: number; price: number }[] = [];
        let nowMs = 0;
        for (const { pause, price, isSent } of steps) {
          nowMs += pause;
          const since = (windowMs: number) => sent.filter(({ atMs }) => nowMs - atMs < windowMs);
          const fits =
            since(1_000).length < 4 &&
            since(60_000).length < 20 &&
            since(700).filter((each) => each.price === Number(price)).length < 2;
          const answer = take(nowMs, ordersOf({ ...FORM, price }));
          expect([nowMs, typeof answer !== 'string']).toEqual([nowMs, fits]);
          if (typeof answer === 'string') continue;
          if (isSent) sent.push({ atMs: nowMs, price: Number(price) });
          else rates.giveBack('bot', answer, nowMs);
        }
      }),
      runs(200),
    );
  });

  it('Clients count by themselves', () => {
    const rates = new OrderRates();
    const rules = { perSecond: 1 };
    expect(rates.take('one', rules, ordersOf(FORM), 0)).toBeTypeOf('object');
    expect(rates.take('other', rules, ordersOf(FORM), 0)).toBeTypeOf('object');
    expect(rates.take('one', rules, ordersOf(FORM), 0)).toHaveProperty('refusedBy');
  });

  it('The use is the highest of the last minute, as a part of each limit', () => {
    const rates = new OrderRates();
    const rules = { perSecond: 4, perMinute: 10, repeats: { max: 2, withinMs: 1_000 } };
    expect(rates.use('bot', rules, 0).map(([, part]) => part)).toEqual([0, 0, 0]);
    const take = taking(rates, rules);
    take(0);
    take(1, ordersOf({ ...FORM, price: '99' }));
    take(2);
    expect(Object.fromEntries(rates.use('bot', rules, 30_000))).toEqual({
      'order.perSecond': 0.75,
      'order.perMinute': 0.3,
      'order.repeats': 1,
    });
    expect(rates.use('bot', rules, 70_000).map(([, part]) => part)).toEqual([0, 0, 0]);
    expect(rates.use('bot', {}, 0)).toEqual([]);
  });
});

describe('equal orders', () => {
  const same = (one: readonly IntendedOrder[], other: readonly IntendedOrder[]) => {
    const take = taking(new OrderRates(), { repeats: { max: 1, withinMs: 1_000 } });
    take(0, one);
    return take(999, other) === 'order.repeats';
  };

  it('The most that may be equal pass, and one more does once the first has left', () => {
    const take = taking(new OrderRates(), { repeats: { max: 3, withinMs: 10_000 } });
    for (const ms of [0, 5_000, 9_999]) expect(take(ms)).toBeTypeOf('object');
    expect(take(9_999)).toBe('order.repeats');
    expect(take(10_000)).toBeTypeOf('object');
  });

  it.each([
    [{ price: '100.00' }, true],
    [{ quantity: '1.0' }, true],
    [{ newClientOrderId: 'another' }, true],
    [{ timeInForce: 'IOC' }, true],
    [{ symbol: 'btcusdt' }, true],
    [{ symbol: 'ETHUSDT' }, false],
    [{ side: 'SELL' }, false],
    [{ type: 'LIMIT_MAKER' }, false],
    [{ quantity: '2' }, false],
    [{ price: '101' }, false],
    [{ stopPrice: '99' }, false],
    [{ quantity: '', quoteOrderQty: '1' }, false],
  ])('An order with %j is the same: %s', (more, expected) => {
    expect(same(ordersOf(FORM), ordersOf({ ...FORM, ...more }))).toBe(expected);
  });

  it('Orders of other markets are others, and so are the same in one call', () => {
    expect(same(ordersOf(FORM), ordersOf(FORM, '/fapi/v1/order'))).toBe(false);
    expect(same(ordersOf(FORM), ordersOf(FORM, '/sapi/v1/margin/order'))).toBe(true);
    const twice = JSON.stringify([FORM, FORM]);
    const take = taking(new OrderRates(), { repeats: { max: 1, withinMs: 1_000 } });
    expect(take(0, ordersOf({ batchOrders: twice }, '/fapi/v1/batchOrders'))).toBe('order.repeats');
  });

  it('Amendments and accepted quotes repeat nothing', () => {
    const amend = ordersOf(
      { symbol: 'BTCUSDT', orderId: '5', newQty: '1' },
      '/api/v3/order/amend/keepPriority',
      'PUT',
    );
    expect(same(amend, amend)).toBe(false);
    const quote = ordersOf({ quoteId: '1' }, '/sapi/v1/convert/acceptQuote');
    expect(same(quote, quote)).toBe(false);
  });

  it('Another window begins to count anew', () => {
    const rates = new OrderRates();
    expect(taking(rates, { repeats: { max: 1, withinMs: 1_000 } })(0)).toBeTypeOf('object');
    const take = taking(rates, { repeats: { max: 1, withinMs: 2_000 } });
    expect(take(1)).toBeTypeOf('object');
    expect(take(2_000)).toBe('order.repeats');
  });
});

describe('refusals in a row', () => {
  it('The row ends with as many as are allowed, with an order that was accepted, and for each client by itself', () => {
    const streaks = new RefusalStreaks();
    expect([streaks.refused('bot', 3), streaks.refused('bot', 3)]).toEqual([false, false]);
    streaks.accepted('bot');
    expect([streaks.refused('bot', 3), streaks.refused('other', 3)]).toEqual([false, false]);
    expect([streaks.refused('bot', 3), streaks.of('bot'), streaks.refused('bot', 3)]).toEqual([
      false,
      2,
      true,
    ]);
    expect([streaks.of('bot'), streaks.of('other')]).toEqual([0, 1]);
    expect(streaks.refused('third', 1)).toBe(true);
  });
});
