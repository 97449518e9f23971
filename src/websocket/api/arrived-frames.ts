import { readAnswerHead } from '../../core/frames/frame-answer.ts';
import type { PendingFrames } from './pending-frames.ts';

/** One message of Binance's. */
export interface ArrivedFrame {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

export interface ArrivedFramesOptions {
  /** Who waits for answers. */
  readonly pending: PendingFrames;
  /** Takes what is no answer that anybody waits for. */
  readonly hear: (frame: ArrivedFrame) => void;
  /** Called when everything that had come behind an answer was handed on. */
  readonly onEndOfTurn: () => void;
}

/** How much of an answer is read to find its id and status. */
const HEAD_BYTES = 1_024;
const LARGE_BYTES = 262_144;

/** Hands answers and events on in the order in which Binance sent them. */
export class ArrivedFrames {
  readonly #options: ArrivedFramesOptions;
  /** True from an answer until the app has it, at the end of this turn of the event loop. */
  #hasAnswered = false;
  /** What came behind an answer that the app does not have yet, from the first event on. */
  #behind: ArrivedFrame[] = [];

  constructor(options: ArrivedFramesOptions) {
    this.#options = options;
  }

  /** How many frames wait for an answer before them. */
  get waiting(): number {
    return this.#behind.length;
  }

  take(frame: ArrivedFrame): void {
    if (this.#behind.length > 0) this.#behind.push(frame);
    else if (this.#answer(frame)) {
      // An answer takes nothing but promises to the app; what they queue is done before the next tick.
      if (!this.#hasAnswered) queueMicrotask(() => process.nextTick(() => this.#endTurn()));
      this.#hasAnswered = true;
    } else if (this.#hasAnswered) this.#behind.push(frame);
    else this.#options.hear(frame);
  }

  /** Hands the answers on that still wait: Binance's socket is gone, and those who asked are told what became of it. */
  answerAll(): void {
    this.#behind = this.#behind.filter((frame) => !this.#answer(frame));
  }

  /** False when nobody waits for it: an event, or an answer that comes too late. */
  #answer({ bytes, isBinary }: ArrivedFrame): boolean {
    const head = isBinary ? undefined : headOf(bytes);
    return head !== undefined && this.#options.pending.answer(head.id, { status: head.status, bytes });
  }

  #endTurn(): void {
    this.#hasAnswered = false;
    for (const frame of this.#behind.splice(0)) this.take(frame);
    this.#options.onEndOfTurn();
  }
}

function headOf(data: Buffer) {
  if (data.length <= HEAD_BYTES) return readAnswerHead(data.toString('utf8'));
  const head = readAnswerHead(data.toString('utf8', 0, HEAD_BYTES));
  return head ?? (data.length > LARGE_BYTES ? undefined : readAnswerHead(data.toString('utf8')));
}
