import { RouteFeeds, type RouteFeedsOptions } from './route-feeds.ts';

/** The shared streams of all routes. */
export class AllFeeds {
  readonly #groups = new Map<string, RouteFeeds>();
  readonly #options: Omit<RouteFeedsOptions, 'perSecond'>;

  constructor(options: Omit<RouteFeedsOptions, 'perSecond'>) {
    this.#options = options;
  }

  /**
   * The feeds of one route.
   * @param url origin, path and query of their sockets
   */
  of(url: string, perSecond: number): RouteFeeds {
    const known = this.#groups.get(url);
    if (known !== undefined) return known;
    const group = new RouteFeeds({ ...this.#options, perSecond });
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
