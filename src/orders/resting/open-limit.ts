import type { Client } from '../../core/access/client.ts';
import { type Call, findPair } from '../../core/call/call.ts';
import { decodedValue } from '../../core/call/form.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import type { LimitUse } from '../../core/limits/order-rates.ts';
import { productOf, replacedBy, restingOf } from '../../core/limits/resting-room.ts';
import type { IntendedOrder } from '../../core/orders/intended-order.ts';
import { orderNames } from '../../core/orders/order-names.ts';
import type { SocketFamily } from '../../core/upstream.ts';
import { type OnReport, violating } from '../limits/on-violation.ts';
import type { OrderOutcome } from '../limits/order-room.ts';
import type { Held } from './orders-under-way.ts';
import type { RestingOrders } from './resting-orders.ts';

/** A placing call of a client, as it would leave. */
export interface PlacingCall {
  readonly client: Client;
  readonly account: string | undefined;
  readonly endpoint: Endpoint;
  readonly call: Call;
  readonly orders: readonly IntendedOrder[];
}

/** The limit of how many orders of a client may rest. Counting and taking are one step, so that many at once cannot pass it together. */
export class OpenLimit {
  readonly #resting: RestingOrders;
  readonly #onReport: OnReport;
  readonly #monotonicNow: () => number;

  constructor(resting: RestingOrders, onReport: OnReport, monotonicNow: () => number) {
    this.#resting = resting;
    this.#onReport = onReport;
    this.#monotonicNow = monotonicNow;
  }

  /**
   * Takes the room of orders that may come to rest; undefined where none is needed.
   * @throws ProxyError PROXY_ORDER_REFUSED
   */
  take(placing: PlacingCall): Held | undefined {
    const { client, account = '', endpoint, call, orders } = placing;
    const most = client.order?.maxOpen;
    if (most === undefined || endpoint.effect !== 'place' || endpoint.path.endsWith('/test'))
      return undefined;
    const more = restingOf(orders);
    const family = productOf(endpoint);
    if (more === 0 || this.#replacesOwn(placing, family)) return undefined;
    const why = this.#whyNot(client.name, account, family, more, most);
    if (why !== undefined) violating(client, endpoint, this.#onReport)([{ rule: 'order.maxOpen', why }]);
    if (why !== undefined || family === undefined) return undefined;
    const names = orderNames(endpoint, call).map(({ clientOrderId }) => clientOrderId);
    // The name of a list is no order's.
    if (endpoint.clientOrderIds.includes('listClientOrderId')) names.shift();
    return this.#resting.hold({ client: client.name, account, family, names, orders: more });
  }

  settle(held: Held, ending: OrderOutcome): void {
    const nothing = ending === 'refused' || ending === 'not-sent';
    this.#resting.settle(held, nothing ? 'nothing' : ending, this.#monotonicNow());
  }

  /** Which part of the limit a client uses. */
  use({ name, order }: Client): readonly LimitUse[] {
    const most = order?.maxOpen;
    return most === undefined ? [] : [['order.maxOpen', this.open(name) / most]];
  }

  open(client: string): number {
    return this.#resting.open(client, this.#monotonicNow());
  }

  #whyNot(
    client: string,
    account: string,
    family: SocketFamily | undefined,
    more: number,
    most: number,
  ): string | undefined {
    const sight = family === undefined ? 'unwatched' : this.#resting.sight(account, family);
    if (sight === 'unwatched') return 'nobody watches what rests there, so it cannot be counted';
    if (sight === 'unknown') return 'what rests there has not been read yet, so it cannot be counted';
    if (this.open(client) + more <= most) return undefined;
    const why = `it would have more than ${most} resting orders`;
    if (!this.#resting.isBlind(account)) return why;
    return `${why}; nobody watches them at the moment, so those that were filled since count as well`;
  }

  /** A cancelReplace that places nothing unless an own order went. */
  #replacesOwn(
    { client, account = '', endpoint, call }: PlacingCall,
    family: SocketFamily | undefined,
  ): boolean {
    const replaced = replacedBy(endpoint, call);
    const pair = findPair(call, 'symbol');
    if (family === undefined || replaced === undefined || pair === undefined) return false;
    const symbol = (decodedValue(pair) ?? '').toUpperCase();
    return this.#resting.find({ account, family, symbol, ...replaced })?.client === client.name;
  }
}
