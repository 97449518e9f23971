import { describe, expect, it } from 'vitest';
import { type OrderWord, RestingOrders } from '../../../src/orders/resting/resting-orders.ts';
import { SEED } from '../../support/properties.ts';

const PLACE = { account: 'main', family: 'spot' } as const;

/** A product that is watched from the beginning. */
function seen(): RestingOrders {
  const orders = new RestingOrders();
  orders.watch('main', 'spot');
  orders.listed('main', 'spot', [], orders.asking());
  return orders;
}

const word = (id: string, more: Partial<OrderWord> = {}): OrderWord => ({
  ...{ ...PLACE, symbol: 'BTCUSDT', orderId: id, names: [`name-${id}`], rests: true },
  ...more,
});
const hold = (orders: RestingOrders, ...ids: readonly string[]) =>
  orders.hold({ client: 'bot', ...PLACE, names: ids.map((id) => `name-${id}`), orders: ids.length });

describe('own orders that rest', () => {
  it('Count from the moment in which they take their room until a stream says that they are gone', () => {
    const orders = seen();
    const held = hold(orders, '1', '2');
    expect(orders.open('bot', 0)).toBe(2);
    // The event comes before the answer.
    orders.told(word('1'), 'bot');
    expect(orders.open('bot', 0)).toBe(2);
    orders.settle(held, 'accepted', 0);
    orders.told(word('2'), 'bot');
    orders.told(word('2'), 'bot');
    expect([orders.open('bot', 0), orders.open('other', 0)]).toEqual([2, 0]);
    orders.told(word('1', { rests: false }), 'bot');
    expect(orders.open('bot', 0)).toBe(1);
    // Late and repeated words of what is gone bring nothing back.
    orders.told(word('1'), 'bot');
    orders.told(word('1', { rests: false }), 'bot');
    expect(orders.open('bot', 0)).toBe(1);
  });

  it('What was not sent, or was refused, frees its room at once; what is filled at once never rests', () => {
    const orders = seen();
    orders.settle(hold(orders, '1'), 'nothing', 0);
    expect(orders.open('bot', 0)).toBe(0);
    const held = hold(orders, '2');
    orders.told(word('2', { rests: false }), 'bot');
    orders.settle(held, 'accepted', 0);
    expect(orders.open('bot', 0)).toBe(0);
  });

  it('What a watching stream never tells of does not rest: soon after an answer, later without one', () => {
    const orders = seen();
    orders.settle(hold(orders, '1', '2'), 'accepted', 0);
    orders.settle(hold(orders, '3'), 'unknown', 0);
    orders.told(word('1'), 'bot');
    expect([orders.open('bot', 9_999), orders.open('bot', 10_000)]).toEqual([3, 2]);
    expect([orders.open('bot', 74_999), orders.open('bot', 75_000)]).toEqual([2, 1]);
  });

  it('While nobody watches, only the answers of cancels take any off', () => {
    const orders = seen();
    orders.told(word('1'), 'bot');
    orders.blind('main', 'spot');
    orders.settle(hold(orders, '2'), 'accepted', 0);
    expect([orders.sight('main', 'spot'), orders.isBlind('main')]).toEqual(['blind', true]);
    expect(orders.open('bot', 1_000_000)).toBe(2);
    orders.cancelled('main', 'spot', ['1']);
    expect(orders.open('bot', 1_000_000)).toBe(1);
    orders.listed('main', 'spot', [word('2')], orders.asking());
    expect(orders.sight('main', 'spot')).toBe('watched');
    expect(orders.open('bot', 1_000_000)).toBe(0);
    orders.told(word('2'), 'bot');
    expect(orders.open('bot', 1_000_000)).toBe(1);
  });

  it('A list takes off what it does not name, but for what was told, sent or lost after the question', () => {
    const orders = seen();
    for (const id of ['1', '2']) orders.told(word(id), 'bot');
    const under = hold(orders, '4');
    const early = hold(orders, '5');
    orders.settle(early, 'accepted', 0);
    const askedAt = orders.asking();
    orders.told(word('2'), 'bot');
    orders.told(word('3'), 'bot');
    const late = hold(orders, '6');
    orders.settle(late, 'accepted', 0);
    orders.told(word('7', { rests: false }), 'bot');
    orders.listed('main', 'spot', [word('7')], askedAt);
    orders.told(word('7'), 'bot');
    // 1 and 5 are gone, 7 was gone before; 2, 3, 4 and 6 are newer than the answer.
    expect(orders.open('bot', 0)).toBe(4);
    orders.settle(under, 'nothing', 0);
    expect(orders.open('bot', 0)).toBe(3);
    orders.blind('main', 'spot');
    orders.listed('main', 'spot', [], askedAt);
    expect(orders.sight('main', 'spot')).toBe('blind');
  });

  it('Are found by number and by each of their names, on their product and account only', () => {
    const orders = seen();
    orders.told(word('1'), 'bot');
    orders.told(word('1', { names: ['renamed'] }), undefined);
    const named = { ...PLACE, symbol: 'BTCUSDT', orderId: undefined };
    for (const clientOrderId of ['name-1', 'renamed'])
      expect(orders.find({ ...named, clientOrderId })?.orderId).toBe('1');
    expect(orders.find({ ...named, orderId: '1', clientOrderId: 'other' })?.client).toBe('bot');
    expect(orders.find({ ...named, symbol: 'ETHUSDT', clientOrderId: 'name-1' })).toBeUndefined();
    expect(orders.find({ ...named, account: 'hedge', clientOrderId: 'name-1' })).toBeUndefined();
    expect(orders.find({ ...named, family: 'usdm', orderId: '1', clientOrderId: undefined })).toBeUndefined();
  });

  it('Whatever the order of words, answers and lists, in the end exactly what rests is counted', () => {
    let state = SEED >>> 0;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    for (let round = 0; round < 50; round++) {
      const orders = seen();
      const truth = new Set<string>();
      const late: (() => void)[] = [];
      for (let id = 1; id <= 200; id++) {
        const text = String(id);
        const held = hold(orders, text);
        const isPlaced = random() < 0.9;
        const isGone = isPlaced && random() < 0.5;
        if (isPlaced && !isGone) truth.add(text);
        const steps = [
          () => orders.settle(held, isPlaced ? (random() < 0.2 ? 'unknown' : 'accepted') : 'nothing', id),
          ...(isPlaced ? [() => orders.told(word(text), 'bot')] : []),
          ...(isGone ? [() => orders.told(word(text, { rests: false }), 'bot')] : []),
        ];
        steps.sort(() => random() - 0.5);
        for (const step of steps) {
          if (random() < 0.3) late.push(step);
          else step();
          if (random() < 0.1) step();
        }
        expect(orders.open('bot', id)).toBeGreaterThanOrEqual(0);
      }
      for (const step of late) step();
      expect(orders.open('bot', 1_000_000)).toBe(truth.size);
    }
  });
});
