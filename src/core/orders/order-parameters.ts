import { type Decimal, ExactDecimal, readDecimal } from '../decimal.ts';
import { ProxyError } from '../errors.ts';
import type { IntendedOrder, Market, Side } from './intended-order.ts';

/**
 * Reads a parameter by its name; undefined when it is not there. The one thing a further way in (a WebSocket frame)
 * has to bring.
 * @throws ProxyError PROXY_ORDER_REFUSED for a value that cannot be read in only one way
 */
export type ParameterReader = (name: string) => string | undefined;

const MAX_NAME_LENGTH = 64;

/** The refusal of orders that cannot be judged because the call cannot be understood. */
export function unreadable(what: string): ProxyError {
  return new ProxyError('PROXY_ORDER_REFUSED', `Order refused: it cannot be judged: ${what}.`, {
    rule: 'unreadable',
  });
}

/** A text; undefined where it is absent or empty. */
export function optionalText(read: ParameterReader, name: string): string | undefined {
  const value = read(name);
  return value === '' ? undefined : value;
}

/** @throws ProxyError PROXY_ORDER_REFUSED when it is absent, empty or longer than any name Binance has */
export function requiredText(read: ParameterReader, name: string): string {
  const value = optionalText(read, name);
  if (value === undefined) throw unreadable(`${name} is missing`);
  if (value.length > MAX_NAME_LENGTH) throw unreadable(`${name} is too long`);
  return value;
}

/** @throws ProxyError PROXY_ORDER_REFUSED when it is there and is no plain decimal number */
export function optionalDecimal(read: ParameterReader, name: string): Decimal | undefined {
  const value = optionalText(read, name);
  if (value === undefined) return undefined;
  const decimal = readDecimal(value);
  if (decimal === undefined) throw unreadable(`${name} is not a decimal number`);
  return decimal;
}

/** @throws ProxyError PROXY_ORDER_REFUSED when it is neither BUY nor SELL */
export function requiredSide(read: ParameterReader, name: string): Side {
  const value = optionalText(read, name);
  if (value !== 'BUY' && value !== 'SELL') throw unreadable(`${name} is neither BUY nor SELL`);
  return value;
}

/** What the legs of one call have in common, and what only some of them say. */
export interface LegFrame {
  readonly market: Market;
  readonly symbol: string;
  readonly side: Side | undefined;
  readonly type: string | undefined;
  readonly quantity: Decimal | undefined;
  /** The amount in the quote asset; undefined where none is said. */
  readonly quoteQuantity?: Decimal | undefined;
  readonly exclusive?: number;
  readonly entersAt?: Decimal | undefined;
}

/** The best price of one side, or the one that lies so many levels deep. */
const PRICE_MATCH = /^(?:OPPONENT|QUEUE)(?:_([1-9]\d{0,3}))?$/;

const PRICES = ['price', 'stopPrice', 'limitPrice', 'triggerPrice', 'activatePrice', 'activationPrice'];
const NO_PRICES: readonly Decimal[] = [];
const OWN_PRICES: ReadonlySet<string> = new Set(['price', 'limitPrice']);

/** An order of which the prices stand under names with a prefix (`workingPrice`), or under the plain ones. */
export function readLeg(read: ParameterReader, prefix: string, frame: LegFrame): IntendedOrder {
  let prices = NO_PRICES;
  let ownPrices = NO_PRICES;
  let triggerPrices = NO_PRICES;
  for (const name of PRICES) {
    const price = optionalDecimal(read, prefixed(prefix, name));
    if (price === undefined) continue;
    prices = [...prices, price];
    if (OWN_PRICES.has(name)) ownPrices = [...ownPrices, price];
    else triggerPrices = [...triggerPrices, price];
  }
  const followedLevel = readFollowedLevel(read, prefix);
  const closing = optionalText(read, prefixed(prefix, 'closePosition'));
  return {
    market: frame.market,
    symbol: frame.symbol,
    side: frame.side,
    type: frame.type,
    quantity: frame.quantity,
    quoteQuantity: frame.quoteQuantity,
    prices,
    ownPrices,
    triggerPrices,
    entersAt: frame.entersAt,
    trail: readTrail(read, prefix),
    followsBook: followedLevel !== undefined,
    followedLevel: followedLevel ?? 1,
    closesPosition: isSet(closing),
    // Only the documented spellings: they take an order out of the rules about its value, so a doubtful one must not count.
    surelyCloses: closing === 'true',
    reduceOnly: read(prefixed(prefix, 'reduceOnly')) === 'true',
    positionSide: optionalText(read, prefixed(prefix, 'positionSide')),
    isAmendment: false,
    exclusive: frame.exclusive,
    assets: undefined,
  };
}

/** `price` with the prefix `working` is `workingPrice`. */
export function prefixed(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** trailingDelta counts basis points, callbackRate per cent. */
function readTrail(read: ParameterReader, prefix: string): Decimal | undefined {
  const points = optionalDecimal(read, prefixed(prefix, 'trailingDelta'));
  const percent = optionalDecimal(read, prefixed(prefix, 'callbackRate'));
  if (points === undefined && percent === undefined) return undefined;
  return ExactDecimal.max(points?.times('0.0001') ?? 0, percent?.times('0.01') ?? 0);
}

/**
 * How deep in the book the price lies that an order leaves to it; undefined when it names its own.
 * @see https://developers.binance.com/docs/derivatives/usds-margined-futures/common-definition (priceMatch)
 * @see https://developers.binance.com/docs/binance-spot-api-docs/faqs/pegged_orders
 */
function readFollowedLevel(read: ParameterReader, prefix: string): number | undefined {
  const match = optionalText(read, prefixed(prefix, 'priceMatch'));
  if (match !== undefined && match !== 'NONE') {
    const level = PRICE_MATCH.exec(match);
    return level === null ? Number.POSITIVE_INFINITY : Number(level[1] ?? 1);
  }
  if (optionalText(read, prefixed(prefix, 'pegPriceType')) === undefined) return undefined;
  const offset = optionalDecimal(read, prefixed(prefix, 'pegOffsetValue'));
  return offset === undefined ? 1 : offset.ceil().toNumber() + 1;
}

/** Everything but a plain no counts as yes. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value.toLowerCase() !== 'false';
}
