/** How many frames a second Binance takes on a stream socket, less what its pings and ours need. */
export interface PaceOptions {
  readonly perSecond: number;
  /** Frames that may wait; one more is too many. */
  readonly mostWaiting: number;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Sends one frame. */
  readonly send: (frame: Frame) => void;
}

export interface Frame {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/**
 * Spreads the control frames of an app over time: Binance cuts off whoever sends faster than it allows, and bans an IP
 * that does so again and again.
 */
export class Pace {
  readonly #options: PaceOptions;
  readonly #waiting: Frame[] = [];
  #sentMs: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** False when too many wait already. */
  take(frame: Frame): boolean {
    if (this.#waiting.length >= this.#options.mostWaiting) return false;
    this.#waiting.push(frame);
    if (this.#timer === undefined) this.#run();
    return true;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #run(): void {
    this.#timer = undefined;
    const { now, perSecond, send } = this.#options;
    const nowMs = now();
    this.#sentMs = this.#sentMs.filter((atMs) => nowMs - atMs < 1_000);
    while (this.#sentMs.length < perSecond) {
      const frame = this.#waiting.shift();
      if (frame === undefined) return;
      this.#sentMs.push(nowMs);
      send(frame);
    }
    if (this.#waiting.length === 0) return;
    const oldestMs = this.#sentMs[0] ?? nowMs;
    this.#timer = setTimeout(() => this.#run(), Math.max(1, 1_000 - (nowMs - oldestMs)));
    this.#timer.unref();
  }
}
