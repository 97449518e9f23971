import type { JsonObject } from '../base/json-value.ts';
import { amount, type Money, ZERO } from '../base/money.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { FuturesOrder } from '../futures/order.ts';
import { FUTURES_COMMISSION_RATE } from '../futures/portfolio.ts';

interface Known {
  readonly order: FuturesOrder;
  price: Money | undefined;
  quantity: Money;
}

/** Compares the USD-M orders of the accounts with the last look, and makes events of the changes. */
export class FuturesEvents {
  readonly #seen = new Map<string, number>();
  #open: Known[] = [];
  #nextTradeId = 1;

  /** Starts from the present. What happened before makes no events. */
  start(exchange: Exchange): void {
    this.#open = [];
    for (const { owner } of exchange.accounts.all()) {
      const { orders } = exchange.futures.portfolio(owner);
      this.#seen.set(owner, orders.length);
      this.#open.push(...orders.filter(({ status }) => status === 'NEW').map(toKnown));
    }
  }

  /** The events since the last look by account, in their order. */
  look(exchange: Exchange): ReadonlyMap<string, readonly JsonObject[]> {
    const nowMs = exchange.nowMs();
    const events = new Map<string, JsonObject[]>();
    const tell = (owner: string, told: readonly JsonObject[]) => {
      if (told.length > 0) events.set(owner, [...(events.get(owner) ?? []), ...told]);
    };
    for (const known of this.#open) tell(known.order.owner, this.#changes(exchange, known, nowMs));
    for (const { owner } of exchange.accounts.all()) {
      const { orders } = exchange.futures.portfolio(owner);
      for (const order of orders.slice(this.#seen.get(owner) ?? 0)) {
        const known = toKnown(order);
        tell(owner, [
          orderEvent(order, 'NEW', 'NEW', nowMs, undefined),
          ...this.#changes(exchange, known, nowMs),
        ]);
        this.#open.push(known);
      }
      this.#seen.set(owner, orders.length);
    }
    this.#open = this.#open.filter(({ order }) => order.status === 'NEW');
    return events;
  }

  #changes(exchange: Exchange, known: Known, nowMs: number): JsonObject[] {
    const { order } = known;
    const changes: JsonObject[] = [];
    const isSame = known.quantity.eq(order.quantity) && known.price?.toFixed() === order.price?.toFixed();
    if (!isSame) {
      known.price = order.price;
      known.quantity = order.quantity;
      changes.push(orderEvent(order, 'AMENDMENT', 'NEW', nowMs, undefined));
    }
    if (order.status === 'NEW') return changes;
    if (order.status !== 'FILLED')
      return [...changes, orderEvent(order, order.status, order.status, nowMs, undefined)];
    return [
      ...changes,
      accountEvent(exchange, order, nowMs),
      orderEvent(order, 'TRADE', 'FILLED', nowMs, this.#nextTradeId++),
    ];
  }
}

function toKnown(order: FuturesOrder): Known {
  return { order, price: order.price, quantity: order.quantity };
}

function orderEvent(
  order: FuturesOrder,
  execution: string,
  status: string,
  nowMs: number,
  tradeId: number | undefined,
): JsonObject {
  const { request } = order;
  const isTrade = tradeId !== undefined;
  return {
    e: 'ORDER_TRADE_UPDATE',
    E: nowMs,
    T: order.updateTimeMs,
    o: {
      s: request.symbol,
      c: order.clientOrderId,
      S: request.side,
      o: request.type,
      f: request.timeInForce,
      q: order.quantity.toFixed(),
      p: (order.price ?? ZERO).toFixed(),
      ap: (isTrade ? order.averagePrice : ZERO).toFixed(),
      sp: '0',
      x: execution,
      X: status,
      i: order.orderId,
      l: (isTrade ? order.executed : ZERO).toFixed(),
      z: (isTrade ? order.executed : ZERO).toFixed(),
      L: (isTrade ? order.averagePrice : ZERO).toFixed(),
      N: isTrade ? 'USDT' : undefined,
      n: isTrade ? amount(order.executed.mul(order.averagePrice).mul(FUTURES_COMMISSION_RATE)) : undefined,
      T: order.updateTimeMs,
      t: tradeId ?? 0,
      b: '0',
      a: '0',
      m: false,
      R: request.reduceOnly,
      wt: 'CONTRACT_PRICE',
      ot: request.type,
      ps: 'BOTH',
      cp: false,
      rp: (isTrade ? order.profit : ZERO).toFixed(),
      pP: false,
      si: 0,
      ss: 0,
      V: 'NONE',
      pm: 'NONE',
      gtd: 0,
    },
  };
}

function accountEvent(exchange: Exchange, order: FuturesOrder, nowMs: number): JsonObject {
  const { wallet, positions } = exchange.futures.portfolio(order.owner);
  const { symbol } = order.request;
  const { amount: held, entryPrice } = positions.get(symbol) ?? { amount: ZERO, entryPrice: ZERO };
  const { lastPrice } = exchange.spot.market(symbol);
  return {
    e: 'ACCOUNT_UPDATE',
    E: nowMs,
    T: order.updateTimeMs,
    a: {
      m: 'ORDER',
      B: [{ a: 'USDT', wb: amount(wallet), cw: amount(wallet), bc: '0' }],
      P: [
        {
          s: symbol,
          pa: held.toFixed(),
          ep: amount(entryPrice),
          bep: amount(entryPrice),
          cr: '0',
          up: amount(held.mul(lastPrice.sub(entryPrice))),
          mt: 'cross',
          iw: '0',
          ps: 'BOTH',
        },
      ],
    },
  };
}
