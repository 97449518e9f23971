import { randomBytes } from 'node:crypto';
import type { Ledger } from '../accounts/ledger.ts';
import { filterFailure, invalidSymbol, orderRejected, unknownOrder } from '../base/exchange-error.ts';
import { Money, ZERO } from '../base/money.ts';
import { limitOf, SpotMarket } from './market.ts';
import { planMatch, reaches } from './matching.ts';
import { type OrderList, type OrderRequest, type OrderStatus, SpotOrder } from './order.ts';
import { OrderRegister } from './order-register.ts';
import { requiredFunds, Settlement, spentAsset } from './settlement.ts';
import { SPOT_SYMBOLS } from './symbols.ts';

const REPLAYED_STEPS = 120;
/** Trades that are on the tape when the exchange opens. */
const PRINTED_STEPS = 60;
/** Per account and symbol. */
export const MAX_OPEN_ORDERS = 200;

/** The matching engine: all spot markets, all orders. */
export class SpotEngine {
  readonly markets = new Map<string, SpotMarket>();
  readonly orders = new OrderRegister();
  readonly #settlement: Settlement;
  #nextOrderId = 28_000_001;
  #step = 0;

  constructor(
    ledger: Ledger,
    seed: number,
    openedMs: number,
    onFirstFill: (owner: string, isMaker: boolean) => void,
  ) {
    this.#settlement = new Settlement(ledger, onFirstFill);
    for (const rules of SPOT_SYMBOLS) {
      const market = new SpotMarket(rules, seed);
      for (let step = -PRINTED_STEPS; step < 0; step++) printStep(market, step, openedMs + step * 1_000);
      printStep(market, 0, openedMs);
      this.markets.set(rules.symbol, market);
    }
  }

  /** @throws ExchangeError -1121 */
  market(symbol: string): SpotMarket {
    const market = this.markets.get(symbol);
    if (market === undefined) throw invalidSymbol();
    return market;
  }

