import type { Client } from '../core/access/client.ts';
import { encodeComponent } from '../core/call/form.ts';
import { ExactDecimal } from '../core/decimal.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import { andThen, type NowOrLater } from '../core/now-or-later.ts';
import type { BestPrices } from '../core/orders/book.ts';
import type { Market } from '../core/orders/intended-order.ts';
import { type Instrument, UnknownSymbol } from '../core/orders/notional.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { createDepthBook, type DepthBook } from './depth-book.ts';
import { bestPricesIn, instrumentsIn } from './exchange-info.ts';
import { createFreshCache } from './fresh-cache.ts';
import { InventedSymbols } from './invented-symbols.ts';

/**
 * Fetches one of the exchange's public answers and parses it; whoever provides it charges the budget, sends, and
 * rejects for everything but an answer of status 200.
 */
export type FetchJson = (upstream: UpstreamName, pathWithQuery: string, causedBy: Client) => Promise<unknown>;

export interface PriceBookOptions {
  readonly fetchJson: FetchJson;
  /** A clock in ms; only differences count. */
  readonly now: () => number;
  /** How old best prices and depths may be, in ms; 1000 unless told. */
  readonly bookFreshMs?: number;
  /** How old the description of a symbol may be, in ms; one hour unless told. */
  readonly instrumentFreshMs?: number;
  /** How long a failed or empty lookup is answered from memory, in ms; 1000 unless told. */
  readonly failureFreshMs?: number;
}

/**
 * The proxy's own view of the market: never what a caller says about it. What has to be asked is charged to the client
 * whose order needs it; the answer serves everybody.
 */
export interface PriceBook {
  /** @throws Unvaluable (at once or as a rejection) when the exchange does not describe the symbol; what fetchJson throws */
  instrument(market: Market, symbol: string, causedBy: Client): NowOrLater<Instrument>;
  /** @throws Unvaluable (as a rejection) when there is no book; what fetchJson throws */
  bestPrices(market: Market, symbol: string, causedBy: Client): NowOrLater<BestPrices>;
  /** The levels behind the best prices, read as deep as it takes until `covers` is content, or as they go. */
  readonly depth: DepthBook;
}

const BOOKS: Readonly<Record<Market, readonly [UpstreamName, path: string]>> = {
  spot: ['spot', '/api/v3/ticker/bookTicker'],
  usdm: ['usdm', '/fapi/v1/ticker/bookTicker'],
  coinm: ['coinm', '/dapi/v1/ticker/bookTicker'],
  options: ['options', '/eapi/v1/ticker'],
  equity: ['spot', '/sapi/v1/equity/market/quote'],
};

type TableMarket = 'usdm' | 'coinm' | 'options';

/** Derivatives have one answer for all symbols; spot is asked by symbol, because its whole answer is megabytes. */
const TABLES: Readonly<Record<TableMarket, readonly [UpstreamName, path: string]>> = {
  usdm: ['usdm', '/fapi/v1/exchangeInfo'],
  coinm: ['coinm', '/dapi/v1/exchangeInfo'],
  options: ['options', '/eapi/v1/exchangeInfo'],
};

/** A symbol that was missing so long ago may have been listed since. */
const RELIST_MS = MINUTE_MS;
const MAX_SYMBOLS = 2_000;

/** Cached lookups of best prices and symbol descriptions, one fetch at a time for each; what is fresh is there at once. */
export function createPriceBook(options: PriceBookOptions): PriceBook {
  const { fetchJson, now } = options;
  const shortly = options.failureFreshMs ?? SECOND_MS;
  const failureFreshMs = (error: unknown) => (error instanceof UnknownSymbol ? RELIST_MS : shortly);
  const invented = new InventedSymbols(now);
  const instrumentFreshMs = options.instrumentFreshMs ?? HOUR_MS;
  const common = { now, failureFreshMs, maxEntries: MAX_SYMBOLS };
  const bookFreshMs = options.bookFreshMs ?? SECOND_MS;

  const books = byMarket((market) =>
    createFreshCache<BestPrices>({
      ...common,
      freshMs: bookFreshMs,
      load: async (symbol, causedBy) => {
        const [upstream, path] = BOOKS[market];
        const target = `${path}?symbol=${encodeComponent(symbol)}`;
        const ask = () => fetchJson(upstream, target, causedBy);
        return bestPricesIn(await invented.watch(causedBy, ask), symbol);
      },
    }),
  );
  const spotSymbols = createFreshCache<Instrument>({
    ...common,
    freshMs: instrumentFreshMs,
    load: (symbol, causedBy) =>
      invented.watch(causedBy, async () => {
        const target = `/api/v3/exchangeInfo?symbol=${encodeComponent(symbol)}`;
        return known(instrumentsIn('spot', await fetchJson('spot', target, causedBy)).get(symbol));
      }),
  });
  const tables = createFreshCache<ReadonlyMap<string, Instrument>, TableMarket>({
    ...common,
    freshMs: instrumentFreshMs,
    load: async (market, causedBy) => {
      const [upstream, path] = TABLES[market];
      return instrumentsIn(market, await fetchJson(upstream, path, causedBy));
    },
  });

  return {
    depth: createDepthBook({ ...common, fetchJson, freshMs: bookFreshMs }),
    bestPrices: (market, symbol, causedBy) => books(market).get(symbol, causedBy),
    instrument(market, symbol, causedBy) {
      if (market === 'equity') return stock(symbol);
      if (market === 'spot') return spotSymbols.get(symbol, causedBy);
      return andThen(tables.get(market, causedBy), (table) => {
        const found = table.get(symbol);
        if (found !== undefined) return found;
        tables.dropOlderThan(market, RELIST_MS);
        return andThen(tables.get(market, causedBy), (anew) => known(anew.get(symbol)));
      });
    },
  };
}

function byMarket<V>(create: (market: Market) => V): (market: Market) => V {
  const created = new Map<Market, V>();
  return (market) => {
    const made = created.get(market) ?? create(market);
    created.set(market, made);
    return made;
  };
}

/** Stocks are quoted in US dollars and paid in USDC. */
function stock(symbol: string): Instrument {
  const contractSize = new ExactDecimal(1);
  return { baseAsset: symbol, quoteAsset: 'USDC', contract: 'linear', contractSize, strikePrice: undefined };
}

function known(instrument: Instrument | undefined): Instrument {
  if (instrument === undefined) throw new UnknownSymbol();
  return instrument;
}
