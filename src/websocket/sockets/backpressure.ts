import type { RawData, WebSocket } from 'ws';
import type { SocketLimits } from './socket-limits.ts';

/** What can be told to hold on; a writer that serves many cannot. */
export type Writer = Pick<WebSocket, 'pause' | 'resume'>;

/**
 * One direction of a socket pair with back-pressure: while its reader lags, its writer is paused, so that what waits
 * here stays bounded; a reader that stands still too long is reported once.
 */
export class Backpressure {
  readonly #from: Writer;
  readonly #to: WebSocket;
  readonly #limits: SocketLimits;
  readonly #now: () => number;
  readonly #onSlow: () => void;
  #pausedAtMs: number | undefined;
  #lastBuffered = 0;
  #isCut = false;

  constructor(from: Writer, to: WebSocket, limits: SocketLimits, now: () => number, onSlow: () => void) {
    this.#from = from;
    this.#to = to;
    this.#limits = limits;
    this.#now = now;
    this.#onSlow = onSlow;
  }

  /** Hands on what came from the other end, text as text. */
  pass(data: RawData | string, isBinary: boolean): void {
    const to = this.#to;
    if (this.#isCut || to.readyState !== to.OPEN) return;
    to.send(data as Buffer, { binary: isBinary }, this.#sent);
    const waiting = to.bufferedAmount;
    if (waiting > this.#limits.maxBufferedBytes) this.#cut();
    else if (waiting > this.#limits.pauseAtBytes && this.#pausedAtMs === undefined) {
      this.#pausedAtMs = this.#now();
      this.#lastBuffered = waiting;
      this.#from.pause();
    }
  }

  /** Cuts off a reader that has taken nothing for too long. */
  tick(nowMs: number): void {
    if (this.#pausedAtMs === undefined) return;
    const waiting = this.#to.bufferedAmount;
    if (waiting < this.#lastBuffered) {
      this.#lastBuffered = waiting;
      this.#pausedAtMs = nowMs;
    } else if (nowMs - this.#pausedAtMs >= this.#limits.slowReaderMs) this.#cut();
  }

  #cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#onSlow();
  }

  readonly #sent = (): void => {
    if (this.#pausedAtMs === undefined || this.#to.bufferedAmount > this.#limits.pauseAtBytes / 2) return;
    this.#pausedAtMs = undefined;
    this.#from.resume();
  };
}
