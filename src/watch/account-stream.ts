import type { RawData, WebSocket } from 'ws';
import { pauseAfter } from '../core/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { SocketFamily } from '../core/upstream.ts';
import { readWatchEvent, type WatchEvent } from './watch-event.ts';

/** A user data stream that is open: what it says comes on the socket. */
export interface OpenedStream {
  /** Paused; whoever takes it listens first. */
  readonly socket: WebSocket;
  /** Hands over what was heard already, and hears nothing from then on. */
  readonly takeOver: () => readonly string[];
  /** Keeps it alive; rejects when it is over. Undefined where it lives by itself. */
  readonly keepAlive: (() => Promise<void>) | undefined;
}

export interface AccountStreamOptions {
  readonly account: string;
  readonly family: SocketFamily;
  /** @throws Error when there is no stream */
  readonly open: (signal: AbortSignal) => Promise<OpenedStream>;
  readonly onEvent: (event: WatchEvent) => void;
  /** A stream is open, and what happened before may have been missed; `sinceMs` undefined at the first time. */
  readonly onOpened: (sinceMs: number | undefined) => void;
  /** No stream is open any more, or none could be opened, for this reason. */
  readonly onBlind: (why: string) => void;
  readonly wallNow: () => number;
  /** How long a stream is kept, in ms; Binance ends it after 24 h. */
  readonly renewMs?: number;
  readonly keepAliveMs?: number;
}

/** Before Binance's own end of a connection. */
const RENEW_MS = DAY_MS - 30 * MINUTE_MS;
const KEEP_ALIVE_MS = 20 * MINUTE_MS;
const FIRST_PAUSE_MS = SECOND_MS;
const LONGEST_PAUSE_MS = MINUTE_MS;
/** Binance pings every 20 s on spot and every 3 min on futures. */
const SILENT_MS = 10 * MINUTE_MS;

/** The watch over one account and product: one stream, opened again whenever it ends, and a new one before it would. */
export class AccountStream {
  readonly #options: AccountStreamOptions;
  readonly #stop = new AbortController();
  #socket: WebSocket | undefined;
  #timers: NodeJS.Timeout[] = [];
  #failures = 0;
  #lastHeardMs: number | undefined;
  #lastSign = 0;

  constructor(options: AccountStreamOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  start(): void {
    void this.#open();
  }

  close(): void {
    this.#stop.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket?.terminate();
    this.#socket = undefined;
  }

  async #open(): Promise<void> {
    let opened: OpenedStream;
    try {
      opened = await this.#options.open(this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const why = error instanceof Error ? error.message : 'no stream could be opened';
      if (this.#socket === undefined) this.#options.onBlind(why);
      // With every minute's weight used up before, the usual pause would meet a full window for ever.
      this.#later(() => void this.#open(), pauseAfter(error, this.#pauseMs(), LONGEST_PAUSE_MS));
      return;
    }
    if (this.#stop.signal.aborted) opened.socket.terminate();
    else this.#take(opened);
  }

  #take({ socket, takeOver, keepAlive }: OpenedStream): void {
    const former = this.#socket;
    const {
      wallNow,
      onEvent,
      onOpened,
      family,
      renewMs = RENEW_MS,
      keepAliveMs = KEEP_ALIVE_MS,
    } = this.#options;
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    this.#socket = socket;
    this.#failures = 0;
    this.#lastSign = performance.now();
    const sign = () => {
      this.#lastSign = performance.now();
    };
    socket.on('ping', sign);
    const hear = (text: string) => {
      const event = readWatchEvent(family, text);
      if (event === undefined) return;
      this.#lastHeardMs = wallNow();
      if (event.kind === 'over') this.#lose(socket, 'Binance ended the stream');
      else onEvent(event);
    };
    const early = takeOver();
    socket.on('message', (raw: RawData, isBinary: boolean) => {
      sign();
      if (!isBinary) hear((raw as Buffer).toString());
    });
    socket.on('error', () => {});
    socket.on('close', (code: number) => this.#lose(socket, `the connection ended (${code})`));
    for (const text of early) hear(text);
    socket.resume();
    onOpened(this.#lastHeardMs);
    this.#lastHeardMs = wallNow();
    // Two streams tell the same for a moment: nothing falls between them.
    former?.close(1000);
    this.#later(() => void this.#open(), renewMs);
    this.#every(keepAliveMs, () => {
      if (performance.now() - this.#lastSign > SILENT_MS)
        this.#lose(socket, 'nothing was heard on the connection');
      else keepAlive?.().catch(() => this.#lose(socket, 'the stream could not be kept alive'));
    });
  }

  /** What belongs to a stream that was replaced already is no loss. */
  #lose(socket: WebSocket, why: string): void {
    socket.terminate();
    if (this.#socket !== socket || this.#stop.signal.aborted) return;
    this.#socket = undefined;
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    this.#lastHeardMs ??= this.#options.wallNow();
    this.#options.onBlind(why);
    this.#later(() => void this.#open(), this.#pauseMs());
  }

  #pauseMs(): number {
    return Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS);
  }

  #later(act: () => void, afterMs: number): void {
    const timer = setTimeout(act, Math.min(afterMs, 2 * HOUR_MS * 12));
    timer.unref();
    this.#timers.push(timer);
  }

  #every(ms: number, act: () => void): void {
    this.#later(() => {
      act();
      if (this.#socket !== undefined) this.#every(ms, act);
    }, ms);
  }
}
