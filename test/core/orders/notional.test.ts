import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactDecimal, readDecimal } from '../../../src/core/decimal.ts';
import type { IntendedOrder } from '../../../src/core/orders/intended-order.ts';
import {
  type BestPrices,
  type Instrument,
  needsBook,
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
    trail: brief.trail === undefined ? undefined : new ExactDecimal(brief.trail),
    followsBook: false,
    closesPosition: false,
    reduceOnly: false,
    exclusive: undefined,
    assets: undefined,
    ...more,
  };
}

function book(bid: string, ask: string): BestPrices {
  return { bid: new ExactDecimal(bid), ask: new ExactDecimal(ask) };
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
    expect(worth({ quantity: '2' }, { type: 'MARKET' }, spot, book('100', '0'))).toBe('200 USDT');
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
