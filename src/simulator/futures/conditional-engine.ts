import { randomBytes } from 'node:crypto';
import { ExchangeError, noSuchOrder, unknownOrder } from '../base/exchange-error.ts';
import { Money, ZERO } from '../base/money.ts';
import type { SpotEngine } from '../spot/engine.ts';
import type { ConditionalOrder, ConditionalRequest } from './conditional-order.ts';
import type { FuturesEngine } from './engine.ts';

const PERCENT = 100;

/**
 * The algo service of USD-M and COIN-M: orders that wait for a price. Those of USD-M then become orders of its engine;
 * COIN-M is not matched here, so those of COIN-M are finished without one.
 */
export class ConditionalEngine {
  readonly #spot: SpotEngine;
  readonly #futures: FuturesEngine;
  readonly #orders: ConditionalOrder[] = [];
  #nextAlgoId = 2_148_627;

  constructor(spot: SpotEngine, futures: FuturesEngine) {
    this.#spot = spot;
    this.#futures = futures;
  }

  /** All orders of an account in one family, the oldest first. */
  ordersOf(owner: string, family: ConditionalRequest['family']): ConditionalOrder[] {
    return this.#orders.filter((order) => order.owner === owner && order.request.family === family);
  }

  /** @throws ExchangeError -2021, -4116 */
  place(owner: string, request: ConditionalRequest, nowMs: number): ConditionalOrder {
    const isTaken = (order: ConditionalOrder) =>
      order.status === 'NEW' && order.clientAlgoId === request.clientAlgoId;
    if (this.ordersOf(owner, request.family).some(isTaken))
      throw new ExchangeError(-4116, 'ClientOrderId is duplicated.');
    const order: ConditionalOrder = {
      algoId: this.#nextAlgoId++,
      owner,
      request,
      clientAlgoId: request.clientAlgoId ?? randomBytes(11).toString('hex'),
      timeMs: nowMs,
      updateTimeMs: nowMs,
      triggerTimeMs: 0,
      status: 'NEW',
      extreme: undefined,
      placed: undefined,
    };
    if (request.triggerPrice !== undefined && this.#isReached(order))
      throw new ExchangeError(-2021, 'Order would immediately trigger.');
    this.#orders.push(order);
    return order;
  }

  /** @throws ExchangeError -2013 */
  find(
    owner: string,
    family: ConditionalRequest['family'],
    algoId: number | undefined,
    clientAlgoId: string | undefined,
  ): ConditionalOrder {
    const found = this.ordersOf(owner, family).findLast((order) =>
      algoId === undefined ? order.clientAlgoId === clientAlgoId : order.algoId === algoId,
    );
    if (found === undefined) throw noSuchOrder();
    return found;
  }

  /** @throws ExchangeError -2011 */
  cancel(order: ConditionalOrder, nowMs: number): ConditionalOrder {
    if (order.status !== 'NEW') throw unknownOrder();
    order.status = 'CANCELED';
    order.updateTimeMs = nowMs;
    return order;
  }

  /** Triggers what the market has reached by now. */
  advance(nowMs: number): void {
    for (const order of this.#orders) {
      if (order.status === 'NEW' && this.#isReached(order)) this.#trigger(order, nowMs);
    }
  }

  #isReached(order: ConditionalOrder): boolean {
    const { symbol, side, type, triggerPrice, family } = order.request;
    const last = this.#spot.market(spotSymbol(family, symbol)).lastPrice;
    if (triggerPrice === undefined) return isTurned(order, last);
    const isStop = type.startsWith('STOP');
    return isStop === (side === 'BUY') ? last.gte(triggerPrice) : last.lte(triggerPrice);
  }

  #trigger(order: ConditionalOrder, nowMs: number): void {
    const { request, owner } = order;
    order.status = 'FINISHED';
    order.triggerTimeMs = nowMs;
    order.updateTimeMs = nowMs;
    if (request.family === 'coinm') return;
    const held = this.#futures.portfolio(owner).positions.get(request.symbol)?.amount ?? ZERO;
    try {
      if (request.closePosition && held.isZero())
        throw new ExchangeError(-2022, 'ReduceOnly Order is rejected.');
      order.placed = this.#futures.place(
        owner,
        {
          ...request,
          type: request.price === undefined ? 'MARKET' : 'LIMIT',
          quantity: request.quantity ?? held.abs(),
          reduceOnly: request.reduceOnly || request.closePosition,
          clientOrderId: undefined,
        },
        nowMs,
      );
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      order.status = 'REJECTED';
    }
  }
}

/** The market whose price a contract has here. */
export function spotSymbol(family: ConditionalRequest['family'], symbol: string): string {
  return family === 'coinm' ? symbol.replace(/USD_PERP$/, 'USDT') : symbol;
}

/** A trailing stop follows the price once it is active, and is reached when the price comes back by its rate. */
function isTurned(order: ConditionalOrder, last: Money): boolean {
  const { side, activatePrice, callbackRate = ZERO } = order.request;
  const isSale = side === 'SELL';
  const isActive =
    order.extreme !== undefined ||
    activatePrice === undefined ||
    (isSale ? last.gte(activatePrice) : last.lte(activatePrice));
  if (!isActive) return false;
  const extreme = order.extreme ?? last;
  order.extreme = isSale ? Money.max(extreme, last) : Money.min(extreme, last);
  const share = callbackRate.div(PERCENT);
  return isSale
    ? last.lt(order.extreme.mul(new Money(1).sub(share)))
    : last.gt(order.extreme.mul(share.add(1)));
}
