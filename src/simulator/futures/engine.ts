import { randomBytes } from 'node:crypto';
import { ExchangeError, noSuchOrder, unknownOrder } from '../base/exchange-error.ts';
import { Money, ZERO } from '../base/money.ts';
import type { SpotEngine } from '../spot/engine.ts';
import type { Side } from '../spot/order.ts';

export interface FuturesRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly type: 'LIMIT' | 'MARKET';
  readonly timeInForce: 'GTC' | 'IOC' | 'FOK' | 'GTX' | 'GTD';
  readonly quantity: Money;
  readonly price: Money | undefined;
  readonly reduceOnly: boolean;
  readonly clientOrderId: string | undefined;
}

/** One USD-M order; `price` and `quantity` change when it is modified. */
export interface FuturesOrder {
  readonly orderId: number;
  readonly owner: string;
  readonly request: FuturesRequest;
  readonly clientOrderId: string;
  readonly timeMs: number;
  price: Money | undefined;
  quantity: Money;
  executed: Money;
  averagePrice: Money;
  status: 'NEW' | 'FILLED' | 'CANCELED' | 'EXPIRED';
  updateTimeMs: number;
}

interface Position {
  /** Negative when short. */
  amount: Money;
  entryPrice: Money;
}

interface Portfolio {
  wallet: Money;
  readonly positions: Map<string, Position>;
  readonly leverage: Map<string, number>;
  readonly orders: FuturesOrder[];
}

export const FUTURES_COMMISSION_RATE: Money = new Money('0.0004');
const DEFAULT_LEVERAGE = 20;

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

  /** Takes from the wallet (a negative quantity adds); false when that is not there. */
  withdraw(owner: string, quantity: Money): boolean {
    const portfolio = this.portfolio(owner);
    if (this.available(owner).lt(quantity)) return false;
    portfolio.wallet = portfolio.wallet.sub(quantity);
    return true;
  }

  leverageOf(owner: string, symbol: string): number {
    return this.portfolio(owner).leverage.get(symbol) ?? DEFAULT_LEVERAGE;
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
      status: 'NEW',
      updateTimeMs: nowMs,
    };
    const reached = this.#reachedAt(order);
    if (request.timeInForce === 'GTX' && reached !== undefined)
      throw new ExchangeError(
        -5022,
        'Due to the order could not be executed as maker, the Post Only order will be rejected. ' +
          'The order will not be recorded in the order history',
      );
    if (request.timeInForce === 'FOK' && reached === undefined)
      throw new ExchangeError(
        -5021,
        'Due to the order could not be filled immediately, the FOK order has been rejected. ' +
          'The order will not be recorded in the order history',
      );
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
    const portfolio = this.portfolio(order.owner);
    order.executed = order.quantity;
    order.averagePrice = price;
    order.status = 'FILLED';
    order.updateTimeMs = nowMs;
    const signed = order.request.side === 'BUY' ? order.quantity : order.quantity.neg();
    const held = portfolio.positions.get(order.request.symbol) ?? { amount: ZERO, entryPrice: ZERO };
    const after = held.amount.add(signed);
    const growing = held.amount.isZero() || held.amount.isPositive() === signed.isPositive();
    if (growing) {
      const value = held.amount.mul(held.entryPrice).add(signed.mul(price));
      held.entryPrice = value.div(after);
    } else {
      const closed = Money.min(held.amount.abs(), signed.abs());
      const gain = held.amount.isPositive() ? price.sub(held.entryPrice) : held.entryPrice.sub(price);
      portfolio.wallet = portfolio.wallet.add(closed.mul(gain));
      if (!after.isZero() && after.isPositive() !== held.amount.isPositive()) held.entryPrice = price;
    }
    held.amount = after;
    portfolio.positions.set(order.request.symbol, held);
    if (after.isZero()) portfolio.positions.delete(order.request.symbol);
    portfolio.wallet = portfolio.wallet.sub(order.quantity.mul(price).mul(FUTURES_COMMISSION_RATE));
  }
}
