import type { WebSocket } from 'ws';

export interface HeartbeatOptions {
  readonly pingEveryMs: number;
  /** How long the other side may show no life, at least. */
  readonly silentMs: number;
  /** Called once the other side was silent for too long, just before the socket is terminated. */
  readonly onSilent: () => void;
}

/**
 * Pings one socket and gives it up after a number of pings without any sign of life. Pings are counted and no clock is
 * read, so that a pause of this process is not taken for the silence of the other side.
 */
export class Heartbeat {
  readonly #socket: WebSocket;
  readonly #onSilent: () => void;
  readonly #most: number;
  /** Pings since the last sign of life. */
  #unanswered = 0;

  constructor(socket: WebSocket, { pingEveryMs, silentMs, onSilent }: HeartbeatOptions) {
    this.#socket = socket;
    this.#onSilent = onSilent;
    this.#most = Math.ceil(silentMs / pingEveryMs);
    const note = () => {
      this.#unanswered = 0;
    };
    socket.on('ping', note).on('pong', note).on('message', note);
  }

  /** To be called each time that a ping is due. */
  ping(): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    // A paused end cannot be heard; the rule for slow readers watches it.
    if (socket.isPaused) this.#unanswered = 0;
    if (this.#unanswered >= this.#most) {
      this.#onSilent();
      socket.terminate();
      return;
    }
    this.#unanswered++;
    socket.ping();
  }
}
