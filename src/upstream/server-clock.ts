/** One reading of server time: what to add to the monotonic clock, and the round trip that bounds its error. */
interface Sample {
  readonly offsetMs: number;
  readonly roundTripMs: number;
  readonly atMs: number;
}

export interface ClockState {
  readonly synced: boolean;
  /** Server time less this machine's wall clock, in ms. */
  readonly offsetMs: number | undefined;
  /** Since the last successful reading, in ms. */
  readonly ageMs: number | undefined;
  readonly roundTripMs: number | undefined;
}

/** One answer of the exchange about its time (`GET /api/v3/time`). */
export interface TimeReading {
  /** ms since the epoch. */
  readonly serverMs: number;
  /** Monotonic ms, just before the question left and just after the answer came. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

export interface ServerClockOptions {
  readonly readServerTime: () => Promise<TimeReading>;
  /** Monotonic ms. */
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  readonly onSync?: (state: ClockState) => void;
  readonly onFailure?: (error: unknown) => void;
  readonly refreshMs?: number;
}

export interface ServerClock {
  /** Server time in ms since the epoch; undefined before the first reading. */
  now(): number | undefined;
  /** Measures until the first reading stands, then keeps it fresh in the background. */
  start(): Promise<void>;
  /** Forgets the readings and measures anew; concurrent callers share one measurement. */
  resync(): Promise<void>;
  readonly state: ClockState;
  stop(): void;
}

const SAMPLES_AT_ONCE = 3;
const SAMPLES_KEPT = 8;
const SAMPLE_LIFE_MS = 600_000;
const REFRESH_MS = 60_000;
const RETRY_MS = 1_000;
/** A wall clock that runs away from the monotonic one by this much means that the machine slept. */
const SLEEP_MS = 1_000;

/**
 * Binance's time on a monotonic clock. Half the round trip is taken off, and of several samples the one with the
 * shortest round trip counts, so that neither a wrong local clock nor one slow answer is noticed by an app.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/rest-api#timing-security
 */
export function createServerClock(options: ServerClockOptions): ServerClock {
  let samples: Sample[] = [];
  let best: Sample | undefined;
  let wallGapMs = options.wallNow() - options.monotonicNow();
  let measuring: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function sample(): Promise<Sample> {
    const { serverMs, sentMs, receivedMs } = await options.readServerTime();
    if (!Number.isSafeInteger(serverMs) || serverMs <= 0) throw new Error('the server time is no time');
    return {
      offsetMs: serverMs - (sentMs + receivedMs) / 2,
      roundTripMs: receivedMs - sentMs,
      atMs: receivedMs,
    };
  }

  async function measure(count: number, forget: boolean): Promise<void> {
    const fresh: Sample[] = [];
    for (let i = 0; i < count; i++) fresh.push(await sample());
    const oldestMs = options.monotonicNow() - SAMPLE_LIFE_MS;
    const kept = forget ? [] : samples.filter((each) => each.atMs >= oldestMs);
    samples = [...kept, ...fresh].slice(-SAMPLES_KEPT);
    best = samples.reduce((left, right) => (right.roundTripMs < left.roundTripMs ? right : left));
    wallGapMs = options.wallNow() - options.monotonicNow();
    options.onSync?.(state());
  }

  function state(): ClockState {
    const last = samples.at(-1);
    return {
      synced: best !== undefined,
      offsetMs:
        best === undefined
          ? undefined
          : Math.round(best.offsetMs + options.monotonicNow() - options.wallNow()),
      ageMs: last === undefined ? undefined : Math.round(options.monotonicNow() - last.atMs),
      roundTripMs: best?.roundTripMs,
    };
  }

  function measureOnce(count: number, forget: boolean): Promise<void> {
    measuring ??= measure(count, forget).finally(() => {
      measuring = undefined;
    });
    return measuring;
  }

  function schedule(delayMs: number): void {
    if (stopped) return;
    timer = setTimeout(refresh, delayMs);
    timer.unref();
  }

  function refresh(): void {
    const slept = Math.abs(options.wallNow() - options.monotonicNow() - wallGapMs) > SLEEP_MS;
    const count = best === undefined || slept ? SAMPLES_AT_ONCE : 1;
    measureOnce(count, slept).then(
      () => schedule(options.refreshMs ?? REFRESH_MS),
      (error: unknown) => {
        options.onFailure?.(error);
        schedule(RETRY_MS);
      },
    );
  }

  return {
    now: () => (best === undefined ? undefined : Math.floor(options.monotonicNow() + best.offsetMs)),
    async start() {
      try {
        await measureOnce(SAMPLES_AT_ONCE, false);
        schedule(options.refreshMs ?? REFRESH_MS);
      } catch (error) {
        options.onFailure?.(error);
        schedule(RETRY_MS);
      }
    },
    resync: () => measureOnce(SAMPLES_AT_ONCE, true),
    get state() {
      return state();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
