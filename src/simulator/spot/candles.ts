import type { JsonValue } from '../base/json-value.ts';
import { amount, Money } from '../base/money.ts';
import type { SpotMarket } from './market.ts';

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
export const INTERVAL = /^(1s|1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M)$/;
const SAMPLES = 8;

/** A candle of a market, computed from its price walk. */
export interface Candle {
  readonly openMs: number;
  readonly closeMs: number;
  readonly open: Money;
  readonly high: Money;
  readonly low: Money;
  readonly close: Money;
  readonly volume: Money;
  readonly trades: number;
}

export function intervalMs(interval: string): number {
  // A month of 30 days is close enough for a made-up market.
  if (interval === '1M') return 30 * 86_400_000;
  return Number(interval.slice(0, -1)) * (UNITS[interval.slice(-1)] ?? 60_000);
}

/** The candle that opens at `openMs`, as it is at `nowMs`. */
export function candle(
  market: SpotMarket,
  openMs: number,
  lengthMs: number,
  nowMs: number,
  stepAt: (timeMs: number) => number,
): Candle {
  const closeMs = openMs + lengthMs - 1;
  const seenMs = Math.min(closeMs, nowMs);
  const prices = Array.from({ length: SAMPLES }, (_, sample) =>
    market.walk.priceAt(stepAt(openMs + Math.floor(((seenMs - openMs) * sample) / (SAMPLES - 1)))),
  );
  const step = stepAt(openMs);
  const open = prices[0] ?? market.lastPrice;
  return {
    openMs,
    closeMs,
    open,
    high: Money.max(open, ...prices),
    low: Money.min(open, ...prices),
    close: prices.at(-1) ?? open,
    volume: market.rules.stepSize.mul(market.walk.pick(step, 5, market.rules.levelSteps * 10)),
    trades: 1 + market.walk.pick(step, 6, 500),
  };
}

/** The last `limit` candles that open between two moments. */
export function candles(
  market: SpotMarket,
  interval: string,
  range: { readonly startMs: number | undefined; readonly endMs: number | undefined; readonly limit: number },
  nowMs: number,
  stepAt: (timeMs: number) => number,
): Candle[] {
  const lengthMs = intervalMs(interval);
  const lastMs = Math.floor(Math.min(range.endMs ?? nowMs, nowMs) / lengthMs) * lengthMs;
  const firstMs =
    range.startMs === undefined
      ? lastMs - (range.limit - 1) * lengthMs
      : Math.ceil(range.startMs / lengthMs) * lengthMs;
  const found: Candle[] = [];
  for (let openMs = firstMs; openMs <= lastMs && found.length < range.limit; openMs += lengthMs)
    found.push(candle(market, openMs, lengthMs, nowMs, stepAt));
  return found;
}

/** The twelve columns of a kline. */
export function candleRow(entry: Candle, timeFactor: number): JsonValue {
  const quoteVolume = entry.volume.mul(entry.close);
  return [
    entry.openMs * timeFactor,
    amount(entry.open),
    amount(entry.high),
    amount(entry.low),
    amount(entry.close),
    amount(entry.volume),
    (entry.closeMs + 1) * timeFactor - 1,
    amount(quoteVolume),
    entry.trades,
    amount(entry.volume.div(2)),
    amount(quoteVolume.div(2)),
    '0',
  ];
}
