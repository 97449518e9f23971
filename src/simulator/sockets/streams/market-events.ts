import type { JsonObject } from '../../base/json-value.ts';
import { amount, ZERO } from '../../base/money.ts';
import { depthView } from '../../endpoints/spot/market.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { type Candle, candle, intervalMs } from '../../spot/candles.ts';
import type { PublicTrade, SpotMarket } from '../../spot/market.ts';
import type { MarketMove } from './market-feed.ts';
import type { KlineStream, MarketStream } from './stream-names.ts';

const DAY_MS = 86_400_000;

/** The events of a stream for a move of its market. Some events of derivatives differ from those of spot. */
export function marketEvents(
  exchange: Exchange,
  stream: MarketStream | KlineStream,
  move: MarketMove,
  isDerivative: boolean,
): JsonObject[] {
  const { market, symbol } = stream;
  const E = exchange.nowMs();
  const traded = move.trades.length > 0;
  switch (stream.kind) {
    case 'trade':
      return move.trades.map((trade) => tradeEvent(trade, symbol, E, isDerivative));
    case 'aggTrade':
      return move.trades.map((trade) => ({
        ...{ e: 'aggTrade', E, s: symbol, a: trade.id, p: amount(trade.price), q: amount(trade.quantity) },
        ...{ f: trade.id, l: trade.id, T: trade.timeMs, m: trade.isBuyerMaker },
        M: isDerivative ? undefined : true,
      }));
    case 'bookTicker': {
      const { b, B, a, A } = bestOf(market);
      const head = isDerivative ? { e: 'bookTicker', E, T: E } : {};
      return move.bookMoved ? [{ ...head, u: market.updateId, s: symbol, b, B, a, A }] : [];
    }
    case 'ticker':
      return traded ? [dayEvent(exchange, market, symbol, E)] : [];
    case 'miniTicker': {
      const { s, c, o, h, l, v, q } = dayEvent(exchange, market, symbol, E);
      return traded ? [{ e: '24hrMiniTicker', E, s, c, o, h, l, v, q }] : [];
    }
    case 'avgPrice':
      return traded ? [{ e: 'avgPrice', E, s: symbol, i: '5m', w: amount(market.lastPrice), T: E }] : [];
    case 'markPrice': {
      const p = amount(market.lastPrice);
      const T = (Math.floor(E / 28_800_000) + 1) * 28_800_000;
      return traded ? [{ e: 'markPriceUpdate', E, s: symbol, p, i: p, P: p, r: '0.00010000', T }] : [];
    }
    case 'kline':
      return traded ? klineEvents(exchange, stream, move, E) : [];
    case 'depth':
      return move.bookMoved ? depthEvents(stream, move, E, isDerivative) : [];
  }
}

function tradeEvent(trade: PublicTrade, symbol: string, E: number, isDerivative: boolean): JsonObject {
  const { id: t, timeMs: T, isBuyerMaker: m } = trade;
  const body = { e: 'trade', E, s: symbol, t, p: amount(trade.price), q: amount(trade.quantity), T, m };
  return isDerivative ? { ...body, X: 'MARKET' } : { ...body, M: true };
}

function depthEvents(
  stream: MarketStream,
  { depth }: MarketMove,
  E: number,
  isDerivative: boolean,
): JsonObject[] {
  const { market, levels, symbol: s } = stream;
  const head = { e: 'depthUpdate', E, T: isDerivative ? E : undefined, s };
  if (levels === undefined) {
    if (depth === undefined) return [];
    const { firstUpdateId: U, lastUpdateId: u, bids: b, asks: a } = depth;
    return [{ ...head, U, u, pu: isDerivative ? depth.previousUpdateId : undefined, b, a }];
  }
  const { bids = [], asks = [] } = depthView(market, levels);
  const { updateId } = market;
  return isDerivative
    ? [{ ...head, U: updateId, u: updateId, pu: updateId - 1, b: bids, a: asks }]
    : [{ lastUpdateId: updateId, bids, asks }];
}

/** The present candle, after the one that has closed since the last look. */
function klineEvents(exchange: Exchange, stream: KlineStream, move: MarketMove, E: number): JsonObject[] {
  const { market, symbol: s, interval } = stream;
  const lengthMs = intervalMs(interval);
  const openMs = Math.floor(E / lengthMs) * lengthMs;
  const previousMs = Math.floor(move.previousMs / lengthMs) * lengthMs;
  return (previousMs < openMs ? [previousMs, openMs] : [openMs]).map((startMs) => {
    const entry = candle(market, startMs, lengthMs, E, (timeMs) => exchange.stepAt(timeMs));
    const k = candleView(entry, s, interval, startMs < openMs);
    return { e: 'kline', E, s, k };
  });
}

function candleView(entry: Candle, s: string, i: string, x: boolean): JsonObject {
  const quote = entry.volume.mul(entry.close);
  return {
    t: entry.openMs,
    T: entry.closeMs,
    s,
    i,
    f: -1,
    L: -1,
    o: amount(entry.open),
    c: amount(entry.close),
    h: amount(entry.high),
    l: amount(entry.low),
    v: amount(entry.volume),
    n: entry.trades,
    x,
    q: amount(quote),
    V: amount(entry.volume.div(2)),
    Q: amount(quote.div(2)),
    B: '0',
  };
}

function bestOf(market: SpotMarket) {
  const [bid] = market.levels('BUY', 1);
  const [ask] = market.levels('SELL', 1);
  return {
    b: amount(bid?.[0] ?? ZERO),
    B: amount(bid?.[1] ?? ZERO),
    a: amount(ask?.[0] ?? ZERO),
    A: amount(ask?.[1] ?? ZERO),
  };
}

function dayEvent(exchange: Exchange, market: SpotMarket, symbol: string, E: number) {
  const openMs = E - DAY_MS;
  const day = candle(market, openMs, DAY_MS, E, (timeMs) => exchange.stepAt(timeMs));
  const change = market.lastPrice.sub(day.open);
  const last = market.trades.at(-1);
  return {
    e: '24hrTicker',
    E,
    s: symbol,
    p: amount(change),
    P: change.div(day.open).mul(100).toFixed(3),
    w: amount(day.open.add(market.lastPrice).div(2)),
    x: amount(day.open),
    c: amount(market.lastPrice),
    Q: amount(last?.quantity ?? ZERO),
    ...bestOf(market),
    o: amount(day.open),
    h: amount(day.high),
    l: amount(day.low),
    v: amount(day.volume),
    q: amount(day.volume.mul(market.lastPrice)),
    O: openMs,
    C: E,
    F: market.trades[0]?.id ?? -1,
    L: last?.id ?? -1,
    n: day.trades,
  };
}
