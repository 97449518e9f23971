import type { Decimal } from '../decimal.ts';

/** Where an order is valued: the book and the symbol list it is looked up in. Margin trades on spot's book. */
export type Market = 'spot' | 'usdm' | 'coinm' | 'options' | 'equity';

export type Side = 'BUY' | 'SELL';

/** The type under which an accepted convert quote, or the minting or redeeming of a tokenized stock, is judged. */
export const CONVERT = 'CONVERT';
/** The type under which a convert limit order is judged. */
export const CONVERT_LIMIT = 'CONVERT_LIMIT';

/** One order that a call would place or amend, whatever the orderShape it comes through. */
export interface IntendedOrder {
  readonly market: Market;
  /** Undefined where the call names none (a convert quote is accepted by its id). */
  readonly symbol: string | undefined;
  /** Undefined only where an amendment does not say it. */
  readonly side: Side | undefined;
  /** Undefined only where an amendment leaves open what kind of order it changes. */
  readonly type: string | undefined;
  /** Quantity in the base asset, in contracts on COIN-M. Undefined where none is said. */
  readonly quantity: Decimal | undefined;
  /** Amount in the quote asset, where the order is placed by amount. */
  readonly quoteQuantity: Decimal | undefined;
  /** Every price the order carries: its own, its trigger, its activation. */
  readonly prices: readonly Decimal[];
  /** Those of them that it would trade at: more than one where a call says its price twice. */
  readonly ownPrices: readonly Decimal[];
  /** Those of them that set it off, and at which a trailing order begins to follow. */
  readonly triggerPrices: readonly Decimal[];
  /** The price of the order that it waits for; undefined where it waits for none, or that one names no price. */
  readonly entersAt: Decimal | undefined;
  /** How far a trailing order follows the market, as a fraction of the price (0.01 is one per cent). */
  readonly trail: Decimal | undefined;
  /** The price is left to the book (pegged, priceMatch), on whichever side. */
  readonly followsBook: boolean;
  /** How many price levels deep the price that it follows may lie; 1 is the best. Infinity where nobody can say. */
  readonly followedLevel: number;
  /** Closes whatever the position is, or may mean to: the call says no quantity. */
  readonly closesPosition: boolean;
  /** It says so as Binance documents it: `closePosition=true`. */
  readonly surelyCloses: boolean;
  /** As Binance documents it: `reduceOnly=true`. */
  readonly reduceOnly: boolean;
  /** As it was written; Binance knows LONG, SHORT and BOTH. */
  readonly positionSide: string | undefined;
  /** Changes an order that stands. */
  readonly isAmendment: boolean;
  /** Orders of one call with the same number exclude each other: no more than one of them executes. */
  readonly exclusive: number | undefined;
  /** The assets that a convert names; the symbol is made of them. */
  readonly assets: { readonly base: string; readonly quote: string } | undefined;
}
