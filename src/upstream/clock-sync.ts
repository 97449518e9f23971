import { repeat } from './repeat.ts';
import type { ClockState, ServerClock, TimeReading } from './server-clock.ts';

export interface ClockSyncOptions {
  readonly clock: ServerClock;
  readonly readServerTime: () => Promise<TimeReading>;
  readonly onSync?: (state: ClockState) => void;
  readonly onFailure?: (error: unknown) => void;
  readonly refreshMs?: number;
}

/** Asks the exchange for its time and tells the clock. */
export interface ClockSync {
  /** Measures until the first reading stands, then keeps it fresh in the background. */
  start(): Promise<void>;
  /** Forgets the readings and measures anew; concurrent callers share one measurement. */
  resync(): Promise<void>;
  stop(): void;
}

const SAMPLES_AT_ONCE = 3;
const REFRESH_MS = 60_000;
const RETRY_MS = 1_000;

export function createClockSync(options: ClockSyncOptions): ClockSync {
  const { clock, readServerTime, refreshMs = REFRESH_MS } = options;
  let measuring: Promise<void> | undefined;
  const refreshing = repeat(() => {
    const forget = clock.hasSlept;
    return attempt(clock.now() === undefined || forget ? SAMPLES_AT_ONCE : 1, forget);
  });

  async function measure(count: number, forget: boolean): Promise<void> {
    const readings: TimeReading[] = [];
    for (let i = 0; i < count; i++) readings.push(assertTime(await readServerTime()));
    clock.learn(readings, forget);
    options.onSync?.(clock.state);
  }

  function measureOnce(count: number, forget: boolean): Promise<void> {
    measuring ??= measure(count, forget).finally(() => {
      measuring = undefined;
    });
    return measuring;
  }

  /** Returns the pause until the next measurement. */
  async function attempt(count: number, forget: boolean): Promise<number> {
    try {
      await measureOnce(count, forget);
      return refreshMs;
    } catch (error) {
      options.onFailure?.(error);
      return RETRY_MS;
    }
  }

  return {
    start: async () => refreshing.start(await attempt(SAMPLES_AT_ONCE, false)),
    resync: () => measureOnce(SAMPLES_AT_ONCE, true),
    stop: () => refreshing.stop(),
  };
}

function assertTime(reading: TimeReading): TimeReading {
  if (!Number.isSafeInteger(reading.serverMs) || reading.serverMs <= 0)
    throw new Error('the server time is no time');
  return reading;
}
