import type { StreamEvent } from '../../core/frames/stream-event.ts';
import type { Consent, FeedEnd, UpstreamFeed } from './upstream-feed.ts';

/** An app that listens to shared streams. */
export interface Listener {
  hear(event: StreamEvent, data: Buffer): void;
  notice(data: Buffer, isBinary: boolean): void;
  /** Called when a socket to Binance that carried some of its streams is gone. */
  lost(end: FeedEnd): void;
}

/** One SUBSCRIBE. The same name may be asked for again before the first SUBSCRIBE was answered. */
interface Question {
  readonly names: readonly string[];
}

interface Stream {
  readonly feed: UpstreamFeed;
  readonly question: Question;
  readonly listeners: Set<Listener>;
  /** Called with Binance's answer; undefined once it was given. */
  waiting: Consent[] | undefined;
}

/** Which app listens to which stream, and which feed carries it. */
export class Subscriptions {
  readonly #streams = new Map<string, Stream>();

  /** The names that nobody listens to. */
  unknown(names: readonly string[]): string[] {
    return names.filter((name) => !this.#streams.has(name));
  }

  listenersOf(name: string): Iterable<Listener> | undefined {
    return this.#streams.get(name)?.listeners;
  }

  /** Adds streams that a feed is about to be asked for. */
  add(names: readonly string[], feed: UpstreamFeed): Question {
    const question = { names };
    for (const name of names) this.#streams.set(name, { feed, question, listeners: new Set(), waiting: [] });
    feed.size += names.length;
    return question;
  }

  /** Adds a listener to a stream. True when the stream waits for Binance's answer. */
  listen(listener: Listener, name: string): boolean {
    const stream = this.#streams.get(name);
    stream?.listeners.add(listener);
    return stream?.waiting !== undefined;
  }

  /** Calls back with Binance's answer for a stream that waits for it. */
  await(name: string, consent: Consent): void {
    this.#streams.get(name)?.waiting?.push(consent);
  }

  /** Passes Binance's answer on. Streams that it refused are dropped. */
  answer(question: Question, error: string | undefined): void {
    for (const name of question.names) {
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

  /** Removes a listener. Returns the streams that nobody listens to any more, by the feed that carries them. */
  remove(listener: Listener, names: Iterable<string>): ReadonlyMap<UpstreamFeed, readonly string[]> {
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
    return over;
  }

  /** Drops the streams of a feed that is gone. Returns who listened to them. */
  drop(feed: UpstreamFeed): Set<Listener> {
    const concerned = new Set<Listener>();
    for (const [name, stream] of this.#streams) {
      if (stream.feed !== feed) continue;
      this.#streams.delete(name);
      for (const listener of stream.listeners) concerned.add(listener);
    }
    return concerned;
  }
}
