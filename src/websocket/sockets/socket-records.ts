import type { Line } from '../../pipeline/line.ts';

/** What stands in the records of a socket's opening and closing. */
export interface SocketSubject {
  readonly client: string | undefined;
  readonly upstream: string;
  readonly path: string;
}

export interface SocketEnd {
  readonly by: 'app' | 'binance' | 'proxy';
  readonly code: number;
  /** The proxy's own reason; undefined when it had none. */
  readonly rule: string | undefined;
}

/** Writes that a socket was opened and, once, how it ended. */
export class SocketRecords {
  framesUp = 0;
  framesDown = 0;
  readonly #line: Line;
  readonly #socketId: string;
  readonly #subject: SocketSubject;
  readonly #openedMs: number;
  #isEnded = false;

  constructor(line: Line, socketId: string, subject: SocketSubject) {
    this.#line = line;
    this.#socketId = socketId;
    this.#subject = subject;
    this.#openedMs = line.monotonicNow();
  }

  opened(): void {
    this.#line.trail.note({
      event: 'socket.opened',
      ...this.#subject,
      detail: { socket: this.#socketId },
    });
  }

  closed({ by, code, rule }: SocketEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { framesUp, framesDown } = this;
    this.#line.trail.note({
      event: 'socket.closed',
      level: rule === undefined || rule === 'shutdown' ? 'info' : 'warn',
      ...this.#subject,
      durationMs: this.#line.monotonicNow() - this.#openedMs,
      rule,
      detail: { socket: this.#socketId, by, code, framesUp, framesDown },
    });
  }
}
