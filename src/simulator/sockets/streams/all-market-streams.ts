import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { SpotMarket } from '../../spot/market.ts';
import { marketEvents } from './market-events.ts';
import type { MarketMove } from './market-feed.ts';
import type { MarketStream } from './stream-names.ts';

const LISTED = /^!(ticker|miniTicker|markPrice)@arr(?:@[13]s)?$/;
const INVERSE = ['BTCUSDT', 'ETHUSDT'];

/**
 * The messages of a stream over all markets: a list of those that have moved, or one event for each (`!bookTicker`).
 * Undefined when the name is none of such a stream. An unrouted path is spot's and COIN-M's at once here, so it also has
 * what spot has retired; mark prices are COIN-M's there.
 */
export function allMarketMessages(
  exchange: Exchange,
  name: string,
  moves: ReadonlyMap<SpotMarket, MarketMove>,
  isRouted: boolean,
): readonly JsonValue[] | undefined {
  const listed = LISTED.exec(name)?.[1];
  if (listed === undefined && name !== '!bookTicker') return undefined;
  const kind = (listed ?? 'bookTicker') as MarketStream['kind'];
  const isInverse = kind === 'markPrice' && !isRouted;
  const events: JsonObject[] = [];
  for (const [market, move] of moves) {
    const { symbol, baseAsset } = market.rules;
    if (isInverse && !INVERSE.includes(symbol)) continue;
    const stream = { market, symbol: isInverse ? `${baseAsset}USD_PERP` : symbol, kind, levels: undefined };
    events.push(...marketEvents(exchange, stream, move, isRouted));
  }
  if (listed === undefined) return events;
  return events.length === 0 ? [] : [events];
}
