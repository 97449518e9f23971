import { RouteFeeds } from './route-feeds.ts';

/** The groups of shared streams, one for each place that they come from. */
export class AllFeeds {
  readonly #groups = new Map<string, RouteFeeds>();
  readonly #now: () => number;

  /** @param now monotonic ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param url origin, path and query of its sockets */
  of(url: string, perSecond: number): RouteFeeds {
    const known = this.#groups.get(url);
    if (known !== undefined) return known;
    const group = new RouteFeeds({ perSecond, now: this.#now });
    this.#groups.set(url, group);
    return group;
  }

  ping(): void {
    for (const [url, group] of this.#groups) {
      if (group.isEmpty) this.#groups.delete(url);
      else group.ping();
    }
  }

  close(): void {
    for (const group of this.#groups.values()) group.close();
  }
}
