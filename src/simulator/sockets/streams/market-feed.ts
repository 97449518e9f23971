import { amount } from '../../base/money.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { PublicTrade, SpotMarket } from '../../spot/market.ts';

type Level = readonly [price: string, quantity: string];

/** What has happened on a market since the last look. */
export interface MarketMove {
  readonly trades: readonly PublicTrade[];
  readonly bookMoved: boolean;
  /** Changes of the book; undefined when nobody watches it. */
  readonly depth: DepthChange | undefined;
  /** Server time of the last look, ms. */
  readonly previousMs: number;
}

interface DepthChange {
  readonly firstUpdateId: number;
  readonly lastUpdateId: number;
  readonly previousUpdateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

interface Cursor {
  tradeId: number;
  updateId: number;
  /** The book at the last look. */
  book: Book | undefined;
  lookedMs: number;
}

interface Book {
  readonly updateId: number;
  readonly bids: ReadonlyMap<string, string>;
  readonly asks: ReadonlyMap<string, string>;
}

const ALL_LEVELS = 5_000;

/** Compares the markets with the last look. */
export class MarketFeed {
  #cursors = new Map<SpotMarket, Cursor>();

  /** Starts from the present. */
  start(exchange: Exchange): void {
    const lookedMs = exchange.nowMs();
    this.#cursors = new Map();
    for (const market of exchange.spot.markets.values()) {
      const tradeId = market.trades.at(-1)?.id ?? 0;
      this.#cursors.set(market, { tradeId, updateId: market.updateId, book: undefined, lookedMs });
    }
  }

  /** Reports the changes of this book from now on. */
  watchDepth(market: SpotMarket): void {
    const cursor = this.#cursors.get(market);
    if (cursor !== undefined) cursor.book ??= readBook(market);
  }

  /** The moves since the last look, of every market that has moved. */
  look(exchange: Exchange): ReadonlyMap<SpotMarket, MarketMove> {
    const moves = new Map<SpotMarket, MarketMove>();
    const nowMs = exchange.nowMs();
    for (const [market, cursor] of this.#cursors) {
      const trades = market.trades.filter(({ id }) => id > cursor.tradeId);
      const bookMoved = market.updateId !== cursor.updateId;
      if (!bookMoved && trades.length === 0) continue;
      const depth = cursor.book === undefined ? undefined : changeOf(cursor.book, market);
      moves.set(market, { trades, bookMoved, depth, previousMs: cursor.lookedMs });
      cursor.tradeId = market.trades.at(-1)?.id ?? cursor.tradeId;
      cursor.updateId = market.updateId;
      if (cursor.book !== undefined) cursor.book = readBook(market);
      cursor.lookedMs = nowMs;
    }
    return moves;
  }
}

function readBook(market: SpotMarket): Book {
  const side = (name: 'BUY' | 'SELL') =>
    new Map(market.levels(name, ALL_LEVELS).map(([price, quantity]) => [amount(price), amount(quantity)]));
  return { updateId: market.updateId, bids: side('BUY'), asks: side('SELL') };
}

function changeOf(before: Book, market: SpotMarket): DepthChange {
  const after = readBook(market);
  return {
    firstUpdateId: before.updateId + 1,
    lastUpdateId: after.updateId,
    previousUpdateId: before.updateId,
    bids: changedLevels(before.bids, after.bids),
    asks: changedLevels(before.asks, after.asks),
  };
}

/** A level that is gone is reported with a quantity of zero. */
function changedLevels(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Level[] {
  const gone = [...before.keys()].filter((price) => !after.has(price));
  const changed = [...after].filter(([price, quantity]) => before.get(price) !== quantity);
  return [...changed, ...gone.map((price): Level => [price, '0.00000000'])];
}
