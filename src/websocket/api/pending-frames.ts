import type { FrameAnswer } from './frame-carrier.ts';

interface Pending {
  readonly sentMs: number;
  readonly resolve: (answer: FrameAnswer | undefined) => void;
}

/** The frames of one socket that were sent and have no answer yet, by the id under which they were sent. */
export class PendingFrames {
  readonly #byId = new Map<string, Pending>();

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Resolves with the answer; with undefined when none will come. */
  add(id: string, sentMs: number): Promise<FrameAnswer | undefined> {
    return new Promise((resolve) => this.#byId.set(id, { sentMs, resolve }));
  }

  /** Hands an answer to whoever waits for it; false when nobody does. */
  answer(id: string, answer: FrameAnswer): boolean {
    const pending = this.#byId.get(id);
    this.#byId.delete(id);
    pending?.resolve(answer);
    return pending !== undefined;
  }

  /** Gives up what was sent before a moment; a map keeps the order of sending. */
  loseSentBefore(sentMs: number): void {
    for (const [id, pending] of this.#byId) {
      if (pending.sentMs > sentMs) return;
      this.#byId.delete(id);
      pending.resolve(undefined);
    }
  }

  loseAll(): void {
    this.loseSentBefore(Number.POSITIVE_INFINITY);
  }
}
