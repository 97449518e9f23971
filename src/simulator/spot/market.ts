import { Money, ZERO } from '../base/money.ts';
import type { Side, SpotOrder } from './order.ts';
import { PriceWalk } from './price-walk.ts';
import type { SymbolRules } from './symbols.ts';

const STREET_LEVELS = 100;
const REMEMBERED_TRADES = 1_000;

/** Something that an incoming order can trade against. */
export interface Offer {
  readonly price: Money;
  quantity: Money;
  /** Undefined: the street. */
  readonly maker: SpotOrder | undefined;
}

export interface PublicTrade {
  readonly id: number;
  readonly price: Money;
  readonly quantity: Money;
  readonly timeMs: number;
  readonly isBuyerMaker: boolean;
}

/** The book of one symbol: the street's levels around a wandering price, and the resting orders of the accounts. */
export class SpotMarket {
  readonly rules: SymbolRules;
  readonly walk: PriceWalk;
  readonly trades: PublicTrade[] = [];
  readonly resting = new Set<SpotOrder>();
  readonly waiting = new Set<SpotOrder>();
  lastPrice: Money;
  updateId = 1_000_000;
  #nextTradeId = 1;
  #street: Record<Side, Offer[]> = { BUY: [], SELL: [] };

  constructor(rules: SymbolRules, seed: number) {
    this.rules = rules;
    this.walk = new PriceWalk(rules, seed);
    this.lastPrice = this.walk.priceAt(0);
    this.moveStreet(0);
  }

  /** Puts the street's levels around the price of a step. */
  moveStreet(step: number): void {
    const middle = this.walk.priceAt(step);
    const { tickSize, stepSize, levelGap, levelSteps } = this.rules;
    const levels = (direction: 1 | -1, salt: number): Offer[] =>
      Array.from({ length: STREET_LEVELS }, (_, depth) => ({
        price: middle.add(tickSize.mul(direction * (1 + depth * levelGap))),
        quantity: stepSize.mul(1 + this.walk.pick(step, salt + depth, levelSteps - 1)),
        maker: undefined,
      })).filter((level) => level.price.gt(ZERO));
    this.#street = { BUY: levels(-1, 10), SELL: levels(1, 10 + STREET_LEVELS) };
    this.updateId++;
  }

  /** The offers on one side of the book, best price first. At the same price accounts come before the street. */
  offers(side: Side): Offer[] {
    const own = [...this.resting]
      .filter((order) => order.request.side === side)
      .map((order): Offer => ({ price: limitOf(order), quantity: order.remaining, maker: order }));
    const street = this.#street[side].filter((level) => level.quantity.gt(ZERO));
    const better = side === 'BUY' ? -1 : 1;
    return [...own, ...street].sort(
      (a, b) =>
        better * a.price.cmp(b.price) || (a.maker?.orderId ?? Infinity) - (b.maker?.orderId ?? Infinity),
    );
  }

  best(side: Side): Offer | undefined {
    return this.offers(side)[0];
  }

  /** The best price of the street on one side. */
  streetBest(side: Side): Money | undefined {
    return this.#street[side].find((level) => level.quantity.gt(ZERO))?.price;
  }

  /** Aggregated price levels of one side. */
  levels(side: Side, limit: number): [price: Money, quantity: Money][] {
    const levels: [Money, Money][] = [];
    for (const offer of this.offers(side)) {
      const last = levels.at(-1);
      if (last?.[0].eq(offer.price)) last[1] = last[1].add(offer.quantity);
      else if (levels.length === limit) break;
      else levels.push([offer.price, offer.quantity]);
    }
    return levels;
  }

  /** Adds a public trade and returns its id. */
  print(price: Money, quantity: Money, timeMs: number, isBuyerMaker: boolean): number {
    const id = this.#nextTradeId++;
    this.trades.push({ id, price, quantity, timeMs, isBuyerMaker });
    if (this.trades.length > REMEMBERED_TRADES) this.trades.shift();
    this.lastPrice = price;
    this.updateId++;
    return id;
  }
}

/** The limit price of a resting order. */
export function limitOf(order: SpotOrder): Money {
  return order.request.price ?? new Money(ZERO);
}
