import { RecentMap } from './recent-map.ts';

/** A set of texts that remembers those that were added last: at least `most` of them, at most twice as many. */
export class BoundedSet {
  readonly #texts: RecentMap<string, true>;

  constructor(most: number) {
    this.#texts = new RecentMap(most);
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  add(text: string): void {
    this.#texts.set(text, true);
  }
}
