import type { JsonObject } from '../base/json-value.ts';
import { amount, ZERO } from '../base/money.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fill, SpotOrder } from '../spot/order.ts';

interface Known {
  readonly order: SpotOrder;
  fills: number;
}

/** Compares the spot orders of the accounts with the last look, and makes events of the changes. */
export class SpotEvents {
  readonly #seen = new Map<string, number>();
  #open: Known[] = [];
  #nextExecutionId = 1;

  /** Starts from the present. What happened before makes no events. */
  start(exchange: Exchange): void {
    this.#open = [];
    for (const { owner } of exchange.accounts.all()) {
      const orders = exchange.spot.orders.all(owner);
      this.#seen.set(owner, orders.length);
      for (const order of orders) {
        if (order.isOpen) this.#open.push({ order, fills: order.fills.length });
      }
    }
  }

  /** The events since the last look by account, in their order. */
  look(exchange: Exchange): ReadonlyMap<string, readonly JsonObject[]> {
    const nowMs = exchange.nowMs();
    const events = new Map<string, JsonObject[]>();
    const tell = (order: SpotOrder, reports: readonly JsonObject[]) => {
      if (reports.length === 0) return;
      const told = [...reports, positionEvent(exchange, order, nowMs)];
      events.set(order.owner, [...(events.get(order.owner) ?? []), ...told]);
    };
    for (const known of this.#open) tell(known.order, this.#changes(known, nowMs));
    for (const { owner } of exchange.accounts.all()) {
      const orders = exchange.spot.orders.all(owner);
      for (const order of orders.slice(this.#seen.get(owner) ?? 0)) {
        const known = { order, fills: 0 };
        const placed = executionReport(order, { type: 'NEW', id: this.#nextExecutionId++, nowMs });
        tell(order, [placed, ...this.#changes(known, nowMs)]);
        this.#open.push(known);
      }
      this.#seen.set(owner, orders.length);
    }
    this.#open = this.#open.filter(({ order }) => order.isOpen);
    return events;
  }

  #changes(known: Known, nowMs: number): JsonObject[] {
    const { order } = known;
    const reports: JsonObject[] = [];
    while (known.fills < order.fills.length) {
      known.fills++;
      const step = { type: 'TRADE', id: this.#nextExecutionId++, nowMs, fills: known.fills };
      reports.push(executionReport(order, step));
    }
    if (!order.isOpen && order.status !== 'FILLED') {
      const type = order.status === 'EXPIRED_IN_MATCH' ? 'TRADE_PREVENTION' : order.status;
      const step = { type, id: this.#nextExecutionId++, nowMs, fills: known.fills };
      reports.push(executionReport(order, { ...step, ended: true }));
    }
    return reports;
  }
}

interface Step {
  /** Execution type. */
  readonly type: string;
  readonly id: number;
  readonly nowMs: number;
  /** How many fills of the order have been reported, this one included. */
  readonly fills?: number;
  readonly ended?: boolean;
}

function executionReport(order: SpotOrder, step: Step): JsonObject {
  const { request } = order;
  const told = order.fills.slice(0, step.fills ?? 0);
  const last = step.type === 'TRADE' ? told.at(-1) : undefined;
  const isCancel = step.type === 'CANCELED';
  const quote = last === undefined ? ZERO : last.quote;
  return {
    e: 'executionReport',
    E: step.nowMs,
    s: request.symbol,
    c: isCancel ? `cancel-${order.orderId}` : order.clientOrderId,
    S: request.side,
    o: request.type,
    f: request.timeInForce,
    q: amount(request.quantity ?? ZERO),
    p: amount(request.price ?? ZERO),
    P: amount(request.stopPrice ?? ZERO),
    F: amount(ZERO),
    g: order.list?.orderListId ?? -1,
    C: isCancel ? order.clientOrderId : '',
    x: step.type,
    X: statusAt(order, step, told.length),
    r: 'NONE',
    i: order.orderId,
    l: amount(last?.quantity ?? ZERO),
    z: amount(sum(told, 'quantity')),
    L: amount(last?.price ?? ZERO),
    n: last === undefined ? '0' : amount(last.commission),
    N: last?.commissionAsset ?? null,
    T: last?.timeMs ?? (step.ended === true ? order.updateTimeMs : order.timeMs),
    t: last?.tradeId ?? -1,
    I: step.id,
    w: order.workingTimeMs !== undefined && step.ended !== true,
    m: last?.isMaker ?? false,
    M: false,
    O: order.timeMs,
    Z: amount(sum(told, 'quote')),
    Y: amount(quote),
    Q: amount(request.quoteQuantity ?? ZERO),
    W: order.workingTimeMs,
    V: request.selfTradeMode,
  };
}

function statusAt(order: SpotOrder, { type, ended }: Step, fills: number): string {
  if (type === 'NEW') return 'NEW';
  if (ended === true) return order.status;
  return order.status === 'FILLED' && fills === order.fills.length ? 'FILLED' : 'PARTIALLY_FILLED';
}

function sum(fills: readonly Fill[], member: 'quantity' | 'quote') {
  return fills.reduce((total, fill) => total.add(fill[member]), ZERO);
}

/** The balances that an order may have changed. */
function positionEvent(exchange: Exchange, order: SpotOrder, nowMs: number): JsonObject {
  const { baseAsset, quoteAsset } = exchange.spot.market(order.request.symbol).rules;
  return {
    e: 'outboundAccountPosition',
    E: nowMs,
    u: order.updateTimeMs,
    B: [baseAsset, quoteAsset].map((asset) => {
      const { free, locked } = exchange.ledger.balance(order.owner, asset);
      return { a: asset, f: amount(free), l: amount(locked) };
    }),
  };
}
