import { type Money, ZERO } from '../base/money.ts';
import { limitOf, type SpotMarket } from './market.ts';
import { planMatch, reaches } from './matching.ts';
import type { OrderRequest, OrderStatus, SpotOrder } from './order.ts';
import type { OrderRegister } from './order-register.ts';
import { requiredFunds, type Settlement, spentAsset } from './settlement.ts';

/** Executes accepted orders: matching, resting, stop prices and the end of an order. */
export class Execution {
  readonly #orders: OrderRegister;
  readonly #settlement: Settlement;

  constructor(orders: OrderRegister, settlement: Settlement) {
    this.#orders = orders;
    this.#settlement = settlement;
  }

  /** Matches an order against the book and rests, fills or expires what is left. */
  work(market: SpotMarket, order: SpotOrder, nowMs: number): void {
    order.workingTimeMs = nowMs;
    const { request } = order;
    const plan = planMatch(market, order);
    if (request.timeInForce === 'FOK' && plan.quantity.lt(order.remaining)) {
      this.finish(market, order, 'EXPIRED', nowMs);
      return;
    }
    for (const maker of plan.expiredMakers) this.finish(market, maker, 'EXPIRED_IN_MATCH', nowMs);
    for (const { offer, quantity } of plan.takes) {
      const { maker, price } = offer;
      if (maker !== undefined) this.#claimList(market, maker, nowMs);
      this.#settlement.fill(market, order, maker, request.side, price, quantity, nowMs);
      offer.quantity = offer.quantity.sub(quantity);
      if (maker?.remaining.isZero()) this.finish(market, maker, 'FILLED', nowMs);
    }
    if (isFilled(market, order)) this.finish(market, order, 'FILLED', nowMs);
    else if (plan.takerExpires) this.finish(market, order, 'EXPIRED_IN_MATCH', nowMs);
    else if (order.isMarket || request.timeInForce !== 'GTC') this.finish(market, order, 'EXPIRED', nowMs);
    else this.rest(market, order, nowMs);
  }

  /** Puts an order into the book. */
  rest(market: SpotMarket, order: SpotOrder, nowMs: number): void {
    order.workingTimeMs = nowMs;
    market.resting.add(order);
    market.updateId++;
  }

  /** Ends an order and releases what it has locked. */
  finish(market: SpotMarket, order: SpotOrder, status: OrderStatus, nowMs: number): void {
    market.resting.delete(order);
    market.waiting.delete(order);
    market.updateId++;
    order.status = status;
    order.updateTimeMs = nowMs;
    this.#orders.close(order);
    this.#settlement.release(market, order);
  }

  /** Expires the other legs of a list whose leg begins to trade. Their locked funds go over to that leg. */
  #claimList(market: SpotMarket, order: SpotOrder, nowMs: number): void {
    for (const sibling of order.list?.orders ?? []) {
      if (sibling === order || !sibling.isOpen) continue;
      order.locked = order.locked.add(sibling.locked);
      sibling.locked = ZERO;
      this.finish(market, sibling, 'EXPIRED', nowMs);
    }
  }

  /** Triggers the waiting orders whose stop price the last price has reached. */
  fireStops(market: SpotMarket, nowMs: number): void {
    for (const order of market.waiting) {
      const { stopPrice } = order.request;
      if (stopPrice === undefined || !isTriggered(order.request, stopPrice, market.lastPrice)) continue;
      market.waiting.delete(order);
      this.#claimList(market, order, nowMs);
      if (!this.#coverCost(market, order)) this.finish(market, order, 'EXPIRED', nowMs);
      else this.work(market, order, nowMs);
      this.fireStops(market, nowMs);
      return;
    }
  }

  /** Locks what a triggered order needs: a market buy may cost more than its stop price. False when it cannot pay. */
  #coverCost(market: SpotMarket, order: SpotOrder): boolean {
    const isMarketBuy = order.isMarket && order.request.side === 'BUY';
    const needed = isMarketBuy ? planMatch(market, order).quote : requiredFunds(order.request);
    const missing = needed.sub(order.locked);
    if (missing.lte(ZERO)) this.#settlement.release(market, order, needed);
    else if (this.#settlement.canPay(order.owner, spentAsset(market.rules, order.request.side), missing))
      this.#settlement.lock(market, order, missing);
    else return false;
    return true;
  }

  /** Moves a market on by one step: fills the resting orders that the street reaches, then fires stop prices. */
  pass(market: SpotMarket, step: number, nowMs: number): void {
    const { tickSize } = market.rules;
    const middle = market.walk.priceAt(step);
    for (const order of market.resting) {
      const { side } = order.request;
      const streetPrice = side === 'BUY' ? middle.add(tickSize) : middle.sub(tickSize);
      if (!reaches(side, limitOf(order), streetPrice)) continue;
      this.#claimList(market, order, nowMs);
      const takerSide = side === 'BUY' ? 'SELL' : 'BUY';
      this.#settlement.fill(market, undefined, order, takerSide, limitOf(order), order.remaining, nowMs);
      this.finish(market, order, 'FILLED', nowMs);
    }
    printStep(market, step, nowMs);
    this.fireStops(market, nowMs);
  }
}

/** A trade of the street with itself at the price of a step. */
export function printStep(market: SpotMarket, step: number, timeMs: number): void {
  const { walk, rules } = market;
  const quantity = rules.stepSize.mul(1 + walk.pick(step, 4, rules.levelSteps));
  market.print(walk.priceAt(step), quantity, timeMs, walk.pick(step, 3, 1) === 1);
}

export function isTriggered({ side, type }: OrderRequest, stopPrice: Money, lastPrice: Money): boolean {
  const onTheWayUp = type.startsWith('STOP_LOSS') === (side === 'BUY');
  return onTheWayUp ? lastPrice.gte(stopPrice) : lastPrice.lte(stopPrice);
}

/** An order by quote quantity is filled when the rest does not buy one more step. */
function isFilled(market: SpotMarket, order: SpotOrder): boolean {
  const { quantity, quoteQuantity } = order.request;
  if (quantity !== undefined) return order.remaining.isZero();
  const left = (quoteQuantity ?? ZERO).sub(order.executedQuote);
  return order.fills.length > 0 && left.lt(market.lastPrice.mul(market.rules.stepSize));
}
