import type { Exchange } from '../../exchange/exchange.ts';
import { INTERVAL } from '../../spot/candles.ts';
import type { SpotMarket } from '../../spot/market.ts';

/** A market stream, read from its name. */
export interface MarketStream {
  /** In upper case, as in events. */
  readonly symbol: string;
  readonly market: SpotMarket;
  readonly kind:
    | 'trade'
    | 'aggTrade'
    | 'bookTicker'
    | 'ticker'
    | 'miniTicker'
    | 'avgPrice'
    | 'markPrice'
    | 'depth';
  /** Levels of a partial book; undefined for the changes of the whole one. */
  readonly levels: number | undefined;
}

export interface KlineStream {
  readonly symbol: string;
  readonly market: SpotMarket;
  readonly kind: 'kline';
  readonly interval: string;
}

const PLAIN = /^(?:trade|aggTrade|bookTicker|ticker|miniTicker|avgPrice)$/;
const DEPTH = /^depth(5|10|20)?(?:@(?:100|250|500|1000)ms)?$/;
const MARK_PRICE = /^markPrice(?:@[13]s)?$/;
const KLINE = /^kline_(.+)$/;
/** Which of the routed USD-M hosts carries a stream. */
const PUBLIC_STREAM = /[!@](?:bookTicker|depth)/;

/** Stream names of a path or a query: separated by slashes, percent escapes allowed. */
export function splitStreamNames(text: string): string[] {
  return text
    .split('/')
    .filter((name) => name !== '')
    .map(decodeName);
}

/** Reads a stream name. Undefined when no market has it: such a stream can be subscribed and has no events. */
export function readStreamName(exchange: Exchange, name: string): MarketStream | KlineStream | undefined {
  const at = name.indexOf('@');
  if (at < 1) return undefined;
  const symbol = name.slice(0, at).toUpperCase();
  // All symbols of a stream are lower case.
  if (name.slice(0, at) !== name.slice(0, at).toLowerCase()) return undefined;
  const market = exchange.spot.markets.get(symbol.replace(/USD_PERP$/, 'USDT'));
  if (market === undefined) return undefined;
  const type = name.slice(at + 1);
  const interval = KLINE.exec(type)?.[1];
  if (interval !== undefined)
    return INTERVAL.test(interval) ? { symbol, market, kind: 'kline', interval } : undefined;
  const depth = DEPTH.exec(type);
  if (depth !== null) {
    const levels = depth[1] === undefined ? undefined : Number(depth[1]);
    return { symbol, market, kind: 'depth', levels };
  }
  const kind = MARK_PRICE.test(type) ? 'markPrice' : PLAIN.test(type) ? type : undefined;
  if (kind === undefined) return undefined;
  return { symbol, market, kind: kind as MarketStream['kind'], levels: undefined };
}

/** Whether a connection gets a stream: a routed USD-M path carries some streams, an unrouted path all of them. */
export function isCarried(route: string, name: string): boolean {
  if (route === '/public') return PUBLIC_STREAM.test(name);
  if (route === '/market') return !PUBLIC_STREAM.test(name);
  return route === '';
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
