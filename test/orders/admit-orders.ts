import type { Client } from '../../src/core/access/client.ts';
import type { Call } from '../../src/core/call/call.ts';
import type { Endpoint } from '../../src/core/catalogue/endpoint.ts';
import type { OrderRoom } from '../../src/orders/limits/order-room.ts';
import type { OrderLimits } from '../../src/orders/order-limits.ts';

/** Judges a call and takes its room at once, as the pipeline does one after the other; undefined where no rule applies. */
export function admitOrders(
  limits: OrderLimits,
  client: Client,
  endpoint: Endpoint,
  call: Call,
  nowMs: number,
): undefined | Promise<OrderRoom | undefined> {
  return limits
    .judge(client, endpoint, call)
    ?.then((orders) => orders && limits.reserve(client, endpoint, orders, nowMs));
}
