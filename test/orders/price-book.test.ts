import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { PROXY_CLIENT } from '../../src/core/access/client.ts';
import { Unvaluable } from '../../src/core/orders/notional.ts';
import { createFreshCache } from '../../src/orders/fresh-cache.ts';
import { createPriceBook, type PriceBook, type PriceBookOptions } from '../../src/orders/price-book.ts';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Exchange {
  readonly book: PriceBook;
  readonly asked: string[];
  readonly answers: Map<string, unknown>;
  nowMs: number;
}

/** An exchange on the loopback that answers what stands in `answers`, and 400 to the rest. */
async function exchange(options: Partial<PriceBookOptions> = {}): Promise<Exchange> {
  const asked: string[] = [];
  const answers = new Map<string, unknown>();
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push(url);
    const answer = answers.get(url);
    response.statusCode = answer === undefined ? 400 : 200;
    response.end(JSON.stringify(answer ?? { code: -1121, msg: 'Invalid symbol.' }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const result = { asked, answers, nowMs: 5_000 } as { -readonly [K in keyof Exchange]: Exchange[K] };
  result.book = createPriceBook({
    now: () => result.nowMs,
    fetchJson: async (_, path) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      return answer.json();
    },
    ...options,
  });
  return result;
}

const SPOT_BOOK = '/api/v3/ticker/bookTicker?symbol=BTCUSDT';
const SPOT_INFO = '/api/v3/exchangeInfo?symbol=BTCUSDT';
const spotRow = { symbol: 'BTCUSDT', baseAsset: 'BTC', quoteAsset: 'USDT' };

async function bidAndAsk(book: PriceBook, ...asked: Parameters<PriceBook['bestPrices']>): Promise<string> {
  const { bid, ask } = await book.bestPrices(...asked);
  return `${bid.toFixed()} ${ask.toFixed()}`;
}

describe('best prices', () => {
  it('Best prices are fetched once for all who ask at the same time, and used for a second', async () => {
    const market = await exchange();
    market.answers.set(SPOT_BOOK, { symbol: 'BTCUSDT', bidPrice: '100', askPrice: '101' });
    const both = [
      bidAndAsk(market.book, 'spot', 'BTCUSDT', PROXY_CLIENT),
      bidAndAsk(market.book, 'spot', 'BTCUSDT', PROXY_CLIENT),
    ];
    expect(await Promise.all(both)).toEqual(['100 101', '100 101']);
    market.nowMs += 999;
    await market.book.bestPrices('spot', 'BTCUSDT', PROXY_CLIENT);
    expect(market.asked).toEqual([SPOT_BOOK]);
    market.answers.set(SPOT_BOOK, { symbol: 'BTCUSDT', bidPrice: '200', askPrice: '201' });
    market.nowMs += 1;
    expect(await bidAndAsk(market.book, 'spot', 'BTCUSDT', PROXY_CLIENT)).toBe('200 201');
  });

  it('Best prices that take longer than they stay fresh are still fetched once', async () => {
    const market = await exchange();
    market.answers.set(SPOT_BOOK, { symbol: 'BTCUSDT', bidPrice: '100', askPrice: '101' });
    const first = market.book.bestPrices('spot', 'BTCUSDT', PROXY_CLIENT);
    market.nowMs += 10_000;
    await Promise.all([first, market.book.bestPrices('spot', 'BTCUSDT', PROXY_CLIENT)]);
    expect(market.asked).toEqual([SPOT_BOOK]);
  });

  it.each([
    ['usdm', '/fapi/v1/ticker/bookTicker?symbol=BTCUSDT', 'BTCUSDT'],
    ['coinm', '/dapi/v1/ticker/bookTicker?symbol=BTCUSDT', 'BTCUSDT'],
    ['options', '/eapi/v1/ticker?symbol=BTC-270129-90000-C', 'BTC-270129-90000-C'],
    ['equity', '/sapi/v1/equity/market/quote?symbol=AAPL', 'AAPL'],
  ] as const)('Best prices of %s come from its own book', async (name, path, symbol) => {
    const market = await exchange();
    market.answers.set(path, [{ symbol, bidPrice: '0.10', askPrice: '0.20' }]);
    expect(await bidAndAsk(market.book, name, symbol, PROXY_CLIENT)).toBe('0.1 0.2');
  });

  it('Best prices are not believed when they are another symbol’s, incomplete, or numbers with a fraction', async () => {
    const market = await exchange({ failureFreshMs: 0 });
    for (const answer of [
      { symbol: 'ETHUSDT', bidPrice: '1', askPrice: '2' },
      { symbol: 'BTCUSDT', bidPrice: '1' },
      { symbol: 'BTCUSDT', bidPrice: 1.5, askPrice: 2 },
      { symbol: 'BTCUSDT', bidPrice: '-1', askPrice: '2' },
      [],
      'maintenance',
    ]) {
      market.answers.set(SPOT_BOOK, answer);
      await expect(market.book.bestPrices('spot', 'BTCUSDT', PROXY_CLIENT)).rejects.toThrow(Unvaluable);
    }
  });

  it('Best prices that failed are asked for again only after a while', async () => {
    const market = await exchange();
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(market.book.bestPrices('spot', 'BTCUSDT', PROXY_CLIENT)).rejects.toThrow('status 400');
    }
    expect(market.asked).toHaveLength(1);
    market.answers.set(SPOT_BOOK, { symbol: 'BTCUSDT', bidPrice: '1', askPrice: '2' });
    market.nowMs += 1_000;
    expect(await bidAndAsk(market.book, 'spot', 'BTCUSDT', PROXY_CLIENT)).toBe('1 2');
  });

  it('Best prices are asked for with the symbol as one encoded component', async () => {
    const market = await exchange();
    await expect(market.book.bestPrices('spot', 'A&symbols=["B"]', PROXY_CLIENT)).rejects.toThrow();
    expect(market.asked).toEqual(['/api/v3/ticker/bookTicker?symbol=A%26symbols%3D%5B%22B%22%5D']);
  });
});

