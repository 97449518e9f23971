import { type RawData, WebSocket } from 'ws';
import { readEvent, type StreamEvent } from '../../core/frames/stream-event.ts';
import { jsonSources } from '../../core/json.ts';
import { faultOf, type OwnEnding } from '../sockets/closing.ts';
import { Heartbeat } from '../sockets/heartbeat.ts';
import { PacedQueue } from '../sockets/paced-queue.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';

/** Called with Binance's answer to a control frame: undefined for consent, else the JSON text of the error. */
export type Consent = (error: string | undefined) => void;

/** How a socket to Binance ended. */
export interface FeedEnd {
  readonly code: number;
  readonly reason: string;
  /** Undefined when Binance, or what lies between, ended it. */
  readonly own: OwnEnding | undefined;
}

export interface UpstreamFeedOptions {
  /** Paused; the feed resumes it. */
  readonly socket: WebSocket;
  readonly perSecond: number;
  readonly now: () => number;
  readonly limits: Pick<SocketLimits, 'pingEveryMs' | 'upstreamSilentMs'>;
  /** Called with one event of one stream, and the message that contains it. */
  readonly onEvent: (event: StreamEvent, data: Buffer) => void;
  /** Called with a message for everybody on this socket, such as the notice of a shutdown. */
  readonly onNotice: (data: Buffer, isBinary: boolean) => void;
  readonly onGone: (end: FeedEnd) => void;
}

/** A SUBSCRIBE or UNSUBSCRIBE of an app. Those that wait for their turn are sent together. */
interface Ask {
  readonly method: 'SUBSCRIBE' | 'UNSUBSCRIBE';
  readonly names: Set<string>;
  readonly consent: Consent;
  /** True once Binance has refused it together with others. Sent alone, it shows which one was at fault. */
  readonly isAlone: boolean;
}

const MOST_WAITING = 2_048;
/** How many streams one frame may ask for on behalf of several apps. */
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
  /** Asks without an answer, by the id of their frame. */
  readonly #asked = new Map<number, readonly Ask[]>();
  readonly #heartbeat: Heartbeat;
  #lastId = 0;
  /** Why this side ended the socket. */
  #own: OwnEnding | undefined;

  constructor(options: UpstreamFeedOptions) {
    const { socket, limits } = options;
    this.#options = options;
    this.#socket = socket;
    this.#pace = new PacedQueue({
      perSecond: options.perSecond,
      mostWaiting: MOST_WAITING,
      now: options.now,
      send: (ask) => this.#send(ask),
    });
    this.#heartbeat = new Heartbeat(socket, {
      pingEveryMs: limits.pingEveryMs,
      silentMs: limits.upstreamSilentMs,
      onSilent: () => {
        this.#own = { code: 1006, rule: 'no pong from Binance' };
      },
    });
    socket.on('error', (error) => {
      const fault = faultOf(error);
      if (fault !== undefined) this.#own = { code: fault.code, rule: `${fault.rule} from Binance` };
    });
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    socket.on('close', (code, reason) => this.#end(code, reason.toString()));
    socket.resume();
    if (socket.readyState === WebSocket.CLOSED) this.#end(1006, '');
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Asks Binance to begin or to end streams. */
  ask(method: Ask['method'], names: readonly string[], consent: Consent): void {
    const ask = { method, names: new Set(names), consent, isAlone: false };
    if (!this.isOpen) {
      consent(LOST);
      return;
    }
    if (!this.#pace.take(ask)) consent(BUSY);
  }

  ping(): void {
    this.#heartbeat.ping();
  }

  close(): void {
    if (this.isOpen) this.#socket.close(1000);
    else this.#socket.terminate();
  }

  /** Sends an ask with the waiting ones that fit into the same frame, so that many apps need few frames. */
  #send(first: Ask): void {
    const asks = first.isAlone ? [first] : [first, ...this.#pace.draw(this.#fitting(first))];
    const id = ++this.#lastId;
    this.#asked.set(id, asks);
    const params = asks.flatMap(({ names }) => [...names]);
    if (first.method === 'UNSUBSCRIBE') this.#forget(params);
    const text = JSON.stringify({ method: first.method, params, id });
    if (this.isOpen) this.#socket.send(text, { binary: false });
  }

  /** Picks waiting asks of the same method, unless an earlier ask for the same streams has to be sent first. */
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

  /** Streams that are ended now are not asked for again when the frame that asked for them is refused. */
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
    // An error may come without an id. It then answers the oldest question: answers come in their order.
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
    this.#options.onGone({ code, reason, own: this.#own });
  }
}
