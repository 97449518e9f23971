import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactDecimal, readDecimal } from '../../../src/core/decimal.ts';
import type { BestPrices, Depth } from '../../../src/core/orders/book.ts';
import type { IntendedOrder } from '../../../src/core/orders/intended-order.ts';
import {
  type Instrument,
  isCovered,
  needsBook,
  needsDepth,
  notionalOf,
  Unvaluable,
} from '../../../src/core/orders/notional.ts';
import { runs } from '../../support/properties.ts';

const spot: Instrument = {
  baseAsset: 'BTC',
  quoteAsset: 'USDT',
  contract: 'linear',
  contractSize: new ExactDecimal(1),
  strikePrice: undefined,
};
const inverse: Instrument = {
  ...spot,
  quoteAsset: 'USD',
  contract: 'inverse',
  contractSize: new ExactDecimal(100),
};
const option: Instrument = { ...spot, strikePrice: new ExactDecimal(90_000) };

interface Brief {
  readonly quantity?: string;
  readonly quoteQuantity?: string;
  readonly prices?: readonly string[];
  readonly trail?: string;
}

function order(brief: Brief, more: Partial<IntendedOrder> = {}): IntendedOrder {
  return {
    market: 'spot',
    symbol: 'BTCUSDT',
    side: 'BUY',
    type: 'LIMIT',
    quantity: brief.quantity === undefined ? undefined : new ExactDecimal(brief.quantity),
    quoteQuantity: brief.quoteQuantity === undefined ? undefined : new ExactDecimal(brief.quoteQuantity),
    prices: (brief.prices ?? []).map((price) => new ExactDecimal(price)),
    ownPrices: [],
    triggerPrices: [],
    entersAt: undefined,
    trail: brief.trail === undefined ? undefined : new ExactDecimal(brief.trail),
    followsBook: false,
    followedLevel: 1,
    closesPosition: false,
    surelyCloses: false,
    reduceOnly: false,
    positionSide: undefined,
    isAmendment: false,
    exclusive: undefined,
    assets: undefined,
    ...more,
  };
}

function book(bid: string, ask: string, standing = '1000'): BestPrices {
  const quantity = (price: string) => new ExactDecimal(price === '0' ? '0' : standing);
  return {
    bid: new ExactDecimal(bid),
    ask: new ExactDecimal(ask),
    bidQuantity: quantity(bid),
    askQuantity: quantity(ask),
  };
}

function worth(
  brief: Brief,
  more: Partial<IntendedOrder> = {},
  instrument = spot,
  best: BestPrices | undefined = book('100', '101'),
): string {
  const { asset, amount } = notionalOf(order(brief, more), instrument, best);
  return `${amount.toFixed()} ${asset}`;
}

