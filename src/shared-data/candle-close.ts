import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
  M: 31 * DAY_MS,
};
const INTERVAL = /^([1-9]\d?)([smhdwM])$/;

/** Binance may still be writing the candle that has just closed. */
const SETTLING_MS = 2 * SECOND_MS;
/** A call of one's own would take so long to arrive at the most: what is asked for right before a close is answered after it. */
const ON_ITS_WAY_MS = SECOND_MS;

/** Binance's time, and by how much it may be wrong. */
export interface ServerTime {
  readonly nowMs: number;
  readonly errorMs: number;
}

/** How long a candle is, by the name of its interval; undefined when there is no such interval. */
export function intervalMs(name: string): number | undefined {
  const [, count, unit = ''] = INTERVAL.exec(name) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}

/**
 * Whether a call of one's own, made now, could tell of a close that an answer asked for at `sent` may not know. Candles
 * of more than a day are taken to close each midnight: they do on one of them.
 */
export function crossesClose(sent: ServerTime, now: ServerTime, candleMs: number): boolean {
  const every = Math.min(candleMs, DAY_MS);
  const before = Math.floor((sent.nowMs - sent.errorMs) / every);
  return before !== Math.floor((now.nowMs + now.errorMs + ON_ITS_WAY_MS) / every);
}

/** Whether an answer was asked for so shortly after a close that the closed candle may still change. */
export function isSettling(sent: ServerTime, candleMs: number): boolean {
  const every = Math.min(candleMs, DAY_MS);
  const before = Math.floor((sent.nowMs - sent.errorMs - SETTLING_MS) / every);
  return before !== Math.floor((sent.nowMs + sent.errorMs) / every);
}
