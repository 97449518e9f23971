import { type RawData, WebSocket } from 'ws';
import { jsonSources } from '../core/json.ts';
import { readEvent, type StreamEvent } from '../core/ws-stream.ts';
import { Pace } from './websocket-pace.ts';

/** What Binance says to a control frame: undefined is consent, else the JSON text of its error. */
export type Consent = (error: string | undefined) => void;

export interface FeedOptions {
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

const MOST_WAITING = 256;
const LOST = '{"code":-1001,"msg":"The connection to Binance was lost."}';
const BUSY = '{"code":-1003,"msg":"Too many subscriptions are being changed; try again."}';

/** One combined socket to Binance that carries public streams for any number of apps. */
export class Feed {
  /** How many streams it carries. */
  size = 0;
  readonly #socket: WebSocket;
  readonly #options: FeedOptions;
  readonly #pace: Pace;
  readonly #asked = new Map<number, Consent>();
  #lastId = 0;
  #isAlive = true;

  constructor(options: FeedOptions) {
    const { socket } = options;
    this.#options = options;
    this.#socket = socket;
    this.#pace = new Pace({
      perSecond: options.perSecond,
      mostWaiting: MOST_WAITING,
      now: options.now,
      send: ({ data }) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(data, { binary: false });
      },
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
  ask(method: 'SUBSCRIBE' | 'UNSUBSCRIBE', names: readonly string[], consent: Consent): void {
    const id = ++this.#lastId;
    const data = Buffer.from(JSON.stringify({ method, params: names, id }));
    if (!this.isOpen) consent(LOST);
    else if (this.#pace.take({ data, isBinary: false })) this.#asked.set(id, consent);
    else consent(BUSY);
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
    const consent = id === undefined ? undefined : this.#asked.get(id);
    if (id === undefined || consent === undefined) return true;
    this.#asked.delete(id);
    const own = `{"code":${sources.get('code')},"msg":${sources.get('msg')}}`;
    consent(isError ? (sources.get('error') ?? own) : undefined);
    return true;
  }

  #end(code: number, reason: string): void {
    this.#pace.stop();
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const consent of asked) consent(LOST);
    this.#options.onGone(code, reason);
  }
}
