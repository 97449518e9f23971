import { type Decimal, ExactDecimal, largest } from '../decimal.ts';
import { type BestPrices, type Depth, goesDeep, valuesInDepth } from './book.ts';
import { CONVERT_LIMIT, type IntendedOrder } from './intended-order.ts';

/** What has to be known about a symbol before an order on it can be valued. */
export interface Instrument {
  readonly baseAsset: string;
  /** The asset in which prices are quoted; USD for COIN-M contracts. */
  readonly quoteAsset: string;
  /** linear: quantity times price is the value. inverse: a contract is worth a fixed amount of the quote asset. */
  readonly contract: 'linear' | 'inverse';
  /** Value of one contract (inverse), or what one unit of quantity stands for (linear, usually 1). */
  readonly contractSize: Decimal;
  /** Options only. */
  readonly strikePrice: Decimal | undefined;
}

export interface Notional {
  readonly asset: string;
  readonly amount: Decimal;
}

/** An order whose value nobody can name; rules that need the value refuse it. */
export class Unvaluable extends Error {
  override readonly name: string = 'Unvaluable';
}

/** An order on a symbol that Binance does not have. */
export class UnknownSymbol extends Unvaluable {
  override readonly name = 'UnknownSymbol';

  constructor() {
    super('the exchange does not describe the symbol');
  }
}

/** Placing by amount exists for MARKET orders and for convert; elsewhere an amount proves nothing. */
const BY_AMOUNT: ReadonlySet<string> = new Set(['MARKET', CONVERT_LIMIT]);

/** @throws Unvaluable when no market price could help: nothing says how much is traded */
export function assertValuable(order: IntendedOrder): asserts order is IntendedOrder & { symbol: string } {
  if (order.symbol === undefined) throw new Unvaluable('the call names neither symbol nor amount');
  if (order.closesPosition)
    throw new Unvaluable(
      'closePosition says no quantity (as an exit it is spelt true and stands without one)',
    );
  if (quantityOf(order) === undefined && amountOf(order) === undefined)
    throw new Unvaluable('no quantity is given');
}

/** Whether the current book takes part in the value of the order. */
export function needsBook(order: IntendedOrder, instrument: Instrument): boolean {
  if (quantityOf(order) === undefined) return order.type === CONVERT_LIMIT && order.side !== 'BUY';
  return instrument.contract === 'linear';
}

/** Whether the value takes the book behind the best prices. */
export function needsDepth(order: IntendedOrder, instrument: Instrument, best: BestPrices): boolean {
  const quantity = quantityOf(order);
  return quantity !== undefined && instrument.contract === 'linear' && goesDeep(order, quantity, best);
}

/** Whether the book was read as far as the order reaches. */
export function isCovered(order: IntendedOrder, depth: Depth): boolean {
  const quantity = quantityOf(order);
  return quantity === undefined || valuesInDepth(order, quantity, depth) !== undefined;
}

/**
 * The value of an order: its quantity times the larger of its own prices and the current book, by depth beyond what
 * stands at the best price, an amount at face value, an inverse contract at its size. The price that the caller names
 * can only raise it.
 * @throws Unvaluable
 */
export function notionalOf(
  order: IntendedOrder,
  instrument: Instrument,
  best: BestPrices | undefined,
  depth?: Depth,
): Notional {
  assertValuable(order);
  assertNamedAssets(order, instrument);
  const quantity = quantityOf(order);
  const values = [];
  // Beside a quantity an amount counts whatever the type: nobody here knows how Binance reads a type that it spells otherwise.
  const amount = quantity === undefined ? amountOf(order) : positive(order.quoteQuantity);
  if (amount !== undefined) values.push(faceValue(order, amount, best));
  if (quantity !== undefined)
    values.push(tradedValue(order, quantity, instrument, best, depth).times(instrument.contractSize));
  const value = largest(values);
  if (value === undefined) throw new Unvaluable('no quantity is given');
  return { asset: instrument.quoteAsset, amount: value };
}

/**
 * What an order itself says it is worth, without a look at any market: its amount, else its quantity at the first price
 * that it names. Undefined where it says too little, as contracts of COIN-M do.
 */
export function statedValue(order: IntendedOrder): Decimal | undefined {
  if (order.market === 'coinm') return undefined;
  const quantity = quantityOf(order);
  return amountOf(order) ?? (quantity && order.prices[0]?.times(quantity));
}

function quantityOf(order: IntendedOrder): Decimal | undefined {
  return positive(order.quantity);
}

function positive(value: Decimal | undefined): Decimal | undefined {
  return value?.gt(0) ? value : undefined;
}

function amountOf(order: IntendedOrder): Decimal | undefined {
  if (order.type === undefined || !BY_AMOUNT.has(order.type)) return undefined;
  return positive(order.quoteQuantity);
}

/** What a quantity is worth in quote asset, or in contracts where they are inverse, before the size of a contract. */
function tradedValue(
  order: IntendedOrder,
  quantity: Decimal,
  instrument: Instrument,
  best: BestPrices | undefined,
  depth: Depth | undefined,
): Decimal {
  if (instrument.contract === 'inverse') return quantity;
  const values = order.prices.map((price) => price.times(quantity));
  values.push(marketPrice(order, best).times(quantity));
  if (best !== undefined && goesDeep(order, quantity, best)) {
    const deep = depth && valuesInDepth(order, quantity, depth);
    if (deep === undefined) throw new Unvaluable('the book that is known does not reach as far as the order');
    values.push(...deep);
  }
  const most = largest([...values, ...trailed(order, values)]);
  if (most === undefined || !most.gt(0)) throw new Unvaluable('there is no price');
  // Who writes an option owes more than the premium: the strike is what may change hands.
  const writes = instrument.strikePrice !== undefined && order.side !== 'BUY' && !order.reduceOnly;
  return writes ? most.plus(instrument.strikePrice.times(quantity)) : most;
}

/** A trailing purchase triggers above the lowest price it has seen, at most this far above today's. */
function trailed(order: IntendedOrder, values: readonly Decimal[]): Decimal[] {
  if (order.trail === undefined || order.side === 'SELL') return [];
  return values.map((value) => value.times(order.trail?.plus(1) ?? 1));
}

/** The side an order would trade against; the dearer one when it is not known, or when that side is empty. */
function marketPrice(order: IntendedOrder, best: BestPrices | undefined): Decimal {
  if (best === undefined) throw new Unvaluable('the book is not known');
  const dearer = ExactDecimal.max(best.bid, best.ask);
  if (!dearer.gt(0)) throw new Unvaluable('the book is empty');
  if (order.side === undefined || order.followsBook) return dearer;
  const side = order.side === 'BUY' ? best.ask : best.bid;
  return side.gt(0) ? side : dearer;
}

/** A convert sale of an amount sells more, the lower the limit it names: then the book says what that is worth. */
function faceValue(order: IntendedOrder, amount: Decimal, best: BestPrices | undefined): Decimal {
  if (order.type !== CONVERT_LIMIT || order.side === 'BUY') return amount;
  const limit = largest(order.prices);
  if (limit === undefined || !limit.gt(0)) throw new Unvaluable('there is no price');
  return ExactDecimal.max(amount, amount.times(marketPrice(order, best)).div(limit));
}

/** `BTC` and `USDT` must be the assets of the symbol that their names make. */
function assertNamedAssets(order: IntendedOrder, instrument: Instrument): void {
  if (order.assets === undefined) return;
  if (order.assets.base !== instrument.baseAsset || order.assets.quote !== instrument.quoteAsset)
    throw new Unvaluable('the assets are not those of a spot symbol');
}
