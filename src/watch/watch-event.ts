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
  /** What it is after that: `NEW`, `FILLED` … */
  readonly status?: string;
  readonly fill?: OrderFill;
}

/** One fill with what it made or lost, where the exchange tells it. */
interface OrderFill {
  readonly tradeId: string;
  readonly result: string;
  readonly asset: string;
  readonly atMs: number;
}

/** A conditional order of futures, which is none on the book. */
export interface ConditionalReport {
  readonly algoId: string;
  readonly symbol: string;
  readonly clientOrderId: string;
  readonly status: string;
}

export type WatchEvent =
  | { readonly kind: 'order'; readonly report: OrderReport }
  /** What a conditional order is, and the order on the book that it has become, if any. */
  | {
      readonly kind: 'child';
      readonly orderId: string;
      readonly clientOrderId: string;
      readonly conditional?: ConditionalReport;
    }
  /** The stream is over; a new one has to be opened. */
  | { readonly kind: 'over' };

type Fields = Readonly<Record<string, unknown>>;

/** Ids of orders are longer than numbers are exact, so the digits are kept. */
const IDS = new Set(['i', 'orderId', 'ai', 'aid', 'algoId']);
/** With these an order is over. */
const ENDS = /^(?:FILLED|CANCELED|REJECTED|EXPIRED\w*|TRIGGERED|FINISHED)$/;
/** Assets in which contracts of USD-M are settled; their names end with it. */
const SETTLED_IN = /(USDT|USDC|FDUSD|BUSD|USD1|BFUSD|BTC|U)(?:_\d{6})?$/;

/** Whether an order of this status may still be filled. */
export function isOver(status: string): boolean {
  return ENDS.test(status);
}

/** Reads a message of a user data stream; undefined for one that says nothing of an order. */
export function readWatchEvent(family: SocketFamily, text: string): WatchEvent | undefined {
  const message = fieldsOf(parse(text));
  const event = fieldsOf(message.event ?? message.data ?? message);
  switch (event.e) {
    case 'executionReport':
      return { kind: 'order', report: reportOf(family, event) };
    case 'ORDER_TRADE_UPDATE':
      return { kind: 'order', report: withFill(reportOf(family, fieldsOf(event.o)), fieldsOf(event.o)) };
    case 'ALGO_UPDATE':
      return conditionalOf(fieldsOf(event.o));
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

/** The conditional orders that an answer of REST lists; undefined for what is no such list. */
export function readConditionalList(text: string): readonly ConditionalReport[] | undefined {
  const value = parse(text);
  const list = Array.isArray(value) ? value : fieldsOf(value).orders;
  if (!Array.isArray(list)) return undefined;
  return list.map(fieldsOf).map(({ algoId, symbol, clientAlgoId, algoStatus }) => {
    return {
      ...{ algoId: textOf(algoId), symbol: textOf(symbol) },
      ...{ clientOrderId: textOf(clientAlgoId), status: textOf(algoStatus) },
    };
  });
}

function conditionalOf({ ai, aid, caid, s, X }: Fields): WatchEvent | undefined {
  const [orderId, algoId, clientOrderId] = [textOf(ai), textOf(aid), textOf(caid)];
  if (clientOrderId === '' || (orderId === '' && algoId === '')) return undefined;
  const child = { kind: 'child', orderId: orderId === '0' ? '' : orderId, clientOrderId } as const;
  if (algoId === '') return child;
  return { ...child, conditional: { algoId, symbol: textOf(s), clientOrderId, status: textOf(X) } };
}

/** COIN-M names the asset of the margin, USD-M leaves it to the symbol. */
function withFill(report: OrderReport, { x, t, rp, ma, T }: Fields): OrderReport {
  if (x !== 'TRADE' || typeof rp !== 'string' || typeof T !== 'number') return report;
  const asset = textOf(ma) || (SETTLED_IN.exec(report.symbol)?.[1] ?? '');
  return asset === '' ? report : { ...report, fill: { tradeId: textOf(t), result: rp, asset, atMs: T } };
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
    ...(typeof order.X === 'string' ? { status: order.X } : {}),
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
