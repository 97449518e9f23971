import type { RawData, WebSocket } from 'ws';
import type { SocketLimits } from './socket-limits.ts';

/** What can be paused. A writer that serves many readers is not. */
export type Writer = Pick<WebSocket, 'pause' | 'resume'>;

/**
 * One direction of a socket pair with back-pressure. While the reader lags, the writer is paused, so the buffer stays
 * bounded. A reader that takes nothing for too long is reported once.
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

  /** Sends what came from the other end; text stays text. */
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

  /** Reports a reader that has taken nothing for too long. */
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
