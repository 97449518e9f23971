import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { FEES, Ledger, STREET } from '../../src/simulator/accounts/ledger.ts';
import { ExchangeError } from '../../src/simulator/base/exchange-error.ts';
import { Money } from '../../src/simulator/base/money.ts';
import { SpotEngine } from '../../src/simulator/spot/engine.ts';
import type { OrderRequest, SpotOrder } from '../../src/simulator/spot/order.ts';
import { runs } from '../support/properties.ts';

const NOW = 1_795_000_000_000;
const SYMBOL = 'BTCUSDT';
let ledger: Ledger;
let engine: SpotEngine;

function open(seed = 7): void {
  ledger = new Ledger();
  engine = new SpotEngine(ledger, seed, NOW, () => undefined);
  for (const owner of ['alice', 'bob']) {
    ledger.deposit(owner, 'BTC', new Money(5));
    ledger.deposit(owner, 'USDT', new Money(500_000));
  }
}

beforeEach(() => open());

type Terms = Partial<Record<'quantity' | 'quoteQuantity' | 'price' | 'stopPrice', string>> &
  Partial<Pick<OrderRequest, 'type' | 'timeInForce' | 'clientOrderId' | 'selfTradeMode'>>;

function request(side: 'BUY' | 'SELL', terms: Terms): OrderRequest {
  const money = (text: string | undefined) => (text === undefined ? undefined : new Money(text));
  return {
    symbol: SYMBOL,
    side,
    type: terms.type ?? 'LIMIT',
    timeInForce: terms.timeInForce ?? 'GTC',
    quantity: money(terms.quantity),
    quoteQuantity: money(terms.quoteQuantity),
    price: money(terms.price),
    stopPrice: money(terms.stopPrice),
    clientOrderId: terms.clientOrderId,
    selfTradeMode: terms.selfTradeMode ?? 'EXPIRE_MAKER',
  };
}

function place(owner: string, side: 'BUY' | 'SELL', terms: Terms): SpotOrder {
  return engine.place(owner, request(side, terms), NOW);
}

const lastPrice = (distance: number) => engine.market(SYMBOL).lastPrice.add(distance).toFixed();
/** A third party trades away the better half of one side of the book: some 60 BTC, 30 USDT of price. */
function sweep(side: 'BUY' | 'SELL'): void {
  ledger.deposit('carol', side === 'BUY' ? 'USDT' : 'BTC', new Money(side === 'BUY' ? 10_000_000 : 100));
  place('carol', side, { type: 'MARKET', quantity: '60' });
}
const bestPrice = (side: 'BUY' | 'SELL') => engine.market(SYMBOL).best(side)!.price;
const balance = (owner: string, asset: string) => {
  const { free, locked } = ledger.balance(owner, asset);
  return [free.toFixed(), locked.toFixed()];
};

