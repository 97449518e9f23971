import { type Decimal, ExactDecimal, readDecimal } from '../core/decimal.ts';
import type { BestPrices, Depth, Level } from '../core/orders/book.ts';
import type { Market } from '../core/orders/intended-order.ts';
import { type Instrument, Unvaluable } from '../core/orders/notional.ts';

/**
 * Best prices out of a book ticker, the options ticker or the stock quote: an object, or a list that holds it.
 * @throws Unvaluable when the answer is not that of this symbol
 */
export function bestPricesIn(answer: unknown, symbol: string): BestPrices {
  const rows = Array.isArray(answer) ? answer : [answer];
  for (const row of rows.map(toRecord)) {
    if (row?.symbol !== symbol) continue;
    const bid = toDecimal(row.bidPrice);
    const ask = toDecimal(row.askPrice);
    if (bid === undefined || ask === undefined) continue;
    return { bid, ask, bidQuantity: standing(row, 'bid'), askQuantity: standing(row, 'ask') };
  }
  throw new Unvaluable('the book is not known');
}

/**
 * Both sides of the book out of a depth answer.
 * @throws Unvaluable when it is none
 */
export function depthIn(answer: unknown): Depth {
  const book = toRecord(answer);
  return { bids: levelsIn(book?.bids), asks: levelsIn(book?.asks) };
}

/** The symbols of an exchangeInfo by name; rows that do not say enough to value an order are left out. */
export function instrumentsIn(market: Market, answer: unknown): ReadonlyMap<string, Instrument> {
  const rows = toRecord(answer)?.[market === 'options' ? 'optionSymbols' : 'symbols'];
  const instruments = new Map<string, Instrument>();
  if (!Array.isArray(rows)) return instruments;
  for (const row of rows.map(toRecord)) {
    if (row === undefined || typeof row.symbol !== 'string') continue;
    const instrument = market === 'options' ? optionOf(row) : contractOf(market, row);
    if (instrument !== undefined) instruments.set(row.symbol, instrument);
  }
  return instruments;
}

type Row = Readonly<Record<string, unknown>>;

/** Stocks name it a size. The options ticker says nothing, so everything there goes deep. */
function standing(row: Row, side: 'bid' | 'ask'): Decimal | undefined {
  return toDecimal(row[`${side}Qty`] ?? row[`${side}Size`]);
}

function levelsIn(side: unknown): Level[] {
  if (!Array.isArray(side)) throw new Unvaluable('the depth of the book is not known');
  return side.map((level: unknown) => {
    const [price, quantity] = Array.isArray(level) ? level.map(toDecimal) : [];
    if (price === undefined || quantity === undefined)
      throw new Unvaluable('the depth of the book is not known');
    return { price, quantity };
  });
}

function optionOf(row: Row): Instrument | undefined {
  const strikePrice = toDecimal(row.strikePrice);
  const contractSize = row.unit === undefined ? new ExactDecimal(1) : toDecimal(row.unit);
  if (typeof row.quoteAsset !== 'string' || strikePrice === undefined || contractSize === undefined)
    return undefined;
  const baseAsset = typeof row.underlying === 'string' ? row.underlying : '';
  return { baseAsset, quoteAsset: row.quoteAsset, contract: 'linear', contractSize, strikePrice };
}

function contractOf(market: Market, row: Row): Instrument | undefined {
  const { baseAsset, quoteAsset, marginAsset } = row;
  if (typeof baseAsset !== 'string' || typeof quoteAsset !== 'string') return undefined;
  const contractSize = row.contractSize === undefined ? undefined : toDecimal(row.contractSize);
  const unsized = row.contractSize !== undefined && contractSize === undefined;
  if (unsized || (contractSize !== undefined && !contractSize.gt(0))) return undefined;
  // Margined in its own base asset, a contract is worth a fixed amount of the quote asset. Both futures exchanges
  // are about to list each other's symbols, so the row decides, not the exchange.
  const inverse =
    market === 'coinm' ? marginAsset === undefined || marginAsset === baseAsset : marginAsset === baseAsset;
  if (market !== 'spot' && inverse) {
    if (contractSize === undefined) return undefined;
    return { baseAsset, quoteAsset, contract: 'inverse', contractSize, strikePrice: undefined };
  }
  const size = market === 'spot' ? undefined : contractSize;
  return {
    baseAsset,
    quoteAsset,
    contract: 'linear',
    contractSize: size ?? new ExactDecimal(1),
    strikePrice: undefined,
  };
}

function toRecord(value: unknown): Row | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Row) : undefined;
}

/** Decimal strings, and whole numbers; a fraction that a JSON parser made a float of is not believed. */
function toDecimal(value: unknown): Decimal | undefined {
  if (typeof value === 'string') return readDecimal(value);
  return Number.isSafeInteger(value) ? readDecimal(String(value)) : undefined;
}
