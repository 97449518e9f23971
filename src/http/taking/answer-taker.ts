import type { HeaderValues } from '../../core/call/headers.ts';

/** Who gets the answer of a call as it comes: one app, or all that asked the same. */
export interface AnswerTaker {
  /** True once nobody waits any more. */
  readonly isGone: boolean;
  /** The call leaves now; `giveUp` ends it when nobody waits any more. Returns what makes that void. */
  start(giveUp: () => void): () => void;
  /** The answer begins: called once, before the first byte of the body. */
  begin(status: number, headers: HeaderValues): void;
  /** @returns false when it can take no more for now */
  take(chunk: Buffer): boolean;
  /** Calls back when it can take more, or is gone. */
  onceReady(goOn: () => void): void;
}
