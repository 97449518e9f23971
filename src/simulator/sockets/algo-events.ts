import type { JsonObject } from '../base/json-value.ts';
import { ZERO } from '../base/money.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { ConditionalOrder } from '../futures/conditional-order.ts';

/** Compares the conditional orders of USD-M with the last look, and makes events of the changes. */
export class AlgoEvents {
  readonly #told = new Map<ConditionalOrder, ConditionalOrder['status']>();

  /** Starts from the present. What happened before makes no events. */
  start(exchange: Exchange): void {
    this.#told.clear();
    for (const order of ordersOf(exchange)) this.#told.set(order, order.status);
  }

  /** The events since the last look by account, in their order. */
  look(exchange: Exchange): ReadonlyMap<string, readonly JsonObject[]> {
    const nowMs = exchange.nowMs();
    const events = new Map<string, JsonObject[]>();
    for (const order of ordersOf(exchange)) {
      const told = this.#told.get(order);
      if (told === order.status) continue;
      this.#told.set(order, order.status);
      const states =
        told === undefined && order.status !== 'NEW' ? (['NEW', order.status] as const) : [order.status];
      const own = events.get(order.owner) ?? [];
      own.push(...states.map((status) => algoEvent(order, status, nowMs)));
      events.set(order.owner, own);
    }
    return events;
  }
}

function ordersOf(exchange: Exchange): ConditionalOrder[] {
  return [...exchange.accounts.all()].flatMap(({ owner }) => exchange.conditional.ordersOf(owner, 'usdm'));
}

function algoEvent(order: ConditionalOrder, status: ConditionalOrder['status'], nowMs: number): JsonObject {
  const { request, placed } = order;
  return {
    e: 'ALGO_UPDATE',
    T: order.updateTimeMs,
    E: nowMs,
    o: {
      ...{ caid: order.clientAlgoId, aid: order.algoId, at: 'CONDITIONAL', o: request.type },
      ...{ s: request.symbol, S: request.side, ps: 'BOTH', f: request.timeInForce },
      ...{ q: (request.quantity ?? ZERO).toFixed(), X: status },
      ai: placed === undefined ? '' : String(placed.orderId),
      ap: (placed?.averagePrice ?? ZERO).toFixed(),
      aq: (placed?.executed ?? ZERO).toFixed(),
      act: placed?.request.type ?? '0',
      ...{ tp: (request.triggerPrice ?? ZERO).toFixed(), p: (request.price ?? ZERO).toFixed() },
      ...{ V: 'NONE', wt: request.workingType, pm: 'NONE', cp: request.closePosition },
      ...{ pP: request.priceProtect, R: request.reduceOnly, tt: order.triggerTimeMs, gtd: 0, rm: '' },
    },
  };
}