describe('a limit order', () => {
  it('A limit order rests with its funds locked, and gives them back when it is cancelled', () => {
    const order = place('alice', 'BUY', { quantity: '2', price: '50000' });
    expect([order.status, order.isOpen, balance('alice', 'USDT')]).toEqual([
      'NEW',
      true,
      ['400000', '100000'],
    ]);
    engine.cancel(order, NOW);
    expect([order.status, balance('alice', 'USDT')]).toEqual(['CANCELED', ['500000', '0']]);
    expect(() => engine.cancel(order, NOW)).toThrow('Unknown order sent.');
  });
  it('A limit order trades at the better prices of the book and keeps what it saved', () => {
    const ask = bestPrice('SELL');
    const order = place('alice', 'BUY', { quantity: '0.1', price: ask.add(1_000).toFixed() });
    expect([order.status, order.fills[0]!.price.toFixed()]).toEqual(['FILLED', ask.toFixed()]);
    const spent = new Money(500_000).sub(order.executedQuote).toFixed();
    expect(balance('alice', 'USDT')).toEqual([spent, '0']);
    expect(balance('alice', 'BTC')).toEqual(['5.0999', '0']);
    expect(balance(FEES, 'BTC')).toEqual(['0.0001', '0']);
    expect(balance(STREET, 'BTC')).toEqual(['-0.1', '0']);
  });
  it('A limit order rests with no more locked than what is left of it needs', () => {
    const { price, quantity } = engine.market(SYMBOL).best('SELL')!;
    const limit = price.add('0.25');
    const order = place('alice', 'BUY', { quantity: quantity.add(1).toFixed(), price: limit.toFixed() });
    expect([order.status, order.remaining.toFixed()]).toEqual(['PARTIALLY_FILLED', '1']);
    expect(ledger.balance('alice', 'USDT').locked.toFixed()).toBe(limit.toFixed());
  });
  it('A limit order meets resting orders of other accounts in order of price, then time', () => {
    const middle = engine.market(SYMBOL).walk.priceAt(0);
    const price = middle.toFixed();
    const early = place('alice', 'SELL', { quantity: '0.1', price });
    const late = place('alice', 'SELL', { quantity: '0.1', price });
    const taker = place('bob', 'BUY', { quantity: '0.15', price });
    expect([early.status, late.status, taker.status]).toEqual(['FILLED', 'PARTIALLY_FILLED', 'FILLED']);
    expect(late.remaining.toFixed()).toBe('0.05');
    expect(early.fills[0]).toMatchObject({ isMaker: true, commissionAsset: 'USDT' });
    expect(taker.fills[0]).toMatchObject({ isMaker: false, commissionAsset: 'BTC' });
    expect(early.fills[0]!.tradeId).toBe(taker.fills[0]!.tradeId);
  });
  it('An IOC order expires what is left, and a FOK order everything when not all can be had', () => {
    const { price, quantity } = engine.market(SYMBOL).best('SELL')!;
    const more = quantity.add('0.1').toFixed();
    const all = place('alice', 'BUY', { quantity: more, price: price.toFixed(), timeInForce: 'FOK' });
    expect([all.status, all.fills, balance('alice', 'USDT')]).toEqual(['EXPIRED', [], ['500000', '0']]);
    const some = place('alice', 'BUY', { quantity: more, price: price.toFixed(), timeInForce: 'IOC' });
    expect([some.status, some.executed.toFixed()]).toEqual(['EXPIRED', quantity.toFixed()]);
    expect(ledger.balance('alice', 'USDT').locked.toFixed()).toBe('0');
  });
  it('A LIMIT_MAKER order is refused when it would trade', () => {
    const terms = { type: 'LIMIT_MAKER', quantity: '0.1' } as const;
    expect(() => place('alice', 'BUY', { ...terms, price: bestPrice('SELL').toFixed() })).toThrow(
      'Order would immediately match and take.',
    );
    expect(place('alice', 'BUY', { ...terms, price: bestPrice('BUY').toFixed() }).status).toBe('NEW');
  });
  it('A limit order is refused without the funds, and with the id of an order that is open', () => {
    expect(() => place('alice', 'BUY', { quantity: '11', price: '50000' })).toThrow(
      'Account has insufficient balance for requested action.',
    );
    const first = place('alice', 'BUY', { quantity: '1', price: '50000', clientOrderId: 'x' });
    const again = { quantity: '1', price: '50000', clientOrderId: 'x' };
    expect(() => place('alice', 'BUY', again)).toThrow('Duplicate order sent.');
    expect(place('bob', 'BUY', again).status).toBe('NEW');
    engine.cancel(first, NOW);
    expect(place('alice', 'BUY', again).status).toBe('NEW');
  });
  it('A limit order never trades with its own account unless it says so', () => {
    const price = engine.market(SYMBOL).walk.priceAt(0).toFixed();
    const terms = { quantity: '0.1', price };
    const outcomes = (['EXPIRE_MAKER', 'EXPIRE_TAKER', 'EXPIRE_BOTH', 'NONE'] as const).map(
      (selfTradeMode) => {
        open();
        const maker = place('alice', 'SELL', terms);
        const taker = place('alice', 'BUY', { ...terms, selfTradeMode });
        return [selfTradeMode, maker.status, taker.status];
      },
    );
    expect(outcomes).toEqual([
      ['EXPIRE_MAKER', 'EXPIRED_IN_MATCH', 'NEW'],
      ['EXPIRE_TAKER', 'NEW', 'EXPIRED_IN_MATCH'],
      ['EXPIRE_BOTH', 'EXPIRED_IN_MATCH', 'EXPIRED_IN_MATCH'],
      ['NONE', 'FILLED', 'FILLED'],
    ]);
  });
});

