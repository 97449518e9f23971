import { SECOND_MS } from '../core/intervals.ts';
import type { ServerTime } from './candle-close.ts';

/** A moment on all clocks that there are. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** Undefined while Binance's time is not known. */
  readonly server: ServerTime | undefined;
}

/** How long ago a moment was, in ms. Infinite when the machine slept since, or its clock was set: then nobody knows. */
export function ageMs(then: Moment, now: Moment): number {
  const age = now.monotonicMs - then.monotonicMs;
  const byWall = now.wallMs - then.wallMs;
  return Math.abs(byWall - age) > SECOND_MS ? Number.POSITIVE_INFINITY : age;
}
