/** A set of texts that forgets those that were added longest ago. */
export class BoundedSet {
  readonly #texts = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  add(text: string): void {
    this.#texts.delete(text);
    this.#texts.add(text);
    if (this.#texts.size > this.#most) this.#texts.delete(this.#texts.values().next().value ?? '');
  }
}
