import type { WebSocket } from 'ws';
import type { StreamEvent } from '../../core/frames/stream-event.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';
import { type Listener, Subscriptions } from './subscriptions.ts';
import { type Consent, type FeedEnd, UpstreamFeed } from './upstream-feed.ts';

export interface RouteFeedsOptions {
  readonly perSecond: number;
  readonly now: () => number;
  readonly limits: Pick<SocketLimits, 'pingEveryMs' | 'upstreamSilentMs'>;
}

/**
 * Opens one more socket to Binance, charged like any other.
 * @throws ProxyError
 */
export type OpenFeed = () => Promise<WebSocket>;

/** Binance carries 1,024 streams on a connection. */
const MOST_STREAMS = 1_024;
const LONGEST_NOTICE = 64;

/** The public streams of one route. Each is subscribed to once, however many apps listen. */
export class RouteFeeds {
  readonly #options: RouteFeedsOptions;
  readonly #feeds = new Set<UpstreamFeed>();
  readonly #subscriptions = new Subscriptions();
  readonly #listeners = new Set<Listener>();
  #opening: Promise<UpstreamFeed> | undefined;

  constructor(options: RouteFeedsOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0 && this.#feeds.size === 0 && this.#opening === undefined;
  }

  /** Makes sure that there is a socket to Binance. */
  async join(listener: Listener, open: OpenFeed): Promise<void> {
    this.#listeners.add(listener);
    try {
      while (this.#roomFor(0) === undefined) await this.#openOne(open);
    } catch (error) {
      this.leave(listener, []);
      throw error;
    }
  }

  /** Unsubscribes from what nobody else listens to. After the last listener the sockets to Binance are closed. */
  leave(listener: Listener, names: Iterable<string>): void {
    this.unsubscribe(listener, names);
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) for (const feed of this.#feeds) feed.close();
  }

  /** Subscribes to what nobody listens to yet. Calls back once Binance has answered for every new name. */
  async subscribe(
    listener: Listener,
    names: readonly string[],
    { open, consent }: { readonly open: OpenFeed; readonly consent: Consent },
  ): Promise<void> {
    let fresh = this.#subscriptions.unknown(names);
    let feed = this.#roomFor(fresh.length);
    while (fresh.length > 0 && feed === undefined) {
      await this.#openOne(open);
      fresh = this.#subscriptions.unknown(names);
      feed = this.#roomFor(fresh.length);
    }
    let waitsFor = 1;
    let refusal: string | undefined;
    const done: Consent = (error) => {
      refusal ??= error;
      if (--waitsFor === 0) consent(refusal);
    };
    if (feed !== undefined && fresh.length > 0) {
      const question = this.#subscriptions.add(fresh, feed);
      waitsFor++;
      feed.ask('SUBSCRIBE', fresh, (error) => {
        this.#subscriptions.answer(question, error);
        done(error);
      });
    }
    const isFresh = new Set(fresh);
    for (const name of names) {
      const isWaiting = this.#subscriptions.listen(listener, name);
      if (!isWaiting || isFresh.has(name)) continue;
      waitsFor++;
      this.#subscriptions.await(name, done);
    }
    done(undefined);
  }

  unsubscribe(listener: Listener, names: Iterable<string>): void {
    for (const [feed, over] of this.#subscriptions.remove(listener, names)) {
      if (feed.isOpen) feed.ask('UNSUBSCRIBE', over, () => {});
    }
  }

  ping(): void {
    for (const feed of this.#feeds) feed.ping();
  }

  close(): void {
    for (const feed of this.#feeds) feed.close();
  }

  #roomFor(count: number): UpstreamFeed | undefined {
    for (const feed of this.#feeds) if (feed.isOpen && feed.size + count <= MOST_STREAMS) return feed;
    return undefined;
  }

  /** Opens one socket at a time: callers that come meanwhile wait for the same one. */
  #openOne(open: OpenFeed): Promise<UpstreamFeed> {
    this.#opening ??= this.#open(open).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(open: OpenFeed): Promise<UpstreamFeed> {
    const feed: UpstreamFeed = new UpstreamFeed({
      ...this.#options,
      socket: await open(),
      onEvent: (event, data) => {
        const listeners = this.#subscriptions.listenersOf(event.stream) ?? this.#forAll(event, data);
        for (const listener of listeners) listener.hear(event, data);
      },
      onNotice: (data, isBinary) => {
        for (const listener of this.#listeners) listener.notice(data, isBinary);
      },
      onGone: (end) => this.#gone(feed, end),
    });
    this.#feeds.add(feed);
    return feed;
  }

  /** An event without a listener is a shutdown notice for everybody, or late: its stream was unsubscribed. */
  #forAll({ from }: StreamEvent, data: Buffer): Iterable<Listener> {
    return data.subarray(from, from + LONGEST_NOTICE).includes('"serverShutdown"') ? this.#listeners : [];
  }

  /** Apps with a stream on the feed lose their sockets with the same code; after the last feed all apps do. */
  #gone(feed: UpstreamFeed, end: FeedEnd): void {
    this.#feeds.delete(feed);
    const concerned = this.#subscriptions.drop(feed);
    if (this.#feeds.size === 0 && this.#opening === undefined) {
      for (const listener of this.#listeners) concerned.add(listener);
    }
    for (const listener of concerned) listener.lost(end);
  }
}