describe('the value of an order', () => {
  it.each([
    ['a BUY above the book counts at its own price', { quantity: '2', prices: ['150'] }, {}, '300 USDT'],
    ['a BUY below the book counts at the ask', { quantity: '2', prices: ['50'] }, {}, '202 USDT'],
    [
      'a SELL far below the market counts at the bid',
      { quantity: '2', prices: ['0.01'] },
      { side: 'SELL' },
      '200 USDT',
    ],
    [
      'a SELL above the market counts at its own price',
      { quantity: '2', prices: ['130'] },
      { side: 'SELL' },
      '260 USDT',
    ],
    ['a MARKET BUY by quantity counts at the ask', { quantity: '2' }, { type: 'MARKET' }, '202 USDT'],
    [
      'a MARKET SELL by quantity counts at the bid',
      { quantity: '2' },
      { type: 'MARKET', side: 'SELL' },
      '200 USDT',
    ],
    ['quoteOrderQty counts at face value', { quoteQuantity: '33.3' }, { type: 'MARKET' }, '33.3 USDT'],
    [
      'of amount and quantity the larger counts',
      { quantity: '1', quoteQuantity: '33.3' },
      { type: 'MARKET' },
      '101 USDT',
    ],
    ['a trigger counts like a price', { quantity: '2', prices: ['90', '140'] }, {}, '280 USDT'],
    [
      'an order that follows the book counts at its dearer side',
      { quantity: '2' },
      { side: 'SELL', followsBook: true },
      '202 USDT',
    ],
    [
      'an amendment without side counts at the dearer side',
      { quantity: '2' },
      { side: undefined, type: undefined },
      '202 USDT',
    ],
    ['a trailing BUY counts as far up as it can trigger', { quantity: '2', trail: '0.1' }, {}, '222.2 USDT'],
    [
      'a trailing BUY follows its activation price too',
      { quantity: '2', prices: ['200'], trail: '0.1' },
      {},
      '440 USDT',
    ],
    ['a trailing SELL counts at the bid', { quantity: '2', trail: '0.1' }, { side: 'SELL' }, '200 USDT'],
  ] as const)('In the value of an order, %s', (_, brief, more, expected) => {
    expect(worth(brief, more)).toBe(expected);
  });

  it('The value of COIN-M contracts is their size, whatever the price says', () => {
    expect(worth({ quantity: '7', prices: ['1000000'] }, { market: 'coinm' }, inverse, undefined)).toBe(
      '700 USD',
    );
    expect(needsBook(order({ quantity: '7' }), inverse)).toBe(false);
  });

  it('The value of a bought option is its premium, that of a written one the strike and the premium', () => {
    expect(worth({ quantity: '2', prices: ['90'] }, { market: 'options' }, option)).toBe('202 USDT');
    expect(worth({ quantity: '2', prices: ['90'] }, { market: 'options', side: 'SELL' }, option)).toBe(
      '180200 USDT',
    );
    const reducing = { market: 'options', side: 'SELL', reduceOnly: true } as const;
    expect(worth({ quantity: '2', prices: ['90'] }, reducing, option)).toBe('200 USDT');
  });

  it('The value of an order falls back to the other side of a book that is empty on one side', () => {
    expect(worth({ quantity: '2' }, {}, spot, book('100', '0'))).toBe('200 USDT');
    expect(worth({ quantity: '2' }, { side: 'SELL' }, spot, book('0', '101'))).toBe('202 USDT');
  });

  it('The value of a convert sale of an amount grows when its limit lies below the market', () => {
    const sale = { type: 'CONVERT_LIMIT', side: 'SELL', assets: { base: 'BTC', quote: 'USDT' } } as const;
    expect(worth({ quoteQuantity: '10', prices: ['200'] }, sale)).toBe('10 USDT');
    expect(worth({ quoteQuantity: '10', prices: ['1'] }, sale)).toBe('1000 USDT');
    expect(worth({ quoteQuantity: '10', prices: ['1'] }, { ...sale, side: 'BUY' })).toBe('10 USDT');
    expect(() => worth({ quoteQuantity: '10' }, sale)).toThrow(Unvaluable);
  });

  it.each([
    ['an order without quantity', { prices: ['1'] }, {}],
    ['a quantity of zero', { quantity: '0' }, {}],
    ['closePosition', { quantity: '1', prices: ['1'] }, { closesPosition: true }],
    ['an amount where only MARKET takes one', { quoteQuantity: '5', prices: ['1'] }, {}],
    ['a call that names no symbol', { quantity: '1' }, { symbol: undefined }],
    [
      'assets that are not those of the symbol',
      { quantity: '1' },
      { assets: { base: 'BTCU', quote: 'SDT' } },
    ],
  ] as const)('The value of an order cannot be told for %s', (_, brief, more) => {
    expect(() => worth(brief, more)).toThrow(Unvaluable);
  });

  it('The value of an order cannot be told from an empty or unknown book, whatever price the caller names', () => {
    expect(() => worth({ quantity: '1', prices: ['5'] }, {}, spot, book('0', '0'))).toThrow(Unvaluable);
    expect(() => notionalOf(order({ quantity: '1', prices: ['5'] }), spot, undefined)).toThrow(Unvaluable);
  });

  it('The value of an order is exact to the last digit', () => {
    expect(worth({ quantity: '0.1', prices: ['0.2'] }, {}, spot, book('0.1', '0.1'))).toBe('0.02 USDT');
    const long = '12345678901234567890.12345678901234567891';
    const product = (12345678901234567890_12345678901234567891n ** 2n).toString();
    expect(worth({ quantity: long, prices: [long] })).toBe(
      `${product.slice(0, -40)}.${product.slice(-40)} USDT`,
    );
  });

  it('The value of an order is never less than the book says and never falls when the caller names a higher price', () => {
    const amount = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 24n }), fc.nat(20)).map(([digits, places]) => {
      const text = digits.toString().padStart(places + 1, '0');
      return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
    });
    const scaled = (text: string): bigint => {
      const [whole = '', fraction = ''] = text.split('.');
      return BigInt(whole + fraction.padEnd(20, '0'));
    };
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.constantFrom('BUY', 'SELL'),
        (quantity, own, side, direction) => {
          const { amount: value } = notionalOf(
            order({ quantity, prices: [own] }, { side: direction as 'BUY' | 'SELL' }),
            spot,
            book(side, side),
          );
          const [, price = 0n] = [scaled(own), scaled(side)].sort((a, b) => (a < b ? -1 : 1));
          expect(value.times('1e40').toFixed()).toBe((scaled(quantity) * price).toString());
        },
      ),
      runs(2_000),
    );
  });
});

