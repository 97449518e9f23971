import type { OpenFeed, RouteFeeds } from './route-feeds.ts';
import type { Listener } from './subscriptions.ts';
import type { Consent } from './upstream-feed.ts';

/** What the streams of one app need of their feeds. */
export type Feeds = Pick<RouteFeeds, 'join' | 'leave' | 'subscribe' | 'unsubscribe'>;

/** Feeds of one way out, and how a socket is opened on it. */
export interface WayFeeds {
  readonly group: RouteFeeds;
  readonly open: OpenFeed;
}

/**
 * The feeds of an app where accounts leave by ways of their own: a stream with a listen key is subscribed to on a socket
 * that leaves by its account's way, everything else where public streams are.
 */
export class FeedsByWay implements Feeds {
  readonly #common: RouteFeeds;
  /** Undefined for a stream that belongs to the common feeds. */
  readonly #ownOf: (stream: string) => WayFeeds | undefined;
  /** Where each stream of an account's own was subscribed to. */
  readonly #own = new Map<string, RouteFeeds>();
  readonly #joined = new Set<RouteFeeds>();

  constructor(common: RouteFeeds, ownOf: (stream: string) => WayFeeds | undefined) {
    this.#common = common;
    this.#ownOf = ownOf;
  }

  join(listener: Listener, open: OpenFeed): Promise<void> {
    return this.#common.join(listener, open);
  }

  leave(listener: Listener, names: Iterable<string>): void {
    const all = [...names];
    for (const group of this.#joined) group.leave(listener, all);
    this.#joined.clear();
    this.#own.clear();
    this.#common.leave(listener, all);
  }

  async subscribe(
    listener: Listener,
    names: readonly string[],
    { open, consent }: { readonly open: OpenFeed; readonly consent: Consent },
  ): Promise<void> {
    const byGroup = new Map<RouteFeeds, { readonly open: OpenFeed; readonly names: string[] }>();
    for (const name of names) {
      const own = this.#ownOf(name);
      const group = own?.group ?? this.#common;
      if (own !== undefined) this.#own.set(name, own.group);
      const part = byGroup.get(group) ?? { open: own?.open ?? open, names: [] };
      part.names.push(name);
      byGroup.set(group, part);
    }
    let waitsFor = byGroup.size;
    let refusal: string | undefined;
    const done: Consent = (error) => {
      refusal ??= error;
      if (--waitsFor === 0) consent(refusal);
    };
    for (const [group, part] of byGroup) {
      if (group !== this.#common) {
        this.#joined.add(group);
        await group.join(listener, part.open);
      }
      await group.subscribe(listener, part.names, { open: part.open, consent: done });
    }
  }

  unsubscribe(listener: Listener, names: Iterable<string>): void {
    const common: string[] = [];
    for (const name of names) {
      const own = this.#own.get(name);
      this.#own.delete(name);
      if (own === undefined) common.push(name);
      else own.unsubscribe(listener, [name]);
    }
    this.#common.unsubscribe(listener, common);
  }
}
