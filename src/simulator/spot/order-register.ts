import { noSuchOrder } from '../base/exchange-error.ts';
import type { SpotOrder } from './order.ts';

/** Every order ever accepted, by id, by account and, while it is open, by its client order id. */
export class OrderRegister {
  readonly #byId = new Map<number, SpotOrder>();
  readonly #byOwner = new Map<string, SpotOrder[]>();
  readonly #openByOwner = new Map<string, Map<string, SpotOrder>>();

  add(order: SpotOrder): void {
    this.#byId.set(order.orderId, order);
    const orders = this.#byOwner.get(order.owner);
    if (orders === undefined) this.#byOwner.set(order.owner, [order]);
    else orders.push(order);
    const open = this.#openByOwner.get(order.owner);
    if (open === undefined) this.#openByOwner.set(order.owner, new Map([[order.clientOrderId, order]]));
    else open.set(order.clientOrderId, order);
  }

  close(order: SpotOrder): void {
    this.#openByOwner.get(order.owner)?.delete(order.clientOrderId);
  }

  /** Oldest first. */
  all(owner: string): readonly SpotOrder[] {
    return this.#byOwner.get(owner) ?? [];
  }

  open(owner: string): SpotOrder[] {
    return [...(this.#openByOwner.get(owner)?.values() ?? [])];
  }

  hasOpen(owner: string, clientOrderId: string): boolean {
    return this.#openByOwner.get(owner)?.has(clientOrderId) ?? false;
  }

  /**
   * Finds by id, or the latest of that client order id; both given must agree.
   * @throws ExchangeError -2013
   */
  find(owner: string, symbol: string, orderId?: number, clientOrderId?: string): SpotOrder {
    const order =
      orderId === undefined
        ? this.all(owner).findLast((candidate) => candidate.clientOrderId === clientOrderId)
        : this.#byId.get(orderId);
    const matches =
      order?.owner === owner &&
      order.request.symbol === symbol &&
      (clientOrderId === undefined || order.clientOrderId === clientOrderId);
    if (order === undefined || !matches) throw noSuchOrder();
    return order;
  }
}
