/** Takes what was added since the last time. */
type Listener = (line: string) => void;

/** So many records are kept where no audit folder keeps them. */
const MOST_KEPT = 2_000;

/** The records of this process as they are written: the last ones, for whoever asks, and each new one for who listens. */
export class RecordFeed {
  readonly #keeps: boolean;
  readonly #kept: string[] = [];
  #next = 0;
  #listener: Listener | undefined;

  /** @param keeps whether the last records are kept in memory, because no folder has them */
  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  take(line: string): void {
    this.#listener?.(line);
    if (!this.#keeps) return;
    this.#kept[this.#next % MOST_KEPT] = line;
    this.#next++;
  }

  /** The last records, the oldest first. */
  get kept(): readonly string[] {
    const from = this.#next % MOST_KEPT;
    return this.#next <= MOST_KEPT
      ? [...this.#kept]
      : [...this.#kept.slice(from), ...this.#kept.slice(0, from)];
  }

  /** One listener at a time: what it is told costs every call. */
  listen(listener: Listener | undefined): void {
    this.#listener = listener;
  }
}