const levels = (...rows: readonly (readonly [price: string, quantity: string])[]) =>
  rows.map(([price, quantity]) => ({
    price: new ExactDecimal(price),
    quantity: new ExactDecimal(quantity),
  }));
/** A bait of one coin stands in front of a book at six times its price. */
const baited: Depth = {
  bids: levels(['99', '1'], ['20', '5']),
  asks: levels(['100', '1'], ['600', '4'], ['700', '5']),
};
const bait = book('99', '100', '1');

function deepWorth(brief: Brief, more: Partial<IntendedOrder> = {}, instrument = spot, depth = baited) {
  const { asset, amount } = notionalOf(order(brief, more), instrument, bait, depth);
  return `${amount.toFixed()} ${asset}`;
}

describe('the value of an order beyond what stands at the best price', () => {
  it.each([
    ['a MARKET BUY', { type: 'MARKET' }],
    ['a type that is spelt otherwise', { type: 'market' }],
    ['STOP_MARKET on futures', { type: 'STOP_MARKET', market: 'usdm' }],
    ['TAKE_PROFIT_MARKET on futures', { type: 'TAKE_PROFIT_MARKET', market: 'usdm' }],
    ['STOP_LOSS, which spot triggers at the market', { type: 'STOP_LOSS' }],
    ['TAKE_PROFIT, which spot triggers at the market', { type: 'TAKE_PROFIT' }],
    ['TRAILING_STOP_MARKET', { type: 'TRAILING_STOP_MARKET', market: 'usdm' }],
    ['an order cut into pieces', { type: 'TWAP' }],
    ['priceMatch at the best price', { followsBook: true }],
    ['a sale that follows the book', { followsBook: true, side: 'SELL' }],
    ['a priced type whose price is left to the book', { type: 'STOP', market: 'usdm', followsBook: true }],
  ] as const)('Beyond the best price the levels behind it decide for %s', (_, more) => {
    expect(needsDepth(order({ quantity: '1' }, more), spot, bait)).toBe(false);
    expect(needsDepth(order({ quantity: '1.01' }, more), spot, bait)).toBe(true);
    expect(() => worth({ quantity: '1.01' }, more, spot, bait)).toThrow(Unvaluable);
    expect(() => deepWorth({ quantity: '10.01' }, more)).toThrow(Unvaluable);
    // One at the bait, four at 600, one at 700.
    expect(deepWorth({ quantity: '6' }, more)).toBe('3200 USDT');
    expect(deepWorth({ quantity: '1' }, more)).toBe(worth({ quantity: '1' }, more, spot, bait));
  });

  it.each([
    ['LIMIT', {}],
    ['LIMIT_MAKER', { type: 'LIMIT_MAKER' }],
    ['STOP_LOSS_LIMIT', { type: 'STOP_LOSS_LIMIT' }],
    ['STOP on futures', { type: 'STOP', market: 'usdm' }],
    ['TAKE_PROFIT on futures', { type: 'TAKE_PROFIT', market: 'usdm' }],
    ['an amendment without type', { type: undefined, isAmendment: true }],
  ] as const)('Beyond the best price its own price bounds %s, as before', (_, more) => {
    expect(needsDepth(order({ quantity: '400', prices: ['110'] }, more), spot, bait)).toBe(false);
    expect(worth({ quantity: '400', prices: ['110'] }, more, spot, bait)).toBe('44000 USDT');
  });

  it('Beyond the best price a sale never counts for less than at the best price, and is refused when nobody buys it', () => {
    const sale = { type: 'MARKET', side: 'SELL' } as const;
    expect(deepWorth({ quantity: '6' }, sale)).toBe('594 USDT');
    expect(() => deepWorth({ quantity: '6.01' }, sale)).toThrow(Unvaluable);
    expect(() => worth({ quantity: '1.01' }, sale, spot, bait)).toThrow(Unvaluable);
  });

  it('Beyond the best price the larger of trigger and levels counts, a trail on top', () => {
    const stop = { type: 'STOP_MARKET', market: 'usdm' } as const;
    expect(deepWorth({ quantity: '6', prices: ['800'] }, stop)).toBe('4800 USDT');
    expect(deepWorth({ quantity: '6', prices: ['50'] }, stop)).toBe('3200 USDT');
    expect(deepWorth({ quantity: '6', trail: '0.1' }, { type: 'TRAILING_STOP_MARKET' })).toBe('3520 USDT');
  });

  it('An order that follows a level of the book counts at that level, and is refused where none is', () => {
    for (const side of ['BUY', 'SELL'] as const) {
      const at = (followedLevel: number) => ({ followsBook: true, followedLevel, side });
      expect(deepWorth({ quantity: '1' }, at(1))).toBe('100 USDT');
      expect(deepWorth({ quantity: '1' }, at(2))).toBe('600 USDT');
      expect(deepWorth({ quantity: '1' }, at(3))).toBe('700 USDT');
      expect(() => deepWorth({ quantity: '1' }, at(4))).toThrow(Unvaluable);
      expect(() => deepWorth({ quantity: '1' }, at(Number.POSITIVE_INFINITY))).toThrow(Unvaluable);
      expect(isCovered(order({ quantity: '1' }, at(3)), baited)).toBe(true);
      expect(isCovered(order({ quantity: '1' }, at(4)), baited)).toBe(false);
    }
  });

  it('Beyond a best price of unknown quantity everything is deep', () => {
    const unknown = { ...bait, bidQuantity: undefined, askQuantity: undefined };
    expect(needsDepth(order({ quantity: '0.001' }, { type: 'MARKET' }), spot, unknown)).toBe(true);
    expect(needsDepth(order({ quantity: '0.001' }), spot, unknown)).toBe(false);
  });

  it('Beyond an empty side of the book a market order is refused', () => {
    const none = { bids: [], asks: [] };
    for (const side of ['BUY', 'SELL'] as const) {
      const market = { type: 'MARKET', side } as const;
      const best = side === 'BUY' ? book('100', '0') : book('0', '101');
      expect(() => notionalOf(order({ quantity: '1' }, market), spot, best, none)).toThrow(Unvaluable);
    }
  });

  it('The levels play no part for inverse contracts and for amounts', () => {
    const market = { type: 'MARKET', market: 'coinm' } as const;
    expect(needsDepth(order({ quantity: '7000' }, market), inverse, bait)).toBe(false);
    expect(needsDepth(order({ quoteQuantity: '7000' }, { type: 'MARKET' }), spot, bait)).toBe(false);
  });

  it('The levels count by the size of a contract, and a written option owes its strike besides', () => {
    const sized = { ...spot, contractSize: new ExactDecimal(10) };
    expect(deepWorth({ quantity: '6' }, { type: 'MARKET' }, sized)).toBe('32000 USDT');
    const written = { type: 'MARKET', market: 'options', side: 'SELL' } as const;
    expect(deepWorth({ quantity: '2' }, written, option)).toBe('180198 USDT');
  });

  it('The value by depth is never below what the quantity costs on its way through the book, nor below the best price', () => {
    const level = fc.record({
      price: fc.integer({ min: 1, max: 900 }),
      quantity: fc.integer({ min: 1, max: 9 }),
    });
    const type = fc.constantFrom('MARKET', 'STOP_MARKET', 'TRAILING_STOP_MARKET', 'TWAP', 'mArKeT');
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom('BUY', 'SELL'),
        type,
        fc.boolean(),
        (rows, quantity, side, kind, followsBook) => {
          const asks = rows.toSorted((one, other) => one.price - other.price);
          const bids = asks.toReversed();
          const taken = side === 'BUY' || followsBook ? asks : bids;
          // One by one, by another way than the code's own.
          const units = taken.flatMap((row) => Array.from({ length: row.quantity }, () => row.price));
          const text = (each: (typeof rows)[number]) => [String(each.price), String(each.quantity)] as const;
          const depth = { bids: levels(...bids.map(text)), asks: levels(...asks.map(text)) };
          const [bid, ask] = [depth.bids[0]!, depth.asks[0]!];
          const best = {
            bid: bid.price,
            ask: ask.price,
            bidQuantity: bid.quantity,
            askQuantity: ask.quantity,
          };
          const asked = order(
            { quantity: String(quantity) },
            { side: side as 'BUY' | 'SELL', type: kind, market: 'usdm', followsBook },
          );
          const value = () => notionalOf(asked, spot, best, depth).amount;
          if (quantity > units.length) {
            expect(value).toThrow(Unvaluable);
            return;
          }
          const cost = units.slice(0, quantity).reduce((sum, price) => sum + price, 0);
          expect(value().gte(cost)).toBe(true);
          expect(value().gte(best[side === 'BUY' ? 'ask' : 'bid'].times(quantity))).toBe(true);
        },
      ),
      runs(3_000),
    );
  });
});

