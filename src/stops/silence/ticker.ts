/** Ticks while there is something to look at: a process with nothing to watch sleeps. */
export class Ticker {
  readonly #tick: () => boolean;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param tick says whether there is something left to look at */
  constructor(tick: () => boolean, everyMs: number) {
    this.#tick = tick;
    this.#everyMs = everyMs;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  start(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      if (!this.#tick()) this.#stop();
    }, this.#everyMs);
    this.#timer.unref();
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