describe('a market order', () => {
  it('A market order walks up the book by quantity', () => {
    const [first, second] = engine.market(SYMBOL).levels('SELL', 2);
    const quantity = first![1].add('0.00001');
    const order = place('alice', 'BUY', { type: 'MARKET', quantity: quantity.toFixed() });
    expect(order.status).toBe('FILLED');
    expect(order.fills.map((fill) => fill.price.toFixed())).toEqual([
      first![0].toFixed(),
      second![0].toFixed(),
    ]);
  });
  it('A market order spends a quote quantity down to less than one more step', () => {
    const order = place('alice', 'BUY', { type: 'MARKET', quoteQuantity: '1000' });
    expect(order.status).toBe('FILLED');
    const left = new Money(1_000).sub(order.executedQuote);
    expect(left.gte(0) && left.lt('0.7')).toBe(true);
    expect(ledger.balance('alice', 'USDT').locked.toFixed()).toBe('0');
  });
});

describe('a stop order', () => {
  const sell = { quantity: '1', price: '59000', stopPrice: '59500' };

  it('A stop order waits for its price and then works as a limit or market order', () => {
    const stopPrice = lastPrice(-10);
    const stop = place('alice', 'SELL', { type: 'STOP_LOSS', quantity: '0.1', stopPrice });
    const limit = place('alice', 'SELL', { ...sell, type: 'STOP_LOSS_LIMIT', stopPrice });
    expect([stop.waitsForStop, limit.waitsForStop]).toEqual([true, true]);
    sweep('SELL');
    expect([stop.status, stop.waitsForStop, limit.waitsForStop]).toEqual(['FILLED', false, false]);
    expect([limit.status, limit.executed.toFixed()]).toEqual(['FILLED', '1']);
  });
  it('A stop order is refused when its price is reached already', () => {
    expect(() => place('alice', 'SELL', { ...sell, type: 'STOP_LOSS_LIMIT', stopPrice: '70000' })).toThrow(
      'Stop price would trigger immediately.',
    );
    expect(() => place('alice', 'BUY', { ...sell, type: 'TAKE_PROFIT', stopPrice: '70000' })).toThrow(
      'Stop price would trigger immediately.',
    );
  });
});

describe('a list of which one cancels the other', () => {
  function placeOco() {
    const takeProfit = { type: 'LIMIT_MAKER', quantity: '2', price: lastPrice(10) } as const;
    const stopLoss = {
      type: 'STOP_LOSS_LIMIT',
      quantity: '2',
      price: '50000',
      stopPrice: lastPrice(-10),
    } as const;
    const requests = [request('SELL', takeProfit), request('SELL', stopLoss)];
    return engine.placeOco('alice', requests, 'list', NOW).orders as [SpotOrder, SpotOrder];
  }

  it('An OCO locks its funds once and loses both legs when one is cancelled', () => {
    const [above, below] = placeOco();
    expect(balance('alice', 'BTC')).toEqual(['3', '2']);
    engine.cancel(below, NOW);
    expect([above.status, below.status, balance('alice', 'BTC')]).toEqual([
      'CANCELED',
      'CANCELED',
      ['5', '0'],
    ]);
  });
  it('An OCO ends the stop when the limit trades', () => {
    const [above, below] = placeOco();
    sweep('BUY');
    expect([above.status, below.status, below.fills]).toEqual(['FILLED', 'EXPIRED', []]);
    expect(balance('alice', 'BTC')).toEqual(['3', '0']);
  });
  it('An OCO ends the limit when the stop fires', () => {
    const [above, below] = placeOco();
    sweep('SELL');
    expect([above.status, above.fills, below.status]).toEqual(['EXPIRED', [], 'FILLED']);
    expect(balance('alice', 'BTC')).toEqual(['3', '0']);
  });
});

