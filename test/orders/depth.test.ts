import { describe, expect, it } from 'vitest';
import type { OrderRules } from '../../src/core/access/client.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { createMemoryNotionalLedger } from '../../src/orders/memory-ledger.ts';
import { createOrderLimits } from '../../src/orders/order-limits.ts';
import { createPriceBook } from '../../src/orders/price-book.ts';
import { catalogueEndpoint } from '../support/fixtures/catalogue-endpoints.ts';
import { callOf, clientWith, type Form, MARKET_ANSWERS } from '../support/fixtures/order-fixtures.ts';
import { admitOrders } from './admit-orders.ts';

const LIMIT_500: OrderRules = { maxNotional: new Map([['USDT', '500']]) };
const BAIT = { bidPrice: '0.99', bidQty: '0.01', askPrice: '1.00', askQty: '0.01' };
const LEVELS = {
  bids: [
    ['0.99', '0.01'],
    ['0.5', '1000'],
  ],
  asks: [
    ['1.00', '0.01'],
    ['600', '100'],
  ],
};
const OPTION = 'BTC-270129-90000-C';

/** A bait of a hundredth of a coin in front of every book; `deeper` is what a second, deeper reading shows. */
function market(more: Readonly<Record<string, unknown>> = {}) {
  const asked: string[] = [];
  const answers: Record<string, unknown> = {
    ...MARKET_ANSWERS,
    '/api/v3/ticker/bookTicker?symbol=BTCUSDT': { symbol: 'BTCUSDT', ...BAIT },
    '/api/v3/depth?symbol=BTCUSDT&limit=100': LEVELS,
    '/fapi/v1/ticker/bookTicker?symbol=BTCUSDT': { symbol: 'BTCUSDT', ...BAIT },
    '/fapi/v1/depth?symbol=BTCUSDT&limit=50': LEVELS,
    '/eapi/v1/depth?symbol=BTC-270129-90000-C&limit=50': LEVELS,
    '/sapi/v1/equity/market/quote?symbol=AAPL': {
      ...{ symbol: 'AAPL', bidPrice: '1.00', askPrice: '1.00', bidSize: 2, askSize: 2 },
    },
    ...more,
  };
  const guard = createOrderLimits({
    monotonicNow: () => 0,
    priceBook: createPriceBook({
      fetchJson: async (_, path) => {
        asked.push(path);
        if (answers[path] === undefined) throw new Error('status 400');
        return structuredClone(answers[path]);
      },
      now: () => 0,
    }),
    ledger: createMemoryNotionalLedger(),
    onReport: () => {},
  });
  async function ruleFor(door: string, form: Form, rules = LIMIT_500): Promise<string | undefined> {
    const [method = '', path = ''] = door.split(' ');
    const endpoint = catalogueEndpoint(method, path);
    try {
      await admitOrders(guard, clientWith(rules), endpoint, callOf(endpoint, form), 0);
      return 'passed';
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      return error.rule;
    }
  }
  return { asked, ruleFor };
}

const MARKET: Form = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '400' };
const SPOT = 'POST /api/v3/order';
const USDM = 'POST /fapi/v1/order';

