import { floorTo, type Money, ZERO } from '../base/money.ts';
import type { Offer, SpotMarket } from './market.ts';
import type { SpotOrder } from './order.ts';

/** What an order would do to the book. Nothing is done yet. */
export interface MatchPlan {
  readonly takes: readonly { readonly offer: Offer; readonly quantity: Money }[];
  /** Resting orders of the same account that self-trade prevention ends. */
  readonly expiredMakers: readonly SpotOrder[];
  /** Self-trade prevention ends the incoming order too. */
  readonly takerExpires: boolean;
  readonly quantity: Money;
  readonly quote: Money;
}

/** Walks the opposite side of the book, best price first, as far as limit, quantity and self-trade prevention allow. */
export function planMatch(market: SpotMarket, order: SpotOrder): MatchPlan {
  const { side, price: limit, quoteQuantity, selfTradeMode } = order.request;
  const takes: { offer: Offer; quantity: Money }[] = [];
  const expiredMakers: SpotOrder[] = [];
  let takerExpires = false;
  let left = order.remaining;
  let quoteLeft = quoteQuantity;
  let quantity = ZERO;
  let quote = ZERO;
  for (const offer of market.offers(side === 'BUY' ? 'SELL' : 'BUY')) {
    if (limit !== undefined && !order.isMarket && !reaches(side, limit, offer.price)) break;
    const wanted =
      quoteLeft === undefined ? left : floorTo(quoteLeft.div(offer.price), market.rules.stepSize);
    if (wanted.lte(ZERO)) break;
    if (offer.maker?.owner === order.owner && selfTradeMode !== 'NONE') {
      if (selfTradeMode !== 'EXPIRE_TAKER') expiredMakers.push(offer.maker);
      takerExpires = selfTradeMode !== 'EXPIRE_MAKER';
      if (takerExpires) break;
      continue;
    }
    const taken = wanted.lt(offer.quantity) ? wanted : offer.quantity;
    const cost = taken.mul(offer.price);
    takes.push({ offer, quantity: taken });
    left = left.sub(taken);
    quoteLeft = quoteLeft?.sub(cost);
    quantity = quantity.add(taken);
    quote = quote.add(cost);
  }
  return { takes, expiredMakers, takerExpires, quantity, quote };
}

/** True when an order with this limit trades at the price. */
export function reaches(side: 'BUY' | 'SELL', limit: Money, price: Money): boolean {
  return side === 'BUY' ? price.lte(limit) : price.gte(limit);
}
