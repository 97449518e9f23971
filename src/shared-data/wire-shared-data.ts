import { SharedData } from './shared-data.ts';

/** What this room needs to know of the clock to Binance. */
interface BinanceClock {
  now(): number | undefined;
  readonly hasSlept: boolean;
  readonly state: { readonly roundTripMs: number | undefined };
}

export interface SharedDataDeps {
  readonly clock: BinanceClock;
  /** How long a call without an answer may be joined. */
  readonly joinableMs: number;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

/** How far quartz runs away between two readings of Binance's clock. */
const DRIFT_MS = 50;

/** Shared data with the clocks of this proxy. A reading of Binance's time is wrong by half of its round trip at the most. */
export function wireSharedData<R>({
  clock,
  joinableMs,
  monotonicNow,
  wallNow,
}: SharedDataDeps): SharedData<R> {
  const serverTime = () => {
    const nowMs = clock.now();
    if (nowMs === undefined || clock.hasSlept) return undefined;
    return { nowMs, errorMs: (clock.state.roundTripMs ?? 0) / 2 + DRIFT_MS };
  };
  return new SharedData({
    joinableMs,
    now: () => ({ monotonicMs: monotonicNow(), wallMs: wallNow(), server: serverTime() }),
  });
}
