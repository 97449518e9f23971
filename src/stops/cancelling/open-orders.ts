import type { OrderHandle } from '../known-orders.ts';
import type { OpenBook } from './open-books.ts';

/** One resting order as its market lists it. */
export interface OpenOrder extends OrderHandle {
  readonly book: OpenBook;
  /** By which it is cancelled. */
  readonly id: string;
  /** Of the list that it belongs to. */
  readonly listId: string | undefined;
  readonly placedMs: number | undefined;
}

/** Ids keep their digits: they exceed a double. */
const LEXEME = /("(?:orderId|algoId|strategyId|orderListId)"\s*:\s*)(-?\d+)(?=\s*[,}])/g;
const CLIENT_IDS = ['clientOrderId', 'clientAlgoId', 'newClientStrategyId', 'listClientOrderId'];
const TIMES = ['time', 'createTime', 'bookTime', 'createDate', 'updateTime'];

/** The rows of a list of open orders; undefined when it is none. */
export function readOpenOrders(book: OpenBook, account: string, text: string): OpenOrder[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(LEXEME, '$1"$2"'));
  } catch {
    return undefined;
  }
  const rows = isObject(value) ? value.orders : value;
  if (!Array.isArray(rows) || !rows.every(isObject)) return undefined;
  return rows.flatMap((row) => toOrder(book, account, row) ?? []);
}

function toOrder(book: OpenBook, account: string, row: Row): OpenOrder | undefined {
  const id = textOf(row[book.idName]);
  if (id === undefined) return undefined;
  const listId = textOf(row.orderListId);
  const placedMs = TIMES.map((name) => row[name]).find((time) => typeof time === 'number');
  return {
    book,
    account,
    upstream: book.upstream,
    symbol: (textOf(row.symbol) ?? '').toUpperCase(),
    clientOrderIds: CLIENT_IDS.flatMap((name) => textOf(row[name]) ?? []),
    orderId: id,
    id,
    listId: listId === '-1' ? undefined : listId,
    placedMs,
  };
}

type Row = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