describe('an amount beside a quantity', () => {
  it.each(['MARKET', 'market', 'MARKET ', 'LIMIT', 'STOP_LOSS', 'LIMIT_MAKER'])(
    'An amount beside a quantity counts when it is larger, under the type %j as well',
    (type) => {
      const brief = { quantity: '0.001', quoteQuantity: '1000000' };
      expect(worth(brief, { type })).toBe('1000000 USDT');
      expect(worth({ ...brief, quoteQuantity: '0.001' }, { type })).toBe('0.101 USDT');
      expect(worth({ ...brief, quoteQuantity: '0' }, { type })).toBe('0.101 USDT');
    },
  );

  it.each(['market', 'MARKET ', 'LIMIT'])('An amount alone proves nothing under the type %j', (type) => {
    expect(() => worth({ quoteQuantity: '5' }, { type })).toThrow(Unvaluable);
  });
});

describe('reading a decimal', () => {
  it('A decimal is read as Binance reads it, and one that two readers could understand differently is not', () => {
    expect(readDecimal('0.00001000')?.toFixed()).toBe('0.00001');
    expect(readDecimal('1e-7')?.toFixed()).toBe('0.0000001');
    for (const text of [
      '',
      '-1',
      '+1',
      '.5',
      '5.',
      '1 ',
      '1_000',
      '1,5',
      '0x1',
      'NaN',
      'Infinity',
      '1e31',
      '1e+999',
      '٣',
    ]) {
      expect(readDecimal(text), text).toBeUndefined();
    }
  });
});
