import { type Decimal, ExactDecimal, largest } from '../decimal.ts';
import type { BestPrices, Depth } from '../orders/book.ts';
import type { IntendedOrder, Side } from '../orders/intended-order.ts';
import { Unvaluable } from '../orders/notional.ts';

/** What is known of the market when an order is held against it. */
export interface MarketView {
  readonly best: BestPrices | undefined;
  readonly depth: Depth | undefined;
}

/** Types that wait for a trigger. The price of any other one counts from now on, whatever trigger stands beside it. */
const TRIGGERED: ReadonlySet<string> = new Set([
  ...['STOP_LOSS', 'STOP_LOSS_LIMIT', 'TAKE_PROFIT', 'TAKE_PROFIT_LIMIT'],
  ...['STOP', 'STOP_MARKET', 'TAKE_PROFIT_MARKET', 'TRAILING_STOP_MARKET'],
]);

/** An amendment that says no side may be of either. */
const BOTH_SIDES: readonly Side[] = ['BUY', 'SELL'];
const ONE_SIDE: Readonly<Record<Side, readonly Side[]>> = { BUY: ['BUY'], SELL: ['SELL'] };

/** Whether an order waits for a trigger that it names. */
export function isTriggered({ type }: IntendedOrder): boolean {
  return type !== undefined && TRIGGERED.has(type);
}

/** Whether the best prices are needed to judge the price of an order. */
export function bandNeedsBook(order: IntendedOrder): boolean {
  if (bandNeedsDepth(order)) return true;
  if (order.ownPrices.length === 0) return false;
  return isTriggered(order) ? order.triggerPrices.length === 0 : order.entersAt === undefined;
}

/** Whether the price of an order lies behind the best one, at a level that it leaves to the book. */
export function bandNeedsDepth(order: IntendedOrder): boolean {
  return order.followsBook && order.followedLevel > 1;
}

/** Whether the book was read as far as the level that an order follows. */
export function reachesLevel(order: IntendedOrder, depth: Depth): boolean {
  return sidesOf(order).every((side) => followedPrice(order, side, depth) !== undefined);
}

/**
 * What is wrong with the price of an order, as the rest of a sentence; undefined when nothing is. Only the side that
 * costs its client counts: a purchase above the market, a sale below it. An order that waits for a trigger is held
 * against that trigger, which is free, and one that waits for another order against the price of that one.
 * @throws Unvaluable when the market has no price
 */
export function offBand(order: IntendedOrder, band: string, view: MarketView): string | undefined {
  for (const side of sidesOf(order)) {
    const own = worst(side, order.ownPrices);
    if (own !== undefined && isBeyond(side, own, referenceOf(order, side, view), band))
      return beyond(side, band, order);
    if (!bandNeedsDepth(order)) continue;
    const followed = followedPrice(order, side, view.depth);
    if (followed === undefined) return 'follows the book further than it is known';
    if (isBeyond(side, followed, marketPrice(side, view), band)) return beyond(side, band, order);
  }
  return undefined;
}

function beyond(side: Side, band: string, order: IntendedOrder): string {
  const where = side === 'BUY' ? 'above' : 'below';
  return `is more than ${percent(band)} ${where} ${isTriggered(order) ? 'its trigger' : 'the market'}`;
}

function referenceOf(order: IntendedOrder, side: Side, view: MarketView): Decimal {
  if (!isTriggered(order)) return order.entersAt ?? marketPrice(side, view);
  const { triggerPrices, trail } = order;
  const trigger = triggerPrices.length === 0 ? marketPrice(side, view) : best(side, triggerPrices);
  if (trail === undefined) return trigger;
  return trigger.times(side === 'BUY' ? trail.plus(1) : ExactDecimal.max(0, trail.neg().plus(1)));
}

function isBeyond(side: Side, price: Decimal, from: Decimal, band: string): boolean {
  const edge = edgeOf(side, from, band);
  return side === 'BUY' ? price.gt(edge) : price.lt(edge);
}

/** How far a band reaches: its factor, and where that lay when it was asked for last. */
interface Reach {
  readonly factor: Decimal;
  from: Decimal | undefined;
  edge: Decimal;
}

/** By the bands that are configured, which are few. The price of a book stays the same object while the book is fresh. */
const reaches = { BUY: new Map<string, Reach>(), SELL: new Map<string, Reach>() };

function edgeOf(side: Side, from: Decimal, band: string): Decimal {
  let reach = reaches[side].get(band);
  if (reach === undefined) {
    const part = new ExactDecimal(band);
    const factor = side === 'BUY' ? part.plus(1) : part.neg().plus(1);
    reach = { factor, from: undefined, edge: factor };
    reaches[side].set(band, reach);
  }
  if (reach.from !== from) {
    reach.from = from;
    reach.edge = from.times(reach.factor);
  }
  return reach.edge;
}

/** The price that an order of this side meets; that of the other side where nobody stands there. */
function marketPrice(side: Side, { best: prices }: MarketView): Decimal {
  if (prices === undefined) throw new Unvaluable('the book is not known');
  const met = side === 'BUY' ? prices.ask : prices.bid;
  const other = side === 'BUY' ? prices.bid : prices.ask;
  const price = isSome(met) ? met : other;
  if (!isSome(price)) throw new Unvaluable('the book is empty');
  return price;
}

/** Nobody stands at a price of nothing. */
function isSome(price: Decimal): boolean {
  return price.isPositive() && !price.isZero();
}

function followedPrice(order: IntendedOrder, side: Side, depth: Depth | undefined): Decimal | undefined {
  return depth?.[side === 'BUY' ? 'asks' : 'bids'][order.followedLevel - 1]?.price;
}

function sidesOf({ side }: IntendedOrder): readonly Side[] {
  return side === undefined ? BOTH_SIDES : ONE_SIDE[side];
}

/** The one that costs most. */
function worst(side: Side, prices: readonly Decimal[]): Decimal | undefined {
  if (prices.length < 2) return prices[0];
  return side === 'BUY' ? largest(prices) : ExactDecimal.min(...prices);
}

/** The one that allows least. */
function best(side: Side, prices: readonly Decimal[]): Decimal {
  return side === 'BUY' ? ExactDecimal.min(...prices) : ExactDecimal.max(...prices);
}

/** A fraction as people read it. */
export function percent(fraction: string): string {
  return `${new ExactDecimal(fraction).times(100).toFixed()} %`;
}
