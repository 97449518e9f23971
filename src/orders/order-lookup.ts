import type { OrderAnswer } from '../core/outcome/order-answer.ts';
import { type OrderQuery, orderQueries } from '../core/outcome/order-query.ts';
import {
  type OrderState,
  type OrderStateReading,
  readOrderState,
  stateOfList,
} from '../core/outcome/order-state.ts';
import type { UpstreamName } from '../core/upstream.ts';

/** A placing call whose outcome is unknown, as it was sent; it can be rebuilt from its audit record. */
export interface UnknownCall {
  readonly requestId: string;
  readonly client: string;
  readonly account: string;
  readonly upstream: UpstreamName;
  readonly path: string;
  /** Decoded parameters as sent, injected client order ids included. */
  readonly params: ReadonlyMap<string, string>;
  /** Epoch milliseconds. */
  readonly sentAtMs: number;
}

/** not-found: Binance denied it throughout the schedule; not-queryable: Binance has no query for such an order. */
type Resolution = OrderState | 'not-found' | 'not-queryable';

export interface ResolvedOrder {
  readonly clientOrderId: string;
  readonly symbol?: string;
  readonly resolution: Resolution;
  readonly orderId?: string;
  /** Binance's own word for the state of the order. */
  readonly status?: string;
}

export interface ResolvedCall {
  readonly requestId: string;
  readonly client: string;
  readonly account: string;
  readonly upstream: UpstreamName;
  readonly path: string;
  /** `mixed` when the orders of a batch ended differently. */
  readonly resolution: Resolution | 'mixed';
  readonly orders: readonly ResolvedOrder[];
  /** Milliseconds between sending and knowing. */
  readonly afterMs: number;
  readonly asked: number;
}

/** One line of `GET /orders/unresolved`: what is still open of a call. */
export interface UnresolvedOrder {
  readonly requestId: string;
  readonly client: string;
  readonly account: string;
  readonly upstream: UpstreamName;
  readonly path: string;
  readonly symbols: readonly string[];
  readonly clientOrderIds: readonly string[];
  /** Epoch milliseconds. */
  readonly sentAtMs: number;
  readonly asked: number;
  /** Status and code of the latest answer; missing before the first and when none came. */
  readonly lastStatus?: number;
  readonly lastCode?: number;
}

/** Sends one signed GET, charged among the orders of the client whose order it is. A rejection counts as no answer. */
export type AskUpstream = (
  account: string,
  upstream: UpstreamName,
  path: string,
  params: OrderQuery['params'],
  client: string,
) => Promise<{ readonly status: number; readonly bodyText: string }>;

const NOTHING: OrderStateReading = { kind: 'inconclusive', code: undefined };

/** The inquiry into one unknown call: what is asked, what was learned. */
export class OrderLookup {
  readonly call: UnknownCall;
  readonly #queries: readonly OrderQuery[];
  readonly #ask: AskUpstream;
  readonly #denialsNeeded: number;
  readonly #settled = new Map<OrderQuery, ResolvedOrder>();
  readonly #denials = new Map<OrderQuery, number>();
  #asked = 0;
  #isStopped = false;
  #lastStatus: number | undefined;
  #lastCode: number | undefined;

  /** `denialsNeeded`: how often Binance has to say that there is no such order before it is believed. */
  constructor(call: UnknownCall, ask: AskUpstream, denialsNeeded: number) {
    this.call = call;
    this.#queries = orderQueries(call.path, call.params);
    this.#ask = ask;
    this.#denialsNeeded = denialsNeeded;
  }

  get isQueryable(): boolean {
    return this.#queries.length > 0;
  }

  /** Asks nothing further, also within a round that is under way. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Asks once for every order that is still open; true when none is left. */
  async round(): Promise<boolean> {
    for (const query of this.#queries) {
      if (!this.#settled.has(query)) this.#note(query, await this.#read(query));
    }
    return this.#settled.size === this.#queries.length;
  }

  resolved(nowMs: number): ResolvedCall {
    const { requestId, client, account, upstream, path, sentAtMs } = this.call;
    const orders = this.#queries.flatMap((query) => this.#settled.get(query) ?? []);
    const first = orders[0]?.resolution ?? 'not-queryable';
    const resolution = orders.every((order) => order.resolution === first) ? first : 'mixed';
    const afterMs = Math.max(0, nowMs - sentAtMs);
    return { requestId, client, account, upstream, path, resolution, orders, afterMs, asked: this.#asked };
  }

  unresolved(): UnresolvedOrder {
    const { requestId, client, account, upstream, path, sentAtMs } = this.call;
    const left = this.#queries.filter((query) => !this.#settled.has(query));
    return {
      requestId,
      client,
      account,
      upstream,
      path,
      symbols: [...new Set(left.flatMap(({ symbol }) => symbol ?? []))],
      clientOrderIds: left.map(({ clientOrderId }) => clientOrderId),
      sentAtMs,
      asked: this.#asked,
      ...(this.#lastStatus === undefined ? {} : { lastStatus: this.#lastStatus }),
      ...(this.#lastCode === undefined ? {} : { lastCode: this.#lastCode }),
    };
  }

  #note(query: OrderQuery, reading: OrderStateReading): void {
    if (reading.kind === 'found') this.#settled.set(query, toResolved(query, reading.state, reading.order));
    if (reading.kind !== 'missing') return;
    const denials = (this.#denials.get(query) ?? 0) + 1;
    this.#denials.set(query, denials);
    if (denials >= this.#denialsNeeded) this.#settled.set(query, toResolved(query, 'not-found', {}));
  }

  /** Asks path after path; only when all of them deny the order is it missing. */
  async #read(query: OrderQuery): Promise<OrderStateReading> {
    let denied = 0;
    for (const path of query.paths) {
      const reading = await this.#readPath(query, path);
      if (reading.kind === 'found') return reading;
      if (reading.kind === 'done') return this.#readLegs(query, reading.order);
      if (reading.kind === 'missing') denied++;
    }
    return denied === query.paths.length ? { kind: 'missing' } : NOTHING;
  }

  /** A list that is over says nothing about fills; its orders do. */
  async #readLegs(query: OrderQuery, order: OrderAnswer): Promise<OrderStateReading> {
    const states: OrderState[] = [];
    for (const leg of query.legs) {
      const reading = await this.#read(leg);
      if (reading.kind === 'found') states.push(reading.state);
    }
    const isKnown = states.includes('executed') || states.length === query.legs.length;
    return isKnown ? { kind: 'found', state: stateOfList(states), order } : NOTHING;
  }

  async #readPath(query: OrderQuery, path: string): Promise<OrderStateReading> {
    if (this.#isStopped) return NOTHING;
    const { account, upstream, client } = this.call;
    this.#asked++;
    try {
      const { status, bodyText } = await this.#ask(account, upstream, path, query.params, client);
      const reading = readOrderState(query, status, bodyText);
      this.#lastStatus = status;
      this.#lastCode = reading.kind === 'inconclusive' ? reading.code : undefined;
      return reading;
    } catch {
      // The error may carry the signed URL; that there was no answer is all that is kept of it.
      this.#lastStatus = undefined;
      this.#lastCode = undefined;
      return NOTHING;
    }
  }
}

function toResolved(query: OrderQuery, resolution: Resolution, order: OrderAnswer): ResolvedOrder {
  return {
    clientOrderId: query.clientOrderId,
    ...(query.symbol === undefined ? {} : { symbol: query.symbol }),
    resolution,
    ...(order.orderId === undefined ? {} : { orderId: order.orderId }),
    ...(order.status === undefined ? {} : { status: order.status }),
  };
}