describe('an order beyond what stands at the best price', () => {
  it.each([
    ['MARKET', SPOT, {}],
    ['MARKET on margin', 'POST /sapi/v1/margin/order', {}],
    ['MARKET on futures', USDM, {}],
    ['MARKET through portfolio margin', 'POST /papi/v1/um/order', {}],
    ['a trial', 'POST /api/v3/order/test', {}],
    ['STOP_MARKET', 'POST /fapi/v1/algoOrder', { type: 'STOP_MARKET', triggerPrice: '1' }],
    ['TAKE_PROFIT_MARKET', 'POST /fapi/v1/algoOrder', { type: 'TAKE_PROFIT_MARKET', triggerPrice: '1' }],
    ['TRAILING_STOP_MARKET', 'POST /fapi/v1/algoOrder', { type: 'TRAILING_STOP_MARKET', callbackRate: '1' }],
    ['STOP_LOSS on spot', SPOT, { type: 'STOP_LOSS', stopPrice: '1' }],
    ['priceMatch OPPONENT', USDM, { type: 'LIMIT', priceMatch: 'OPPONENT' }],
    ['priceMatch QUEUE_5', USDM, { type: 'LIMIT', priceMatch: 'QUEUE_5' }],
    ['a pegged order', SPOT, { type: 'LIMIT', price: '1', pegPriceType: 'MARKET_PEG' }],
    ['a TWAP', 'POST /sapi/v1/algo/spot/newOrderTwap', { duration: '3600' }],
    ['another spelling of the type', SPOT, { type: 'market' }],
  ])('A bait at the best price does not make %s cheap', async (_, door, more) => {
    for (const quantity of ['400', '90', '1']) {
      const rule = await market().ruleFor(door, { ...MARKET, ...more, quantity });
      expect(rule).toMatch(/^(order\.maxNotional|unvaluable)$/);
    }
  });

  it.each([
    [SPOT, '/api/v3/depth?symbol=BTCUSDT&limit=100'],
    [USDM, '/fapi/v1/depth?symbol=BTCUSDT&limit=50'],
  ])('The levels decide about what passes on %s, to the last digit', async (door, path) => {
    const { asked, ruleFor } = market();
    // 0.01 at 1, the rest at 600: 0.843316666… coins are worth 500.
    expect(await ruleFor(door, { ...MARKET, quantity: '0.8433166' })).toBe('passed');
    expect(await ruleFor(door, { ...MARKET, quantity: '0.8433167' })).toBe('order.maxNotional');
    expect(await ruleFor(door, { ...MARKET, quantity: '100.02' })).toBe('unvaluable');
    expect(asked.filter((target) => target.includes('/depth'))).toEqual([path]);
  });

  it('Within the quantity at the best price, and for a price of its own, no levels are asked for', async () => {
    const { asked, ruleFor } = market();
    expect(await ruleFor(SPOT, { ...MARKET, quantity: '0.01' })).toBe('passed');
    expect(await ruleFor(SPOT, { ...MARKET, type: 'LIMIT', price: '1' })).toBe('passed');
    expect(await ruleFor(SPOT, { ...MARKET, type: 'LIMIT', price: '2' })).toBe('order.maxNotional');
    expect(asked.filter((target) => target.includes('/depth'))).toEqual([]);
  });

  it('A price level that is followed decides, and one that nobody knows is refused', async () => {
    const levels = Array.from({ length: 30 }, (_, index) => [String(100 + 10 * index), '10']);
    const { ruleFor } = market({ '/fapi/v1/depth?symbol=BTCUSDT&limit=50': { bids: levels, asks: levels } });
    const match = (priceMatch: string, side = 'BUY') =>
      ruleFor(USDM, { ...MARKET, side, type: 'LIMIT', quantity: '2', priceMatch });
    for (const side of ['BUY', 'SELL']) {
      // Two coins at 140 and at 190 and at 290.
      expect(await match('OPPONENT_5', side)).toBe('passed');
      expect(await match('QUEUE_10', side)).toBe('passed');
      expect(await match('OPPONENT_20', side)).toBe('order.maxNotional');
      expect(await match('QUEUE_20', side)).toBe('order.maxNotional');
    }
    for (const unknown of ['OPPONENT_50', 'OPPONENT_0', 'opponent', 'MIDDLE', 'QUEUE_5 '])
      expect(await match(unknown)).toBe('unvaluable');
    expect(await match('NONE')).toBe('passed');
  });

  it('The level of a pegged order decides as well, under the name of each leg', async () => {
    const levels = Array.from({ length: 30 }, (_, index) => [String(100 + 10 * index), '10']);
    const { ruleFor } = market({ '/api/v3/depth?symbol=BTCUSDT&limit=100': { bids: levels, asks: levels } });
    const peg = { pegPriceType: 'PRIMARY_PEG', pegOffsetType: 'PRICE_LEVEL' };
    const limit = { ...MARKET, type: 'LIMIT', quantity: '2' };
    expect(await ruleFor(SPOT, { ...limit, ...peg, pegOffsetValue: '4' })).toBe('passed');
    expect(await ruleFor(SPOT, { ...limit, ...peg, pegOffsetValue: '19' })).toBe('order.maxNotional');
    expect(await ruleFor(SPOT, { ...limit, ...peg, pegOffsetValue: '31' })).toBe('unvaluable');
    expect(await ruleFor(SPOT, { ...limit, ...peg, pegOffsetValue: 'x' })).toBe('unreadable');
    const chain = { workingType: 'LIMIT', workingSide: 'BUY', workingPrice: '1', workingQuantity: '2' };
    const pending = {
      pendingType: 'LIMIT_MAKER',
      pendingSide: 'SELL',
      pendingPrice: '1',
      pendingQuantity: '1',
    };
    const working = { workingPegPriceType: 'MARKET_PEG', workingPegOffsetValue: '19' };
    const oto = { symbol: 'BTCUSDT', ...chain, ...pending, ...working };
    expect(await ruleFor('POST /api/v3/orderList/oto', oto)).toBe('order.maxNotional');
  });

  it('A sale beyond the best price counts at it, and is refused when the book holds less', async () => {
    const { ruleFor } = market();
    const sale = { ...MARKET, side: 'SELL' };
    expect(await ruleFor(SPOT, { ...sale, quantity: '500' })).toBe('passed');
    expect(await ruleFor(SPOT, { ...sale, quantity: '506' })).toBe('order.maxNotional');
    expect(await ruleFor(SPOT, { ...sale, quantity: '1000.02' })).toBe('unvaluable');
  });

  it('A book that the first reading does not show far enough is read deeper once, and then refused', async () => {
    const full = (length: number) => Array.from({ length }, () => ['1.00', '1']);
    const shallow = { bids: full(100), asks: full(100) };
    const deep = { bids: full(1_000), asks: full(1_000) };
    const { asked, ruleFor } = market({
      '/api/v3/depth?symbol=BTCUSDT&limit=100': shallow,
      '/api/v3/depth?symbol=BTCUSDT&limit=1000': deep,
    });
    const rules = { maxNotional: new Map([['USDT', '2000']]) };
    const depths = () =>
      asked.filter((target) => target.includes('/depth')).map((target) => target.split('limit=')[1]);
    expect(await ruleFor(SPOT, { ...MARKET, quantity: '100' }, rules)).toBe('passed');
    expect(depths()).toEqual(['100']);
    expect(await ruleFor(SPOT, { ...MARKET, quantity: '1000' }, rules)).toBe('passed');
    expect(await ruleFor(SPOT, { ...MARKET, quantity: '1000.1' }, rules)).toBe('unvaluable');
    expect(depths()).toEqual(['100', '1000']);
  });

  it.each([
    ['is not there', undefined],
    ['is no object', 'maintenance'],
    ['has one side', { bids: LEVELS.bids }],
    ['holds numbers with fractions', { ...LEVELS, asks: [[1.5, 2.5]] }],
    ['holds a negative quantity', { ...LEVELS, asks: [['1', '-1']] }],
    ['holds a level without quantity', { ...LEVELS, asks: [['1']] }],
    ['is empty', { bids: [], asks: [] }],
  ])('An order whose depth %s is refused', async (_, depth) => {
    const { ruleFor } = market({ '/api/v3/depth?symbol=BTCUSDT&limit=100': depth });
    expect(await ruleFor(SPOT, { ...MARKET, quantity: '0.02' })).toBe('unvaluable');
  });

  it('Options say no best quantity, so that their market orders are always valued by depth', async () => {
    const { asked, ruleFor } = market();
    const buy = { symbol: OPTION, side: 'BUY', type: 'MARKET', quantity: '0.01' };
    expect(await ruleFor('POST /eapi/v1/order', { ...buy, type: 'LIMIT', price: '1' })).toBe('passed');
    expect(asked).not.toContain(`/eapi/v1/depth?symbol=${OPTION}&limit=50`);
    expect(await ruleFor('POST /eapi/v1/order', buy)).toBe('passed');
    expect(asked).toContain(`/eapi/v1/depth?symbol=${OPTION}&limit=50`);
    expect(await ruleFor('POST /eapi/v1/order', { ...buy, quantity: '0.9' })).toBe('order.maxNotional');
    expect(await ruleFor('POST /eapi/v1/order', { ...buy, quantity: '101' })).toMatch(
      /maxNotional|unvaluable/,
    );
  });

  it('Stocks show no depth, so that a market order beyond the best price is refused and an amount is not', async () => {
    const { ruleFor } = market();
    const rules = { maxNotional: new Map([['USDC', '500']]) };
    const buy = { symbol: 'AAPL', side: 'BUY', orderType: 'MARKET' };
    const door = 'POST /sapi/v1/equity/order/place';
    expect(await ruleFor(door, { ...buy, quantity: '2' }, rules)).toBe('passed');
    expect(await ruleFor(door, { ...buy, quantity: '3' }, rules)).toBe('unvaluable');
    expect(await ruleFor(door, { ...buy, notional: '500' }, rules)).toBe('passed');
  });
});
