import type { SocketFamily } from '../core/upstream.ts';

/** What a user data stream, or a list of orders, says of one order. */
export interface OrderReport {
  readonly family: SocketFamily;
  readonly symbol: string;
  /** As Binance writes it: it may be longer than a number of JavaScript is exact. */
  readonly orderId: string;
  /** Every name that the order has, or had. */
  readonly clientOrderIds: readonly string[];
  readonly side: string;
  readonly type: string;
  /** What happened to it: `NEW`, `TRADE`, `CALCULATED` … */
  readonly execution: string;
  readonly quantity: string;
  readonly price: string;
  /** When it was placed, where that is told; ms since the epoch. */
  readonly placedMs?: number;
}

export type WatchEvent =
  | { readonly kind: 'order'; readonly report: OrderReport }
  /** A conditional order has become an order on the book. */
  | { readonly kind: 'child'; readonly orderId: string; readonly clientOrderId: string }
  /** The stream is over; a new one has to be opened. */
  | { readonly kind: 'over' };

type Fields = Readonly<Record<string, unknown>>;

/** Ids of orders are longer than numbers are exact, so the digits are kept. */
const IDS = new Set(['i', 'orderId', 'ai']);

/** Reads a message of a user data stream; undefined for one that says nothing of an order. */
export function readWatchEvent(family: SocketFamily, text: string): WatchEvent | undefined {
  const message = fieldsOf(parse(text));
  const event = fieldsOf(message.event ?? message.data ?? message);
  switch (event.e) {
    case 'executionReport':
      return { kind: 'order', report: reportOf(family, event) };
    case 'ORDER_TRADE_UPDATE':
      return { kind: 'order', report: reportOf(family, fieldsOf(event.o)) };
    case 'ALGO_UPDATE': {
      const { ai, caid } = fieldsOf(event.o);
      if (textOf(ai) === '' || textOf(caid) === '') return undefined;
      return { kind: 'child', orderId: textOf(ai), clientOrderId: textOf(caid) };
    }
    case 'listenKeyExpired':
    case 'eventStreamTerminated':
      return { kind: 'over' };
    default:
      return undefined;
  }
}

/** The orders that an answer of REST lists; none for what is no list of orders. */
export function readOrderList(family: SocketFamily, text: string): readonly OrderReport[] {
  const list = parse(text);
  if (!Array.isArray(list)) return [];
  return list.map(fieldsOf).flatMap((order) => {
    const orderId = textOf(order.orderId);
    if (orderId === '') return [];
    const placedMs = order.time;
    return {
      family,
      orderId,
      symbol: textOf(order.symbol),
      clientOrderIds: namesOf(order.clientOrderId),
      side: textOf(order.side),
      type: textOf(order.type),
      execution: textOf(order.status),
      quantity: textOf(order.origQty),
      price: textOf(order.price),
      ...(typeof placedMs === 'number' ? { placedMs } : {}),
    };
  });
}

function reportOf(family: SocketFamily, order: Fields): OrderReport {
  return {
    family,
    symbol: textOf(order.s),
    orderId: textOf(order.i),
    // A cancel gives the event a name of its own; that of the order stands beside it then.
    clientOrderIds: namesOf(order.C, order.c),
    side: textOf(order.S),
    type: textOf(order.o),
    execution: textOf(order.x),
    quantity: textOf(order.q),
    price: textOf(order.p),
    ...(typeof order.O === 'number' ? { placedMs: order.O } : {}),
  };
}

function namesOf(...names: readonly unknown[]): readonly string[] {
  return names.map(textOf).filter((name) => name !== '');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, (name: string, value: unknown, context?: { readonly source?: string }) =>
      IDS.has(name) && typeof value === 'number' ? (context?.source ?? value) : value,
    );
  } catch {
    return undefined;
  }
}
