import type { Client } from '../../src/core/access/client.ts';
import type { Call } from '../../src/core/call/call.ts';
import type { Endpoint } from '../../src/core/catalogue/endpoint.ts';
import { sentOrders } from '../../src/core/records/sent-orders.ts';
import type { JudgedOrders, OrderRoom } from '../../src/orders/limits/order-room.ts';
import type { OrderLimits } from '../../src/orders/order-limits.ts';

/** Judges a call and takes its room at once, as the pipeline does one after the other; undefined where no rule applies. */
export function admitOrders(
  limits: OrderLimits,
  client: Client,
  endpoint: Endpoint,
  call: Call,
  nowMs: number,
): undefined | Promise<OrderRoom | undefined> {
  const judged = judgeLater(limits, client, endpoint, call);
  return judged?.then((orders) => orders && limits.reserve(client, endpoint, orders, nowMs));
}

/** What is judged at once as a promise, a refusal as its rejection; undefined where no rule applies. */
function judgeLater(
  limits: OrderLimits,
  client: Client,
  endpoint: Endpoint,
  call: Call,
): undefined | Promise<JudgedOrders | undefined> {
  try {
    const judged = limits.judge(client, endpoint, call, sentOrders(endpoint, call));
    return judged === undefined ? undefined : Promise.resolve(judged);
  } catch (error) {
    return Promise.reject(error);
  }
}
