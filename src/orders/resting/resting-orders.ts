import { BoundedSet } from '../../core/bounded-set.ts';
import type { SocketFamily } from '../../core/upstream.ts';
import { type Held, OrdersUnderWay, type SentOrders } from './orders-under-way.ts';

/** An order that rests at Binance and was placed through a proxy. */
export interface RestingOrder {
  readonly client: string;
  readonly account: string;
  readonly family: SocketFamily;
  readonly symbol: string;
  /** Binance's number; of a conditional order `algo:` and its number. */
  readonly orderId: string;
  readonly names: readonly string[];
}

/** What a stream or a list says of an order. */
export interface OrderWord extends Omit<RestingOrder, 'client'> {
  readonly rests: boolean;
}

/** By what an order is looked for. */
export interface OrderNamed extends Pick<RestingOrder, 'account' | 'family' | 'symbol'> {
  readonly orderId: string | undefined;
  readonly clientOrderId: string | undefined;
}

/** How well the resting orders of a product of an account are known. */
export type Sight = 'unwatched' | 'unknown' | 'blind' | 'watched';

interface Product {
  readonly account: string;
  isKnown: boolean;
  /** Since which turn nobody sees; undefined while somebody does. */
  blindAt: number | undefined;
}

const MOST_ENDED = 100_000;
/** An amended order may have more than one. */
const MOST_NAMES = 4;

/**
 * The orders of each client that rest, as the streams of the accounts tell it, and those on their way. An order is
 * counted from the moment in which its call takes its room until somebody says that it is gone.
 */
export class RestingOrders {
  readonly #orders = new Map<string, RestingOrder & { readonly sign: number }>();
  readonly #counts = new Map<string, number>();
  readonly #ended = new BoundedSet(MOST_ENDED);
  readonly #underWay = new OrdersUnderWay();
  readonly #products = new Map<string, Product>();
  /** Orders what happens: what was heard after a question is newer than its answer. */
  #turn = 0;

  /** A stream is going to be kept. */
  watch(account: string, family: SocketFamily): void {
    this.#products.set(`${account} ${family}`, { account, isKnown: false, blindAt: ++this.#turn });
  }

  /** Nobody watches for now. */
  blind(account: string, family: SocketFamily): void {
    const product = this.#products.get(`${account} ${family}`);
    if (product !== undefined) product.blindAt = ++this.#turn;
  }

  sight(account: string, family: SocketFamily): Sight {
    const product = this.#products.get(`${account} ${family}`);
    if (product === undefined) return 'unwatched';
    if (!product.isKnown) return 'unknown';
    return product.blindAt === undefined ? 'watched' : 'blind';
  }

  /** Whether a product of the account is not seen now. */
  isBlind(account: string): boolean {
    return this.#products.values().some((each) => each.account === account && each.blindAt !== undefined);
  }

  /** The moment before a question for all that rests on a product. */
  asking(): number {
    return ++this.#turn;
  }

  hold(sent: SentOrders): Held {
    return this.#underWay.hold(sent);
  }

  settle(held: Held, ending: 'nothing' | 'accepted' | 'unknown', nowMs: number): void {
    this.#underWay.settle(held, ending, ++this.#turn, nowMs);
  }

  /** @param client whose it is, where that is known */
  told(word: OrderWord, client: string | undefined): void {
    const { account, family, symbol, orderId, names, rests } = word;
    const key = keyOf(word);
    const known = this.#orders.get(key);
    if (known === undefined && !this.#ended.has(key)) this.#underWay.arrived(word, names);
    if (!rests) {
      this.#end(key);
      return;
    }
    const placer = known?.client ?? client;
    // Words come late and twice: what has ended does not come back.
    if (placer === undefined || this.#ended.has(key)) return;
    if (known === undefined) this.#counts.set(placer, (this.#counts.get(placer) ?? 0) + 1);
    this.#orders.set(key, {
      ...{ client: placer, account, family, symbol, orderId, sign: ++this.#turn },
      names: [...new Set([...(known?.names ?? []), ...names])].slice(-MOST_NAMES),
    });
  }

  /** The whole list of what rests on a product, as it was at the moment of the question or later. */
  listed(account: string, family: SocketFamily, standing: readonly OrderWord[], askedAt: number): void {
    const keys = new Set(standing.map(keyOf));
    for (const [key, order] of this.#orders) {
      const isThere = order.account === account && order.family === family;
      if (isThere && order.sign < askedAt && !keys.has(key)) this.#end(key);
    }
    this.#underWay.listed({ account, family }, askedAt);
    const product = this.#products.get(`${account} ${family}`);
    if (product === undefined) return;
    product.isKnown = true;
    if (product.blindAt !== undefined && product.blindAt < askedAt) product.blindAt = undefined;
  }

  /** An answer says that these orders are cancelled. */
  cancelled(account: string, family: SocketFamily, orderIds: readonly string[]): void {
    const ids = new Set(orderIds);
    for (const [key, order] of this.#orders)
      if (order.account === account && order.family === family && ids.has(order.orderId)) this.#end(key);
  }

  /** How many orders of a client rest, or may come to rest. */
  open(client: string, nowMs: number): number {
    const isWatched = ({ account, family }: Held) => this.sight(account, family) === 'watched';
    return (this.#counts.get(client) ?? 0) + this.#underWay.count(client, nowMs, isWatched);
  }

  /** The order of this number, or of this name where there is no number. */
  find({ orderId, clientOrderId, ...place }: OrderNamed): RestingOrder | undefined {
    if (orderId !== undefined) return this.#orders.get(keyOf({ ...place, orderId }));
    if (clientOrderId === undefined) return undefined;
    const { account, family, symbol } = place;
    return this.#orders
      .values()
      .find(
        (order) =>
          order.names.includes(clientOrderId) &&
          order.account === account &&
          order.family === family &&
          order.symbol === symbol,
      );
  }

  /** What rests on an account and was placed through a proxy. */
  on(account: string): readonly RestingOrder[] {
    return [...this.#orders.values()].filter((order) => order.account === account);
  }

  #end(key: string): void {
    const order = this.#orders.get(key);
    this.#ended.add(key);
    if (order === undefined) return;
    this.#orders.delete(key);
    this.#counts.set(order.client, (this.#counts.get(order.client) ?? 1) - 1);
  }
}

function keyOf(order: Pick<RestingOrder, 'account' | 'family' | 'symbol' | 'orderId'>): string {
  const { account, family, symbol, orderId } = order;
  return `${account} ${family} ${symbol} ${orderId}`;
}
