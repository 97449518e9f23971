import { randomBytes } from 'node:crypto';
import { ExchangeError, noSuchOrder, unknownOrder } from '../base/exchange-error.ts';
import { type Money, ZERO } from '../base/money.ts';
import type { SpotEngine } from '../spot/engine.ts';
import type { FuturesOrder, FuturesRequest } from './order.ts';
import { leverageIn, type Portfolio, settleFill } from './portfolio.ts';

/** USD-M in one-way mode: an order fills as a whole when the best price of the street reaches it. */
export class FuturesEngine {
  readonly #spot: SpotEngine;
  readonly #portfolios = new Map<string, Portfolio>();
  #nextOrderId = 8_886_774_001;

  constructor(spot: SpotEngine) {
    this.#spot = spot;
  }

  open(owner: string, wallet: Money): void {
    this.#portfolios.set(owner, { wallet, positions: new Map(), leverage: new Map(), orders: [] });
  }

  portfolio(owner: string): Portfolio {
    const portfolio = this.#portfolios.get(owner);
    if (portfolio === undefined) throw new Error('the account has no futures wallet');
    return portfolio;
  }

  /** Takes from the wallet (a negative quantity adds). False when less than that is available. */
  withdraw(owner: string, quantity: Money): boolean {
    const portfolio = this.portfolio(owner);
    if (this.available(owner).lt(quantity)) return false;
    portfolio.wallet = portfolio.wallet.sub(quantity);
    return true;
  }

  leverageOf(owner: string, symbol: string): number {
    return leverageIn(this.portfolio(owner), symbol);
  }

  /** Wallet plus unrealised profit less initial margin. */
  available(owner: string): Money {
    const { wallet, positions } = this.portfolio(owner);
    let free = wallet;
    for (const [symbol, position] of positions) {
      const mark = this.#spot.market(symbol).lastPrice;
      const margin = position.amount.abs().mul(mark).div(this.leverageOf(owner, symbol));
      free = free.add(position.amount.mul(mark.sub(position.entryPrice))).sub(margin);
    }
    return free;
  }

  /** @throws ExchangeError -2019, -2022, -4116, -5021, -5022 */
  place(owner: string, request: FuturesRequest, nowMs: number): FuturesOrder {
    const portfolio = this.portfolio(owner);
    const { clientOrderId, price, quantity } = request;
    if (portfolio.orders.some((other) => other.status === 'NEW' && other.clientOrderId === clientOrderId))
      throw new ExchangeError(-4116, 'ClientOrderId is duplicated.');
    if (request.reduceOnly && !this.#reduces(owner, request))
      throw new ExchangeError(-2022, 'ReduceOnly Order is rejected.');
    const market = this.#spot.market(request.symbol);
    const cost = quantity.mul(price ?? market.lastPrice).div(this.leverageOf(owner, request.symbol));
    if (!request.reduceOnly && cost.gt(this.available(owner)))
      throw new ExchangeError(-2019, 'Margin is insufficient.');
    const order: FuturesOrder = {
      orderId: this.#nextOrderId++,
      owner,
      request,
      clientOrderId: clientOrderId ?? randomBytes(11).toString('hex'),
      timeMs: nowMs,
      price,
      quantity,
      executed: ZERO,
      averagePrice: ZERO,
      profit: ZERO,
      status: 'NEW',
      updateTimeMs: nowMs,
    };
    const reached = this.#reachedAt(order);
    refuseUnfillable(request, reached);
    portfolio.orders.push(order);
    if (reached !== undefined) this.#fill(order, reached, nowMs);
    else if (request.timeInForce === 'IOC') order.status = 'EXPIRED';
    return order;
  }

  /** @throws ExchangeError -2013 */
  find(owner: string, symbol: string, orderId: number | undefined, clientOrderId: string | undefined) {
    const found = this.portfolio(owner).orders.findLast(
      (order) =>
        order.request.symbol === symbol &&
        (orderId === undefined ? order.clientOrderId === clientOrderId : order.orderId === orderId),
    );
    if (found === undefined) throw noSuchOrder();
    return found;
  }

  /** @throws ExchangeError -2011 */
  cancel(order: FuturesOrder, nowMs: number): FuturesOrder {
    if (order.status !== 'NEW') throw unknownOrder();
    order.status = 'CANCELED';
    order.updateTimeMs = nowMs;
    return order;
  }

  /** Changes price and quantity of an open order, which may fill it. */
  modify(order: FuturesOrder, price: Money, quantity: Money, nowMs: number): FuturesOrder {
    if (order.status !== 'NEW') throw noSuchOrder();
    if (order.price?.eq(price) && order.quantity.eq(quantity))
      throw new ExchangeError(-5027, 'No need to modify the order.');
    order.price = price;
    order.quantity = quantity;
    order.updateTimeMs = nowMs;
    const reached = this.#reachedAt(order);
    if (reached !== undefined) this.#fill(order, reached, nowMs);
    return order;
  }

  /** Fills what the market has reached by now. */
  advance(nowMs: number): void {
    for (const { orders } of this.#portfolios.values()) {
      for (const order of orders) {
        if (order.status !== 'NEW') continue;
        if (this.#reachedAt(order) !== undefined) this.#fill(order, order.price ?? ZERO, nowMs);
      }
    }
  }

  #reachedAt(order: FuturesOrder): Money | undefined {
    const { symbol, side } = order.request;
    const best = this.#spot.market(symbol).streetBest(side === 'BUY' ? 'SELL' : 'BUY');
    if (best === undefined || order.price === undefined) return best;
    return (side === 'BUY' ? best.lte(order.price) : best.gte(order.price)) ? best : undefined;
  }

  #reduces(owner: string, { symbol, side, quantity }: FuturesRequest): boolean {
    const held = this.portfolio(owner).positions.get(symbol)?.amount ?? ZERO;
    return side === 'BUY' ? held.neg().gte(quantity) : held.gte(quantity);
  }

  #fill(order: FuturesOrder, price: Money, nowMs: number): void {
    order.executed = order.quantity;
    order.averagePrice = price;
    order.status = 'FILLED';
    order.updateTimeMs = nowMs;
    const { symbol, side } = order.request;
    order.profit = settleFill(this.portfolio(order.owner), symbol, {
      signed: side === 'BUY' ? order.quantity : order.quantity.neg(),
      price,
    });
  }
}

/** @throws ExchangeError -5021 for a FOK that nothing fills, -5022 for a post-only order that would take */
function refuseUnfillable({ timeInForce }: FuturesRequest, reached: Money | undefined): void {
  if (timeInForce === 'GTX' && reached !== undefined)
    throw new ExchangeError(
      -5022,
      'Due to the order could not be executed as maker, the Post Only order will be rejected. ' +
        'The order will not be recorded in the order history',
    );
  if (timeInForce === 'FOK' && reached === undefined)
    throw new ExchangeError(
      -5021,
      'Due to the order could not be filled immediately, the FOK order has been rejected. ' +
        'The order will not be recorded in the order history',
    );
}
