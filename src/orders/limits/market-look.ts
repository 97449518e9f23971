import type { Client, OrderRules } from '../../core/access/client.ts';
import { NO_VIOLATIONS, type Violation } from '../../core/access/violation.ts';
import {
  bandNeedsBook,
  bandNeedsDepth,
  type MarketView,
  offBand,
  reachesLevel,
} from '../../core/limits/price-band.ts';
import { offSpread, takesTheBook } from '../../core/limits/spread.ts';
import { andThen, type NowOrLater } from '../../core/now-or-later.ts';
import type { BestPrices, Depth } from '../../core/orders/book.ts';
import type { IntendedOrder } from '../../core/orders/intended-order.ts';
import {
  assertValuable,
  type Instrument,
  isCovered,
  type Notional,
  needsBook,
  needsDepth,
  notionalOf,
  Unvaluable,
} from '../../core/orders/notional.ts';
import { needsValues, ordinal } from '../../core/orders/order-rules.ts';
import { isReducing } from '../../core/orders/reduces.ts';
import type { PriceBook } from '../price-book.ts';
import type { OnViolation } from './on-violation.ts';

/** What the market says of the orders of a call. */
interface SeenOrders {
  /** What each is worth, in their order; undefined for an exit. Empty when no rule asks for values. */
  readonly values: readonly (Notional | undefined)[];
  /** The prices that are off. */
  readonly violations: readonly Violation[];
}

/** Holds orders against the market, as the rules of their client about values and prices ask for it: one look for all. */
export type LookAtMarket = (
  rules: OrderRules,
  orders: readonly IntendedOrder[],
  client: Client,
  onViolation: OnViolation,
) => NowOrLater<SeenOrders | undefined>;

/** What the market says of one order. */
interface SeenOrder {
  readonly value: Notional | undefined;
  readonly violations: readonly Violation[];
}

/** Of an order that is not valued, and whose prices are not off. */
const FINE: SeenOrder = { value: undefined, violations: NO_VIOLATIONS };
const ALL_FINE: SeenOrders = { values: [], violations: NO_VIOLATIONS };

/** An order whose rules ask for a look at the market has a symbol. */
type NamedOrder = IntendedOrder & { readonly symbol: string };

export function createMarketLook(priceBook: PriceBook): LookAtMarket {
  /** The levels behind the best prices; undefined where no rule needs them. */
  function depthFor(
    rules: OrderRules,
    order: NamedOrder,
    instrument: Instrument | undefined,
    best: BestPrices | undefined,
    client: Client,
  ): Promise<Depth> | undefined {
    const forBand =
      rules.priceBand !== undefined && bandNeedsDepth(order) && Number.isFinite(order.followedLevel);
    const forValue = instrument !== undefined && best !== undefined && needsDepth(order, instrument, best);
    if (!forBand && !forValue) return undefined;
    return priceBook.depth(
      order.market,
      order.symbol,
      client,
      (read) => (!forValue || isCovered(order, read)) && (!forBand || reachesLevel(order, read)),
    );
  }

  function lookAtOne(
    rules: OrderRules,
    order: IntendedOrder,
    client: Client,
    which: () => string,
  ): NowOrLater<SeenOrder> {
    // Exits are free: what only makes a position smaller is held up by no value and no price.
    if (isReducing(order)) return FINE;
    const isValued = needsValues(rules);
    if (isValued) assertValuable(order);
    else if (!wantsBook(rules, order, undefined))
      return seenAs(undefined, offPrices(rules, order, UNSEEN, which));
    if (!hasSymbol(order)) throw new Unvaluable('the call names no symbol');
    const { market, symbol } = order;
    const described = isValued ? priceBook.instrument(market, symbol, client) : undefined;
    return andThen(described, (instrument) => {
      const isBookWanted = wantsBook(rules, order, instrument);
      const asked = isBookWanted ? priceBook.bestPrices(market, symbol, client) : undefined;
      return andThen(asked, (best) =>
        andThen(depthFor(rules, order, instrument, best, client), (depth) => {
          const value = instrument && notionalOf(order, instrument, best, depth);
          return seenAs(value, offPrices(rules, order, { best, depth }, which));
        }),
      );
    });
  }

  return function lookAtMarket(rules, orders, client, onViolation) {
    const unseen = (error: unknown) => {
      const why = error instanceof Unvaluable ? error.message : 'the market could not be asked';
      const what = needsValues(rules) ? 'value cannot be told' : 'price cannot be judged';
      onViolation([{ rule: 'unvaluable', why: `its ${what}: ${why}` }], error);
      return undefined;
    };
    const seen: SeenOrder[] = [];
    const later: Promise<void>[] = [];
    try {
      for (const [index, order] of orders.entries()) {
        const look = lookAtOne(rules, order, client, () => ordinal(index, orders.length));
        if (look instanceof Promise)
          later.push(
            look.then((each) => {
              seen[index] = each;
            }),
          );
        else seen[index] = look;
      }
    } catch (error) {
      later.push(Promise.reject(error));
    }
    if (later.length === 0) return summed(rules, seen);
    return Promise.all(later).then(() => summed(rules, seen), unseen);
  };
}

function seenAs(value: Notional | undefined, violations: readonly Violation[]): SeenOrder {
  return value === undefined && violations.length === 0 ? FINE : { value, violations };
}

function summed(rules: OrderRules, seen: readonly SeenOrder[]): SeenOrders {
  if (!needsValues(rules) && seen.every((each) => each === FINE)) return ALL_FINE;
  return {
    values: needsValues(rules) ? seen.map(({ value }) => value) : [],
    violations: seen.flatMap(({ violations }) => violations),
  };
}

function hasSymbol(order: IntendedOrder): order is NamedOrder {
  return order.symbol !== undefined;
}

function wantsBook(rules: OrderRules, order: IntendedOrder, instrument: Instrument | undefined): boolean {
  if (instrument !== undefined && needsBook(order, instrument)) return true;
  if (rules.priceBand !== undefined && bandNeedsBook(order)) return true;
  return rules.maxSpread !== undefined && takesTheBook(order);
}

/** A price that is held against the order's own trigger needs no market. */
const UNSEEN: MarketView = { best: undefined, depth: undefined };

function offPrices(
  { priceBand, maxSpread }: OrderRules,
  order: IntendedOrder,
  view: MarketView,
  which: () => string,
): readonly Violation[] {
  const price = priceBand === undefined ? undefined : offBand(order, priceBand, view);
  const isTaken = maxSpread !== undefined && view.best !== undefined && takesTheBook(order);
  const spread = isTaken ? offSpread(maxSpread, view.best) : undefined;
  if (price === undefined && spread === undefined) return NO_VIOLATIONS;
  const violations: Violation[] = [];
  if (price !== undefined) violations.push({ rule: 'order.priceBand', why: `the price${which()} ${price}` });
  if (spread !== undefined) violations.push({ rule: 'order.maxSpread', why: `the book${which()} ${spread}` });
  return violations;
}