  /** Lets the markets wander up to a step; what the street reaches on its way is filled. */
  advance(step: number, nowMs: number): void {
    if (step <= this.#step) return;
    const first = Math.max(this.#step + 1, step - REPLAYED_STEPS);
    this.#step = step;
    for (const market of this.markets.values()) {
      for (let passing = first; passing <= step; passing++) this.#pass(market, passing, nowMs);
      market.moveStreet(step);
    }
  }

  /**
   * Accepts an order and matches it.
   * @throws ExchangeError -2010
   */
  place(owner: string, request: OrderRequest, nowMs: number): SpotOrder {
    const market = this.market(request.symbol);
    this.refuseUnplaceable(owner, request);
    const order = this.#create(owner, request, nowMs);
    const plan = order.isMarket && request.stopPrice === undefined ? planMatch(market, order) : undefined;
    const needed =
      plan === undefined ? requiredFunds(request) : request.side === 'BUY' ? plan.quote : plan.quantity;
    if (!this.#settlement.canPay(owner, spentAsset(market.rules, request.side), needed))
      throw orderRejected('Account has insufficient balance for requested action.');
    this.orders.add(order);
    this.#settlement.lock(market, order, needed);
    if (request.stopPrice === undefined) this.#work(market, order, nowMs);
    else market.waiting.add(order);
    this.#fireStops(market, nowMs);
    return order;
  }

  /**
   * Accepts two orders of which one cancels the other; the funds are locked once.
   * @throws ExchangeError -2010
   */
  placeOco(owner: string, requests: readonly OrderRequest[], listClientOrderId: string, nowMs: number) {
    const symbol = requests[0]?.symbol ?? '';
    const market = this.market(symbol);
    for (const request of requests) this.refuseUnplaceable(owner, request);
    const needed = Money.max(...requests.map(requiredFunds));
    if (!this.#settlement.canPay(owner, spentAsset(market.rules, requests[0]?.side ?? 'SELL'), needed))
      throw orderRejected('Account has insufficient balance for requested action.');
    const orders: SpotOrder[] = [];
    const orderListId = this.#nextOrderId++;
    const list: OrderList = { orderListId, listClientOrderId, symbol, owner, orders, timeMs: nowMs };
    for (const request of requests) orders.push(this.#create(owner, request, nowMs, list));
    for (const [position, order] of orders.entries()) {
      this.orders.add(order);
      if (position === 0) this.#settlement.lock(market, order, needed);
      if (order.request.stopPrice !== undefined) market.waiting.add(order);
      else this.#rest(market, order, nowMs);
    }
    return list;
  }

  /** @throws ExchangeError -2010 (or -1013 for too many open orders) for what the engine would not accept whatever the balance */
  refuseUnplaceable(owner: string, request: OrderRequest): void {
    const market = this.market(request.symbol);
    const { side, type, price, stopPrice, clientOrderId } = request;
    const open = this.orders.open(owner).filter((order) => order.request.symbol === request.symbol);
    if (open.length >= MAX_OPEN_ORDERS) throw filterFailure('MAX_NUM_ORDERS');
    if (clientOrderId !== undefined && this.orders.hasOpen(owner, clientOrderId))
      throw orderRejected('Duplicate order sent.');
    const opposite = market.best(side === 'BUY' ? 'SELL' : 'BUY');
    if (type === 'LIMIT_MAKER' && price && opposite && reaches(side, price, opposite.price))
      throw orderRejected('Order would immediately match and take.');
    if (stopPrice !== undefined && isTriggered(request, stopPrice, market.lastPrice))
      throw orderRejected('Stop price would trigger immediately.');
  }

  /**
   * Cancels an order; a leg of a list takes the whole list with it.
   * @throws ExchangeError -2011 when it is not open
   */
  cancel(order: SpotOrder, nowMs: number): void {
    if (!order.isOpen) throw unknownOrder();
    const market = this.market(order.request.symbol);
    const legs = order.list?.orders ?? [order];
    for (const leg of legs) if (leg.isOpen) this.#finish(market, leg, 'CANCELED', nowMs);
  }

  #create(owner: string, request: OrderRequest, nowMs: number, list?: OrderList): SpotOrder {
    const clientOrderId = request.clientOrderId ?? randomBytes(11).toString('hex');
    return new SpotOrder(this.#nextOrderId++, owner, request, clientOrderId, nowMs, list);
  }

  /** Matches an order against the book and rests, fills or expires what is left. */
  #work(market: SpotMarket, order: SpotOrder, nowMs: number): void {
    order.workingTimeMs = nowMs;
    const { request } = order;
    const plan = planMatch(market, order);
    if (request.timeInForce === 'FOK' && plan.quantity.lt(order.remaining)) {
      this.#finish(market, order, 'EXPIRED', nowMs);
      return;
    }
    for (const maker of plan.expiredMakers) this.#finish(market, maker, 'EXPIRED_IN_MATCH', nowMs);
    for (const { offer, quantity } of plan.takes) {
      const { maker, price } = offer;
      if (maker !== undefined) this.#claimList(market, maker, nowMs);
      this.#settlement.fill(market, order, maker, request.side, price, quantity, nowMs);
      offer.quantity = offer.quantity.sub(quantity);
      if (maker?.remaining.isZero()) this.#finish(market, maker, 'FILLED', nowMs);
    }
    if (isFilled(market, order)) this.#finish(market, order, 'FILLED', nowMs);
    else if (plan.takerExpires) this.#finish(market, order, 'EXPIRED_IN_MATCH', nowMs);
    else if (order.isMarket || request.timeInForce !== 'GTC') this.#finish(market, order, 'EXPIRED', nowMs);
    else this.#rest(market, order, nowMs);
  }

  #rest(market: SpotMarket, order: SpotOrder, nowMs: number): void {
    order.workingTimeMs = nowMs;
    market.resting.add(order);
    market.updateId++;
  }

  #finish(market: SpotMarket, order: SpotOrder, status: OrderStatus, nowMs: number): void {
    market.resting.delete(order);
    market.waiting.delete(order);
    market.updateId++;
    order.status = status;
    order.updateTimeMs = nowMs;
    this.orders.close(order);
    this.#settlement.release(market, order);
  }

  /** A leg that begins to trade ends its siblings and takes over the funds that the list has locked. */
  #claimList(market: SpotMarket, order: SpotOrder, nowMs: number): void {
    for (const sibling of order.list?.orders ?? []) {
      if (sibling === order || !sibling.isOpen) continue;
      order.locked = order.locked.add(sibling.locked);
      sibling.locked = ZERO;
      this.#finish(market, sibling, 'EXPIRED', nowMs);
    }
  }

  #fireStops(market: SpotMarket, nowMs: number): void {
    for (const order of market.waiting) {
      const { stopPrice } = order.request;
      if (stopPrice === undefined || !isTriggered(order.request, stopPrice, market.lastPrice)) continue;
      market.waiting.delete(order);
      this.#claimList(market, order, nowMs);
      if (!this.#coverCost(market, order)) this.#finish(market, order, 'EXPIRED', nowMs);
      else this.#work(market, order, nowMs);
      this.#fireStops(market, nowMs);
      return;
    }
  }

  /** Brings what a fired order has locked to what it needs: a market buy may cost more than its stop price. */
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

  #pass(market: SpotMarket, step: number, nowMs: number): void {
    const { tickSize } = market.rules;
    const middle = market.walk.priceAt(step);
    for (const order of market.resting) {
      const { side } = order.request;
      const streetPrice = side === 'BUY' ? middle.add(tickSize) : middle.sub(tickSize);
      if (!reaches(side, limitOf(order), streetPrice)) continue;
      this.#claimList(market, order, nowMs);
      const takerSide = side === 'BUY' ? 'SELL' : 'BUY';
      this.#settlement.fill(market, undefined, order, takerSide, limitOf(order), order.remaining, nowMs);
      this.#finish(market, order, 'FILLED', nowMs);
    }
    printStep(market, step, nowMs);
    this.#fireStops(market, nowMs);
  }
}

/** A trade of the street with itself at the price of a step. */
function printStep(market: SpotMarket, step: number, timeMs: number): void {
  const { walk, rules } = market;
  const quantity = rules.stepSize.mul(1 + walk.pick(step, 4, rules.levelSteps));
  market.print(walk.priceAt(step), quantity, timeMs, walk.pick(step, 3, 1) === 1);
}

function isTriggered({ side, type }: OrderRequest, stopPrice: Money, lastPrice: Money): boolean {
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
