export interface PacedQueueOptions<T> {
  /** Frames a second that Binance accepts on a stream socket, less what the pings of both sides need. */
  readonly perSecond: number;
  /** How many frames may wait. */
  readonly mostWaiting: number;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Sends one frame. */
  readonly send: (frame: T) => void;
}

/**
 * Spreads the control frames of an app over time. Binance disconnects a socket that sends faster than it allows, and
 * bans an IP that does so repeatedly.
 */
export class PacedQueue<T> {
  readonly #options: PacedQueueOptions<T>;
  #waiting: T[] = [];
  #sentMs: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PacedQueueOptions<T>) {
    this.#options = options;
  }

  /** Sends a frame now or later. False when too many wait already. */
  take(frame: T): boolean {
    if (this.#waiting.length >= this.#options.mostWaiting) return false;
    this.#waiting.push(frame);
    if (this.#timer === undefined) this.#run();
    return true;
  }

  /** Puts frames before all that wait, without a bound. */
  putBack(frames: readonly T[]): void {
    this.#waiting.unshift(...frames);
    if (this.#timer === undefined) this.#run();
  }

  /** Takes out the waiting frames that are picked, in their order. */
  draw(pick: (frame: T) => boolean): readonly T[] {
    const drawn: T[] = [];
    this.#waiting = this.#waiting.filter((frame) => !(pick(frame) && drawn.push(frame) > 0));
    return drawn;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
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
