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
  /** Monotonic ms. */
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

const SAMPLES_KEPT = 8;
const SAMPLE_LIFE_MS = 600_000;
/** A wall clock that runs away from the monotonic one by this much means that the machine slept. */
const SLEEP_MS = 1_000;

/**
 * Binance's time on a monotonic clock; it is told readings and asks for none. Half the round trip is taken off, and of
 * several samples the one with the shortest round trip counts, so that neither a wrong local clock nor one slow answer
 * is noticed by an app.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/rest-api#timing-security
 */
export class ServerClock {
  readonly #monotonicNow: () => number;
  readonly #wallNow: () => number;
  #samples: readonly Sample[] = [];
  #best: Sample | undefined;
  #wallGapMs: number;

  constructor({ monotonicNow, wallNow }: ServerClockOptions) {
    this.#monotonicNow = monotonicNow;
    this.#wallNow = wallNow;
    this.#wallGapMs = wallNow() - monotonicNow();
  }

  /** Server time in ms since the epoch; undefined before the first reading. */
  now(): number | undefined {
    return this.#best === undefined ? undefined : Math.floor(this.#monotonicNow() + this.#best.offsetMs);
  }

  /** Server time, and before the first reading the time of this machine. */
  nowOrLocal(): number {
    return this.now() ?? this.#wallNow();
  }

  /** True when the machine slept since the last reading: what was read before may be wrong. */
  get hasSlept(): boolean {
    return Math.abs(this.#wallNow() - this.#monotonicNow() - this.#wallGapMs) > SLEEP_MS;
  }

  get state(): ClockState {
    const last = this.#samples.at(-1);
    const best = this.#best;
    return {
      synced: best !== undefined,
      offsetMs:
        best === undefined ? undefined : Math.round(best.offsetMs + this.#monotonicNow() - this.#wallNow()),
      ageMs: last === undefined ? undefined : Math.round(this.#monotonicNow() - last.atMs),
      roundTripMs: best?.roundTripMs,
    };
  }

  /**
   * Learns from readings of one moment.
   * @param forget whether earlier readings are dropped
   */
  learn(readings: readonly TimeReading[], forget: boolean): void {
    const oldestMs = this.#monotonicNow() - SAMPLE_LIFE_MS;
    const kept = forget ? [] : this.#samples.filter((each) => each.atMs >= oldestMs);
    this.#samples = [...kept, ...readings.map(toSample)].slice(-SAMPLES_KEPT);
    this.#best = this.#samples.reduce((left, right) => (right.roundTripMs < left.roundTripMs ? right : left));
    this.#wallGapMs = this.#wallNow() - this.#monotonicNow();
  }
}

function toSample({ serverMs, sentMs, receivedMs }: TimeReading): Sample {
  return {
    offsetMs: serverMs - (sentMs + receivedMs) / 2,
    roundTripMs: receivedMs - sentMs,
    atMs: receivedMs,
  };
}