describe('whatever is placed and cancelled, while the market moves', () => {
  const side = fc.constantFrom('BUY', 'SELL' as const);
  const ticks = fc.integer({ min: -20_000, max: 20_000 });
  const steps = fc.integer({ min: 1, max: 300_000 });
  const command = fc.oneof(
    fc.record({
      kind: fc.constant('place' as const),
      owner: fc.constantFrom('alice', 'bob'),
      side,
      type: fc.constantFrom(
        'LIMIT',
        'LIMIT',
        'LIMIT_MAKER',
        'MARKET',
        'QUOTE',
        'STOP_LOSS_LIMIT',
        'TAKE_PROFIT',
      ),
      timeInForce: fc.constantFrom('GTC', 'GTC', 'IOC', 'FOK'),
      selfTradeMode: fc.constantFrom('NONE', 'EXPIRE_MAKER', 'EXPIRE_TAKER', 'EXPIRE_BOTH'),
      ticks,
      steps,
    }),
    fc.record({
      kind: fc.constant('oco' as const),
      owner: fc.constantFrom('alice', 'bob'),
      side,
      ticks,
      steps,
    }),
    fc.record({ kind: fc.constant('cancel' as const), position: fc.nat(50) }),
    fc.record({ kind: fc.constant('move' as const), steps: fc.integer({ min: 1, max: 200 }) }),
  );

  it('No balance goes below zero, nothing appears or vanishes, and no book is crossed, whatever is placed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(command, { maxLength: 40 }),
        (seed, commands) => {
          open(seed);
          const { tickSize, stepSize } = engine.market(SYMBOL).rules;
          let step = 0;
          for (const entry of commands) {
            const middle = engine.market(SYMBOL).walk.priceAt(step);
            const priceOf = (offset: number) => middle.add(tickSize.mul(offset)).toFixed();
            try {
              if (entry.kind === 'move') {
                step += entry.steps;
                engine.advance(step, NOW + step);
              } else if (entry.kind === 'cancel') {
                const open = [...engine.orders.open('alice'), ...engine.orders.open('bob')];
                if (open.length > 0) engine.cancel(open[entry.position % open.length]!, NOW);
              } else if (entry.kind === 'oco') {
                const quantity = stepSize.mul(entry.steps).toFixed();
                const distance = Math.abs(entry.ticks) + 1;
                const away = entry.side === 'SELL' ? distance : -distance;
                engine.placeOco(
                  entry.owner,
                  [
                    request(entry.side as 'BUY', { type: 'LIMIT_MAKER', quantity, price: priceOf(away) }),
                    request(entry.side as 'BUY', {
                      type: 'STOP_LOSS_LIMIT',
                      quantity,
                      price: priceOf(-2 * away),
                      stopPrice: priceOf(-away),
                    }),
                  ],
                  'list',
                  NOW,
                );
              } else place(entry.owner, entry.side as 'BUY', termsOf(entry, priceOf, stepSize));
            } catch (error) {
              if (!(error instanceof ExchangeError)) throw error;
            }
            checkInvariants();
          }
        },
      ),
      runs(400),
    );
  });

  function termsOf(
    entry: {
      readonly type: string;
      readonly ticks: number;
      readonly steps: number;
      readonly timeInForce: string;
      readonly selfTradeMode: string;
    },
    priceOf: (offset: number) => string,
    stepSize: Money,
  ): Terms {
    const quantity = stepSize.mul(entry.steps).toFixed();
    const price = priceOf(entry.ticks);
    const selfTradeMode = entry.selfTradeMode as 'NONE';
    if (entry.type === 'MARKET') return { type: 'MARKET', quantity, selfTradeMode };
    if (entry.type === 'QUOTE') return { type: 'MARKET', quoteQuantity: String(entry.steps), selfTradeMode };
    if (entry.type === 'TAKE_PROFIT') return { type: 'TAKE_PROFIT', quantity, stopPrice: price };
    const timeInForce = entry.timeInForce as 'GTC';
    if (entry.type === 'STOP_LOSS_LIMIT')
      return { type: 'STOP_LOSS_LIMIT', quantity, price, stopPrice: price, timeInForce, selfTradeMode };
    if (entry.type === 'LIMIT_MAKER') return { type: 'LIMIT_MAKER', quantity, price, selfTradeMode };
    return { quantity, price, timeInForce, selfTradeMode };
  }

  function checkInvariants(): void {
    expect(ledger.total('BTC').toFixed()).toBe('10');
    expect(ledger.total('USDT').toFixed()).toBe('1000000');
    for (const owner of ['alice', 'bob', FEES]) {
      for (const { free, locked } of ledger.balances(owner).values())
        expect(free.gte(0) && locked.gte(0)).toBe(true);
    }
    for (const owner of ['alice', 'bob']) {
      for (const asset of ['BTC', 'USDT']) {
        const held = engine.orders
          .open(owner)
          .filter((order) => (order.request.side === 'BUY') === (asset === 'USDT'))
          .reduce((sum, order) => sum.add(order.locked), new Money(0));
        expect(held.toFixed()).toBe(ledger.balance(owner, asset).locked.toFixed());
      }
    }
    const market = engine.market(SYMBOL);
    const [bid, ask] = [market.best('BUY'), market.best('SELL')];
    if (bid && ask) expect(bid.price.lt(ask.price)).toBe(true);
    for (const order of market.resting) {
      const { side, price } = order.request;
      expect(order.isOpen && order.remaining.gt(0)).toBe(true);
      if (order.list !== undefined) continue;
      const needed = side === 'SELL' ? order.remaining : order.remaining.mul(price!);
      expect(order.locked.toFixed()).toBe(needed.toFixed());
    }
  }
});