describe('the description of a symbol', () => {
  it('The description of a spot symbol is asked for by symbol and kept for an hour', async () => {
    const market = await exchange();
    market.answers.set(SPOT_INFO, { symbols: [spotRow] });
    expect(await market.book.instrument('spot', 'BTCUSDT', PROXY_CLIENT)).toMatchObject({
      quoteAsset: 'USDT',
      contract: 'linear',
    });
    market.nowMs += 3_599_999;
    await market.book.instrument('spot', 'BTCUSDT', PROXY_CLIENT);
    expect(market.asked).toEqual([SPOT_INFO]);
    market.nowMs += 1;
    await market.book.instrument('spot', 'BTCUSDT', PROXY_CLIENT);
    expect(market.asked).toHaveLength(2);
  });

  it('The description of a futures symbol is read out of one answer for all symbols', async () => {
    const market = await exchange();
    const rows = ['BTCUSDT', 'ETHUSDC'].map((symbol) => ({
      symbol,
      baseAsset: symbol.slice(0, 3),
      quoteAsset: symbol.slice(3),
      marginAsset: symbol.slice(3),
    }));
    market.answers.set('/fapi/v1/exchangeInfo', { symbols: rows });
    expect((await market.book.instrument('usdm', 'BTCUSDT', PROXY_CLIENT)).quoteAsset).toBe('USDT');
    expect((await market.book.instrument('usdm', 'ETHUSDC', PROXY_CLIENT)).quoteAsset).toBe('USDC');
    expect(market.asked).toEqual(['/fapi/v1/exchangeInfo']);
  });

  it('A symbol missing from the exchangeInfo is looked for again, but not with every order', async () => {
    const market = await exchange();
    market.answers.set('/fapi/v1/exchangeInfo', { symbols: [] });
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(async () => market.book.instrument('usdm', 'NEWUSDT', PROXY_CLIENT)).rejects.toThrow(
        Unvaluable,
      );
    }
    expect(market.asked).toHaveLength(1);
    const row = { symbol: 'NEWUSDT', baseAsset: 'NEW', quoteAsset: 'USDT', marginAsset: 'USDT' };
    market.answers.set('/fapi/v1/exchangeInfo', { symbols: [row] });
    market.nowMs += 60_000;
    expect((await market.book.instrument('usdm', 'NEWUSDT', PROXY_CLIENT)).baseAsset).toBe('NEW');
  });

  it('The description tells linear from inverse contracts, on either futures exchange', async () => {
    const market = await exchange();
    const inverse = {
      symbol: 'BTCUSD_PERP',
      baseAsset: 'BTC',
      quoteAsset: 'USD',
      marginAsset: 'BTC',
      contractSize: 100,
    };
    const linear = { ...spotRow, marginAsset: 'USDT' };
    const unsized = { ...inverse, symbol: 'ETHUSD_PERP', contractSize: undefined };
    for (const path of ['/fapi/v1/exchangeInfo', '/dapi/v1/exchangeInfo']) {
      market.answers.set(path, { symbols: [inverse, linear, unsized] });
    }
    for (const name of ['usdm', 'coinm'] as const) {
      const found = await market.book.instrument(name, 'BTCUSD_PERP', PROXY_CLIENT);
      expect([found.contract, found.contractSize.toFixed()]).toEqual(['inverse', '100']);
      expect((await market.book.instrument(name, 'BTCUSDT', PROXY_CLIENT)).contract).toBe('linear');
      await expect(async () => market.book.instrument(name, 'ETHUSD_PERP', PROXY_CLIENT)).rejects.toThrow(
        Unvaluable,
      );
    }
  });

  it('The description of an option names its strike and unit', async () => {
    const market = await exchange();
    const row = { symbol: 'BTC-270129-90000-C', quoteAsset: 'USDT', unit: 1, strikePrice: '90000.50' };
    market.answers.set('/eapi/v1/exchangeInfo', {
      optionSymbols: [row, { ...row, symbol: 'X', strikePrice: 9.5 }],
    });
    const option = await market.book.instrument('options', row.symbol, PROXY_CLIENT);
    expect(option.strikePrice?.toFixed()).toBe('90000.5');
    await expect(async () => market.book.instrument('options', 'X', PROXY_CLIENT)).rejects.toThrow(
      Unvaluable,
    );
  });

  it('The description of a stock needs no question', async () => {
    const market = await exchange();
    expect((await market.book.instrument('equity', 'AAPL', PROXY_CLIENT)).quoteAsset).toBe('USDC');
    expect(market.asked).toEqual([]);
  });
});

describe('a fresh cache', () => {
  it('A fresh cache holds no more than it was told to, and the oldest entry goes first', async () => {
    const loaded: string[] = [];
    const cache = createFreshCache({
      load: async (key) => {
        loaded.push(key);
        return key;
      },
      now: () => 0,
      freshMs: 10,
      failureFreshMs: () => 10,
      maxEntries: 2,
    });
    for (const key of ['a', 'b', 'c', 'b', 'c', 'a']) await cache.get(key, PROXY_CLIENT);
    expect(loaded).toEqual(['a', 'b', 'c', 'a']);
  });
});
