import type { WebSocket } from 'ws';
import type { StreamEvent } from '../../core/frames/stream-event.ts';
import { type Consent, UpstreamFeed } from './upstream-feed.ts';

/** An app that listens to shared streams. */
export interface Listener {
  hear(event: StreamEvent, data: Buffer): void;
  notice(data: Buffer, isBinary: boolean): void;
  /** A socket to Binance that carried some of its streams is gone. */
  lost(code: number, reason: string): void;
}

export interface RouteFeedsOptions {
  readonly perSecond: number;
  readonly now: () => number;
}

/** Opens one more socket to Binance, charged like any other. @throws ProxyError */
export type OpenFeed = () => Promise<WebSocket>;

interface Stream {
  readonly feed: UpstreamFeed;
  readonly listeners: Set<Listener>;
  /** The question by which it was asked for: the same name may be asked for again before the first has its answer. */
  readonly question: object;
  /** Who waits for Binance's consent; undefined once it was given. */
  waiting: Consent[] | undefined;
}

/** Binance carries 1,024 streams on a connection. */
const MOST_STREAMS = 1_024;
const LONGEST_NOTICE = 64;

/** The public streams of one route: each is subscribed to once, however many apps listen. */
export class RouteFeeds {
  readonly #options: RouteFeedsOptions;
  readonly #feeds = new Set<UpstreamFeed>();
  readonly #streams = new Map<string, Stream>();
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

  /** Ends what nobody else listens to; the last to go closes the sockets to Binance. */
  leave(listener: Listener, names: Iterable<string>): void {
    this.unsubscribe(listener, names);
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) for (const feed of this.#feeds) feed.close();
  }

  /** Subscribes to what nobody listens to yet; calls back once all that is new has Binance's consent. */
  async subscribe(
    listener: Listener,
    names: readonly string[],
    open: OpenFeed,
    consent: Consent,
  ): Promise<void> {
    let fresh = this.#unknown(names);
    let feed = this.#roomFor(fresh.length);
    while (fresh.length > 0 && feed === undefined) {
      await this.#openOne(open);
      fresh = this.#unknown(names);
      feed = this.#roomFor(fresh.length);
    }
    let waitsFor = 1;
    let refusal: string | undefined;
    const done: Consent = (error) => {
      refusal ??= error;
      if (--waitsFor === 0) consent(refusal);
    };
    if (feed !== undefined && fresh.length > 0) {
      const carrier = feed;
      const question = {};
      for (const name of fresh) {
        this.#streams.set(name, { feed: carrier, question, listeners: new Set(), waiting: [] });
      }
      carrier.size += fresh.length;
      waitsFor++;
      carrier.ask('SUBSCRIBE', fresh, (error) => {
        this.#consented(fresh, question, error);
        done(error);
      });
    }
    const isFresh = new Set(fresh);
    for (const name of names) {
      const stream = this.#streams.get(name);
      if (stream === undefined) continue;
      stream.listeners.add(listener);
      if (stream.waiting === undefined || isFresh.has(name)) continue;
      waitsFor++;
      stream.waiting.push(done);
    }
    done(undefined);
  }

  unsubscribe(listener: Listener, names: Iterable<string>): void {
    const over = new Map<UpstreamFeed, string[]>();
    for (const name of names) {
      const stream = this.#streams.get(name);
      if (stream === undefined || !stream.listeners.delete(listener) || stream.listeners.size > 0) continue;
      this.#streams.delete(name);
      stream.feed.size--;
      const list = over.get(stream.feed) ?? [];
      list.push(name);
      over.set(stream.feed, list);
    }
    for (const [feed, list] of over) if (feed.isOpen) feed.ask('UNSUBSCRIBE', list, () => {});
  }

  ping(): void {
    for (const feed of this.#feeds) feed.ping();
  }

  close(): void {
    for (const feed of this.#feeds) feed.close();
  }

  #consented(names: readonly string[], question: object, error: string | undefined): void {
    for (const name of names) {
      const stream = this.#streams.get(name);
      if (stream?.question !== question) continue;
      const waiting = stream.waiting ?? [];
      stream.waiting = undefined;
      if (error !== undefined) {
        this.#streams.delete(name);
        stream.feed.size--;
      }
      for (const consent of waiting) consent(error);
    }
  }

  #unknown(names: readonly string[]): string[] {
    return names.filter((name) => !this.#streams.has(name));
  }

  #roomFor(count: number): UpstreamFeed | undefined {
    for (const feed of this.#feeds) if (feed.isOpen && feed.size + count <= MOST_STREAMS) return feed;
    return undefined;
  }

  /** One at a time: who comes meanwhile waits for the same. */
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
        const listeners = this.#streams.get(event.stream)?.listeners ?? this.#forAll(event, data);
        for (const listener of listeners) listener.hear(event, data);
      },
      onNotice: (data, isBinary) => {
        for (const listener of this.#listeners) listener.notice(data, isBinary);
      },
      onGone: (code, reason) => this.#gone(feed, code, reason),
    });
    this.#feeds.add(feed);
    return feed;
  }

  /** What nobody listens to is the rest of a stream that was ended, or meant for everybody. */
  #forAll({ from }: StreamEvent, data: Buffer): Iterable<Listener> {
    return data.subarray(from, from + LONGEST_NOTICE).includes('"serverShutdown"') ? this.#listeners : [];
  }

  /** Who listened to anything on it, or to nothing at all, loses its own socket with the same code. */
  #gone(feed: UpstreamFeed, code: number, reason: string): void {
    this.#feeds.delete(feed);
    const concerned = new Set<Listener>();
    for (const [name, stream] of this.#streams) {
      if (stream.feed !== feed) continue;
      this.#streams.delete(name);
      for (const listener of stream.listeners) concerned.add(listener);
    }
    if (this.#feeds.size === 0 && this.#opening === undefined) {
      for (const listener of this.#listeners) concerned.add(listener);
    }
    for (const listener of concerned) listener.lost(code, reason);
  }
}
