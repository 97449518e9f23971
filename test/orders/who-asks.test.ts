import { describe, expect, it } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { UnknownSymbol, Unvaluable } from '../../src/core/orders/notional.ts';
import { createFreshCache } from '../../src/orders/fresh-cache.ts';
import { createPriceBook, type FetchJson } from '../../src/orders/price-book.ts';
import { client } from '../support/fixtures/budget-calls.ts';
import { MARKET_ANSWERS } from '../support/fixtures/order-fixtures.ts';

const GREEDY = client('greedy');
const OTHER = client('other');
const NO_ROOM = new ProxyError('PROXY_WEIGHT_EXHAUSTED', 'no room', { retryAfterSeconds: 60 });

/** A market that knows a few symbols; it keeps who was charged for each question. */
function market(refuse: (name: string) => boolean = () => false) {
  const asked: string[] = [];
  const state = { nowMs: 0 };
  const fetchJson: FetchJson = async (_, path, { name }) => {
    asked.push(`${name} ${path}`);
    await new Promise((resolve) => setImmediate(resolve));
    if (refuse(name)) throw NO_ROOM;
    const answer = MARKET_ANSWERS[path];
    if (answer === undefined) throw new UnknownSymbol();
    return structuredClone(answer);
  };
  return { asked, state, book: createPriceBook({ fetchJson, now: () => state.nowMs }) };
}

describe('questions about the market', () => {
  it('A question is charged to the client whose order needs it, and its answer serves the others', async () => {
    const { asked, book } = market();
    await Promise.all([
      book.instrument('spot', 'BTCUSDT', GREEDY),
      book.instrument('spot', 'BTCUSDT', OTHER),
      book.instrument('usdm', 'BTCUSDT', OTHER),
      book.instrument('usdm', 'BTCUSDT', GREEDY),
    ]);
    expect(asked).toEqual(['greedy /api/v3/exchangeInfo?symbol=BTCUSDT', 'other /fapi/v1/exchangeInfo']);
  });

  it('An invented symbol is asked for once a minute, whoever orders it', async () => {
    const { asked, state, book } = market();
    for (const who of [GREEDY, GREEDY, OTHER])
      await expect(book.instrument('spot', 'NOSUCH', who)).rejects.toThrow(UnknownSymbol);
    expect(asked).toHaveLength(1);
    state.nowMs += 59_999;
    await expect(book.instrument('spot', 'NOSUCH', OTHER)).rejects.toThrow(Unvaluable);
    expect(asked).toHaveLength(1);
    state.nowMs += 1;
    await expect(book.instrument('spot', 'NOSUCH', OTHER)).rejects.toThrow(UnknownSymbol);
    expect(asked).toHaveLength(2);
  });

  it('A client that invents symbols causes no more than some questions a minute, and others ask on', async () => {
    const { asked, state, book } = market();
    const invented = await Promise.allSettled(
      Array.from({ length: 200 }, (_, number) => book.instrument('spot', `NO${number}`, GREEDY)),
    );
    expect(invented.every(({ status }) => status === 'rejected')).toBe(true);
    expect(asked.length).toBeLessThan(20);
    await expect(book.instrument('spot', 'BTCUSDT', GREEDY)).rejects.toMatchObject({
      name: 'PROXY_WEIGHT_EXHAUSTED',
      rule: 'invented symbols',
      retryAfterSeconds: 60,
    });
    expect((await book.instrument('spot', 'BTCUSDT', OTHER)).quoteAsset).toBe('USDT');
    state.nowMs += 60_000;
    const before = asked.length;
    await expect(book.instrument('spot', 'NO777', GREEDY)).rejects.toThrow(UnknownSymbol);
    expect(asked.length).toBe(before + 1);
  });

  it('The same holds for stocks, whose symbols are looked up by their prices alone', async () => {
    const { asked, book } = market();
    await Promise.allSettled(
      Array.from({ length: 100 }, (_, number) => book.bestPrices('equity', `NO${number}`, GREEDY)),
    );
    expect(asked.length).toBeLessThan(20);
  });

  it('Who waits for the question of a client without room asks by itself when that one is refused', async () => {
    const { asked, book } = market((name) => name === 'greedy');
    const both = await Promise.allSettled([
      book.instrument('spot', 'BTCUSDT', GREEDY),
      book.instrument('spot', 'BTCUSDT', OTHER),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(asked.map((line) => line.split(' ')[0])).toEqual(['greedy', 'other']);
  });

  it('The refusal of one client is not remembered against another', async () => {
    const { book } = market((name) => name === 'greedy');
    await expect(book.instrument('spot', 'BTCUSDT', GREEDY)).rejects.toThrow(ProxyError);
    expect((await book.instrument('spot', 'BTCUSDT', OTHER)).quoteAsset).toBe('USDT');
  });
});

describe('what is remembered', () => {
  it('Answers stay when nonsense comes: what failed is forgotten first', async () => {
    const loaded: string[] = [];
    const cache = createFreshCache<string>({
      load: async (key) => {
        loaded.push(key);
        if (key.startsWith('no')) throw new UnknownSymbol();
        return key;
      },
      now: () => 0,
      freshMs: 10,
      failureFreshMs: () => 10,
      maxEntries: 3,
    });
    for (const key of ['a', 'b', 'no1', 'no2', 'no3', 'a', 'b'])
      await Promise.resolve(cache.get(key, GREEDY)).catch(() => undefined);
    expect(loaded).toEqual(['a', 'b', 'no1', 'no2', 'no3']);
  });
});
