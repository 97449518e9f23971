import { randomBytes } from 'node:crypto';
import type { Ledger } from '../accounts/ledger.ts';
import { filterFailure, invalidSymbol, orderRejected, unknownOrder } from '../base/exchange-error.ts';
import { Money } from '../base/money.ts';
import { Execution, isTriggered, printStep } from './execution.ts';
import { SpotMarket } from './market.ts';
import { planMatch, reaches } from './matching.ts';
import { type OrderList, type OrderRequest, SpotOrder } from './order.ts';
import { OrderRegister } from './order-register.ts';
import { requiredFunds, Settlement, spentAsset } from './settlement.ts';
import { SPOT_SYMBOLS } from './symbols.ts';

const REPLAYED_STEPS = 120;
/** How many public trades there are when the exchange opens. */
const PRINTED_STEPS = 60;
/** Per account and symbol. */
export const MAX_OPEN_ORDERS = 200;

/** The matching engine: all spot markets, all orders. */
export class SpotEngine {
  readonly markets = new Map<string, SpotMarket>();
  readonly orders = new OrderRegister();
  readonly #settlement: Settlement;
  readonly #execution: Execution;
  #nextOrderId = 28_000_001;
  #step = 0;

  constructor(
    ledger: Ledger,
    seed: number,
    openedMs: number,
    onFirstFill: (owner: string, isMaker: boolean) => void,
  ) {
    this.#settlement = new Settlement(ledger, onFirstFill);
    this.#execution = new Execution(this.orders, this.#settlement);
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

  /** Moves the markets on to a step. Resting orders that the street reaches on the way are filled. */
  advance(step: number, nowMs: number): void {
    if (step <= this.#step) return;
    const first = Math.max(this.#step + 1, step - REPLAYED_STEPS);
    this.#step = step;
    for (const market of this.markets.values()) {
      for (let passing = first; passing <= step; passing++) this.#execution.pass(market, passing, nowMs);
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
    if (request.stopPrice === undefined) this.#execution.work(market, order, nowMs);
    else market.waiting.add(order);
    this.#execution.fireStops(market, nowMs);
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
      else this.#execution.rest(market, order, nowMs);
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
   * Cancels an order; with a leg of a list, the whole list.
   * @throws ExchangeError -2011 when it is not open
   */
  cancel(order: SpotOrder, nowMs: number): void {
    if (!order.isOpen) throw unknownOrder();
    const market = this.market(order.request.symbol);
    const legs = order.list?.orders ?? [order];
    for (const leg of legs) if (leg.isOpen) this.#execution.finish(market, leg, 'CANCELED', nowMs);
  }

  #create(owner: string, request: OrderRequest, nowMs: number, list?: OrderList): SpotOrder {
    const clientOrderId = request.clientOrderId ?? randomBytes(11).toString('hex');
    return new SpotOrder(this.#nextOrderId++, owner, request, clientOrderId, nowMs, list);
  }
}
