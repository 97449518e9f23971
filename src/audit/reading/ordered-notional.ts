import { Decimal } from 'decimal.js';
import type { AuditRecord } from '../../core/records/record.ts';

/** What a call wanted to trade, as far as its parameters tell. */
export interface OrderedNotional {
  readonly orders: number;
  /** Price times quantity, or `quoteOrderQty`, by quote asset. */
  readonly byQuote: ReadonlyMap<string, Decimal>;
  /** Orders without a price of their own (MARKET by quantity), contracts of COIN-M, symbols with an unknown quote asset. */
  readonly unvalued: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** The quote assets of Binance's symbols; the longest match at the end decides. */
const QUOTES = (
  'USDT USDC FDUSD TUSD USDP BUSD DAI USD1 USDE BFUSD RLUSD EURI AEUR XUSD BTC ETH BNB XRP TRX DOGE SOL DOT ' +
  'EUR TRY BRL JPY PLN ARS MXN COP CZK ZAR RON UAH GBP AUD RUB NGN IDR IDRT VAI'
)
  .split(' ')
  .sort((a, b) => b.length - a.length);
const PRICES = ['price', 'abovePrice', 'belowPrice', 'workingPrice', 'stopPrice'];
const QUANTITIES = ['quantity', 'workingQuantity'];
const MOVES = /^(?:POST|(?:order|orderList|sor\.order|algoOrder)\.(?:place|cancelReplace|place\.\w+))$/;

/** Counts and values the orders that a call places; undefined when it places none. */
export function orderedNotional(record: AuditRecord): OrderedNotional | undefined {
  const { method = '', path = '', params } = record;
  if (params === undefined || !MOVES.test(method) || /\/test$/.test(path)) return undefined;
  const orders = ordersOf(params);
  if (orders.length === 0) return undefined;
  const byQuote = new Map<string, Decimal>();
  let unvalued = 0;
  for (const order of orders) {
    const quote = quoteOf(String(order.symbol));
    const notional = record.upstream === 'coinm' ? undefined : notionalOf(order);
    if (quote === undefined || notional === undefined) unvalued++;
    else byQuote.set(quote, (byQuote.get(quote) ?? new Decimal(0)).plus(notional));
  }
  return { orders: orders.length, byQuote, unvalued };
}

function ordersOf(params: Fields): Fields[] {
  const batch = params.batchOrders ?? params.orders;
  if (typeof batch === 'string') return parseList(batch).filter(isOrder);
  return isOrder(params) ? [params] : [];
}

function isOrder(fields: Fields): boolean {
  const side = fields.side ?? fields.workingSide;
  return typeof fields.symbol === 'string' && typeof side === 'string';
}

function parseList(text: string): Fields[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((each) => typeof each === 'object' && each !== null) : [];
  } catch {
    return [];
  }
}

function notionalOf(order: Fields): Decimal | undefined {
  const quoteQuantity = decimalOf(order.quoteOrderQty);
  if (quoteQuantity !== undefined) return quoteQuantity;
  const quantity = first(order, QUANTITIES);
  const price = first(order, PRICES);
  return quantity === undefined || price === undefined ? undefined : price.times(quantity);
}

function first(order: Fields, names: readonly string[]): Decimal | undefined {
  for (const name of names) {
    const value = decimalOf(order[name]);
    if (value !== undefined) return value;
  }
  return undefined;
}

function decimalOf(value: unknown): Decimal | undefined {
  const text = String(value);
  return /^\d+(?:\.\d+)?$/.test(text) ? new Decimal(text) : undefined;
}

function quoteOf(symbol: string): string | undefined {
  // BTCUSDT_260925 is a dated future, BTC-260925-100000-C an option: both are paid in USDT or what stands before `_`.
  if (/^[A-Z0-9]+-\d{6}-/.test(symbol)) return 'USDT';
  const [pair = ''] = symbol.split('_');
  return QUOTES.find((quote) => pair.length > quote.length && pair.endsWith(quote));
}
