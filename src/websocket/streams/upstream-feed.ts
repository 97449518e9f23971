import { type RawData, WebSocket } from 'ws';
import { readEvent, type StreamEvent } from '../../core/frames/stream-event.ts';
import { jsonSources } from '../../core/json.ts';
import { PacedQueue } from '../sockets/paced-queue.ts';

/** What Binance says to a control frame: undefined is consent, else the JSON text of its error. */
export type Consent = (error: string | undefined) => void;

export interface UpstreamFeedOptions {
  /** Paused until the feed takes it up. */
  readonly socket: WebSocket;
  readonly perSecond: number;
  readonly now: () => number;
  /** One event of one stream, with the bytes that it stands in. */
  readonly onEvent: (event: StreamEvent, data: Buffer) => void;
  /** What is for everybody on this socket, such as the announcement of a shutdown. */
  readonly onNotice: (data: Buffer, isBinary: boolean) => void;
  readonly onGone: (code: number, reason: string) => void;
}

/** A wish of an app, sent with others of its kind where it has to wait for its turn. */
interface Ask {
  readonly method: 'SUBSCRIBE' | 'UNSUBSCRIBE';
  readonly names: Set<string>;
  readonly consent: Consent;
  /** True once Binance has refused it together with others: whose fault that was shows only alone. */
  readonly isAlone: boolean;
}

const MOST_WAITING = 2_048;
/** How many streams are asked for in one frame on behalf of several apps. */
const MOST_NAMES = 200;
const LOST = '{"code":-1001,"msg":"The connection to Binance was lost."}';
const BUSY = '{"code":-1003,"msg":"Too many subscriptions are being changed; try again."}';

/** One combined socket to Binance that carries public streams for any number of apps. */
export class UpstreamFeed {
  /** How many streams it carries. */
  size = 0;
  readonly #socket: WebSocket;
  readonly #options: UpstreamFeedOptions;
  readonly #pace: PacedQueue<Ask>;
  /** Questions without an answer, by id. */
  readonly #asked = new Map<number, readonly Ask[]>();
  #lastId = 0;
  #isAlive = true;

  constructor(options: UpstreamFeedOptions) {
    const { socket } = options;
    this.#options = options;
    this.#socket = socket;
    this.#pace = new PacedQueue({
      perSecond: options.perSecond,
      mostWaiting: MOST_WAITING,
      now: options.now,
      send: (ask) => this.#send(ask),
    });
    const note = () => {
      this.#isAlive = true;
    };
    socket.on('ping', note).on('pong', note).on('message', note);
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    socket.on('close', (code, reason) => this.#end(code, reason.toString()));
    socket.resume();
    if (socket.readyState === WebSocket.CLOSED) this.#end(1006, '');
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Asks Binance for streams, or to end them. */
  ask(method: Ask['method'], names: readonly string[], consent: Consent): void {
    const ask = { method, names: new Set(names), consent, isAlone: false };
    if (!this.isOpen) {
      consent(LOST);
      return;
    }
    if (!this.#pace.take(ask)) consent(BUSY);
  }

  ping(): void {
    if (!this.isOpen) return;
    if (this.#isAlive) this.#socket.ping();
    else this.#socket.terminate();
    this.#isAlive = false;
  }

  close(): void {
    if (this.isOpen) this.#socket.close(1000);
    else this.#socket.terminate();
  }

  /** Sends an ask, and with it what waits and may go in the same frame: many apps that come at once wait for few frames. */
  #send(first: Ask): void {
    const asks = first.isAlone ? [first] : [first, ...this.#pace.draw(this.#fitting(first))];
    const id = ++this.#lastId;
    this.#asked.set(id, asks);
    const params = asks.flatMap(({ names }) => [...names]);
    if (first.method === 'UNSUBSCRIBE') this.#forget(params);
    const text = JSON.stringify({ method: first.method, params, id });
    if (this.isOpen) this.#socket.send(text, { binary: false });
  }

  /** Picks what waits and wants the same, unless something about the same streams has to go before it. */
  #fitting({ method, names }: Ask): (ask: Ask) => boolean {
    const passedBy = new Set<string>();
    let size = names.size;
    return (ask) => {
      const fits =
        ask.method === method &&
        !ask.isAlone &&
        size + ask.names.size <= MOST_NAMES &&
        ask.names.isDisjointFrom(passedBy);
      if (fits) size += ask.names.size;
      else for (const name of ask.names) passedBy.add(name);
      return fits;
    };
  }

  /** What is ended now is not asked for anew when the frame that it was in is refused. */
  #forget(names: readonly string[]): void {
    for (const asks of this.#asked.values()) {
      if (asks.length === 1) continue;
      for (const ask of asks) {
        if (ask.method === 'SUBSCRIBE') for (const name of names) ask.names.delete(name);
      }
    }
  }

  #hear(raw: RawData, isBinary: boolean): void {
    const data = raw as Buffer;
    const event = isBinary ? undefined : readEvent(data);
    if (event !== undefined) this.#options.onEvent(event, data);
    else if (isBinary || !this.#isAnswer(data.toString())) this.#options.onNotice(data, isBinary);
  }

  #isAnswer(text: string): boolean {
    let sources: Map<string, string>;
    try {
      sources = new Map(jsonSources(text).map(({ name, source }) => [name, source]));
    } catch {
      return false;
    }
    const isError = sources.has('error') || (sources.has('code') && sources.has('msg'));
    if (!isError && !sources.has('result')) return false;
    // An error may come without the id of what it refuses: answers come in the order of the questions.
    const id = sources.has('id') ? Number(sources.get('id')) : this.#asked.keys().next().value;
    const asks = id === undefined ? undefined : this.#asked.get(id);
    if (id === undefined || asks === undefined) return true;
    this.#asked.delete(id);
    const own = `{"code":${sources.get('code')},"msg":${sources.get('msg')}}`;
    if (isError && asks.length > 1) this.#askAlone(asks);
    else for (const { consent } of asks) consent(isError ? (sources.get('error') ?? own) : undefined);
    return true;
  }

  #askAlone(asks: readonly Ask[]): void {
    for (const { names, consent } of asks) if (names.size === 0) consent(undefined);
    this.#pace.putBack(asks.filter(({ names }) => names.size > 0).map((ask) => ({ ...ask, isAlone: true })));
  }

  #end(code: number, reason: string): void {
    const asked = [...this.#asked.values(), this.#pace.draw(() => true)].flat();
    this.#pace.stop();
    this.#asked.clear();
    for (const { consent } of asked) consent(LOST);
    this.#options.onGone(code, reason);
  }
}
