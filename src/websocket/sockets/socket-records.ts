import type { AuditTrail } from '../../audit/trail.ts';

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

export interface SocketRecordsDeps {
  readonly trail: Pick<AuditTrail, 'note'>;
  readonly monotonicNow: () => number;
}

/** Writes that a socket was opened and, once, how it ended. */
export class SocketRecords {
  framesUp = 0;
  framesDown = 0;
  readonly #deps: SocketRecordsDeps;
  readonly #socketId: string;
  readonly #subject: SocketSubject;
  readonly #detail: Readonly<Record<string, string>> | undefined;
  readonly #openedMs: number;
  #isEnded = false;

  /** `detail`: further facts of the socket. */
  constructor(
    deps: SocketRecordsDeps,
    socketId: string,
    subject: SocketSubject,
    detail?: Readonly<Record<string, string>>,
  ) {
    this.#deps = deps;
    this.#socketId = socketId;
    this.#subject = subject;
    this.#detail = detail;
    this.#openedMs = deps.monotonicNow();
  }

  opened(): void {
    this.#deps.trail.note({
      event: 'socket.opened',
      ...this.#subject,
      detail: { ...this.#detail, socket: this.#socketId },
    });
  }

  closed({ by, code, rule }: SocketEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { framesUp, framesDown } = this;
    this.#deps.trail.note({
      event: 'socket.closed',
      level: rule === undefined || rule === 'shutdown' ? 'info' : 'warn',
      ...this.#subject,
      durationMs: this.#deps.monotonicNow() - this.#openedMs,
      rule,
      detail: { ...this.#detail, socket: this.#socketId, by, code, framesUp, framesDown },
    });
  }
}
