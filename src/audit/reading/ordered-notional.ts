import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import { type Decimal, ExactDecimal } from '../../core/decimal.ts';
import { ProxyError } from '../../core/errors.ts';
import type { IntendedOrder } from '../../core/orders/intended-order.ts';
import { statedValue } from '../../core/orders/notional.ts';
import { readIntendedOrders } from '../../core/orders/read-orders.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import { parametersOf } from '../../core/records/sent-orders.ts';
import { UPSTREAM_OF_NAME } from '../../core/upstream.ts';

/** What a call ordered, as far as its parameters tell. */
export interface OrderedNotional {
  readonly orders: number;
  /** Price times quantity, or `quoteOrderQty`, by quote asset. */
  readonly byQuote: ReadonlyMap<string, Decimal>;
  /** Orders without a price of their own (MARKET by quantity), contracts of COIN-M, symbols with an unknown quote asset. */
  readonly unvalued: number;
}

/**
 * Quote assets of Binance's symbols. They stand in for exchangeInfo: a record names the symbol and not its assets, and
 * Binance may be out of reach when a trail is read. The longest match at the end decides. Other orders are not valued.
 */
const QUOTES = (
  'USDT USDC FDUSD TUSD USDP BUSD DAI USD1 USDE BFUSD RLUSD EURI AEUR XUSD BTC ETH BNB XRP TRX DOGE SOL DOT ' +
  'EUR TRY BRL JPY PLN ARS MXN COP CZK ZAR RON UAH GBP AUD RUB NGN IDR IDRT VAI'
)
  .split(' ')
  .sort((a, b) => b.length - a.length);
const ZERO = new ExactDecimal(0);

/** Counts and values the orders that a call places; undefined when it places none. */
export function orderedNotional(record: AuditRecord, catalogue: Catalogue): OrderedNotional | undefined {
  const endpoint = placingEndpoint(record, catalogue);
  if (endpoint === undefined || (record.orders ?? record.params) === undefined) return undefined;
  const orders = ordersOf(endpoint, record);
  const byQuote = new Map<string, Decimal>();
  let unvalued = 0;
  for (const order of orders) {
    const quote = order?.symbol === undefined ? undefined : quoteOf(order.symbol);
    const value = order === undefined ? undefined : statedValue(order);
    if (quote === undefined || value === undefined) unvalued++;
    else byQuote.set(quote, value.plus(byQuote.get(quote) ?? ZERO));
  }
  return { orders: orders.length, byQuote, unvalued };
}

/** The endpoint of a call, or the REST twin of a frame, when it places orders. A conversion is no such order. */
function placingEndpoint(record: AuditRecord, catalogue: Catalogue): Endpoint | undefined {
  const { upstream = '', method, path = '' } = record;
  const name = UPSTREAM_OF_NAME.get(upstream);
  const endpoint = name === undefined ? undefined : catalogue.find(name, 'POST', path);
  if (endpoint?.effect !== 'place' || endpoint.orderShape === 'convert') return undefined;
  return method === endpoint.method || method === endpoint.webSocket ? endpoint : undefined;
}

/**
 * The orders of a call. A list counts as its first order: the others exclude it or wait for it. A batch that was too
 * long for the record of an earlier version cannot be read; it counts as one order, undefined.
 */
function ordersOf(
  endpoint: Endpoint,
  { orders: sent, params }: AuditRecord,
): readonly (IntendedOrder | undefined)[] {
  const whole = sent === undefined ? undefined : parametersOf(endpoint.path, sent);
  try {
    const orders = readIntendedOrders(endpoint, (name) => {
      const value = whole === undefined ? params?.[name] : whole.get(name);
      return typeof value === 'string' ? value : undefined;
    });
    return endpoint.orderShape === 'batch' ? orders : orders.slice(0, 1);
  } catch (error) {
    if (error instanceof ProxyError) return [undefined];
    throw error;
  }
}

function quoteOf(symbol: string): string | undefined {
  // BTC-260925-100000-C is an option, paid in USDT. BTCUSDT_260925 is a dated future: its pair is before the `_`.
  if (/^[A-Z0-9]+-\d{6}-/.test(symbol)) return 'USDT';
  const [pair = ''] = symbol.split('_');
  return QUOTES.find((quote) => pair.length > quote.length && pair.endsWith(quote));
}
