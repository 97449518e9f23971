import type { JudgedOrders } from '../orders/limits/order-room.ts';
import type { OrderLimits } from '../orders/order-limits.ts';
import type { Stops } from '../stops/stops.ts';
import type { AdmittedCall } from './authorise.ts';

export interface JudgeDeps {
  readonly limits: Pick<OrderLimits, 'judge'>;
  readonly stops: Pick<Stops, 'assertAllowed'>;
}

/** A call whose orders may be placed; what it needs for that is not taken yet. */
export interface JudgedCall extends AdmittedCall {
  /** Its orders with their values; undefined where no rule of the client concerns them. */
  readonly orders: JudgedOrders | undefined;
}

/**
 * Whether what a call would do at Binance may be done: the client's order rules, then the states that hold for it. A call
 * that no rule concerns is judged at once.
 */
export type Judge = (admitted: AdmittedCall) => JudgedCall | Promise<JudgedCall>;

export function createJudge({ limits, stops }: JudgeDeps): Judge {
  /** @throws ProxyError PROXY_ORDER_REFUSED, PROXY_STOPPED; a refusal of the price look-up's own budget as it is */
  return function judge(admitted) {
    const judged = limits.judge(admitted.client, admitted.endpoint, admitted.call);
    if (judged === undefined) {
      stops.assertAllowed(admitted);
      return { ...admitted, orders: undefined };
    }
    return judged.then((orders) => {
      stops.assertAllowed(admitted);
      return { ...admitted, orders };
    });
  };
}
