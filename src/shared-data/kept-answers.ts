import { LRUCache } from 'lru-cache';
import type { HeaderValues } from '../core/call/headers.ts';
import type { Family } from './families.ts';
import type { Moment } from './moment.ts';

/** A whole answer of Binance's, as it came. */
export interface KeptAnswer {
  readonly family: Family;
  readonly status: number;
  readonly headers: HeaderValues;
  readonly body: Buffer;
  /** When its call left. */
  readonly sent: Moment;
  /** The call that brought it. */
  readonly requestId: string;
}

const MOST_BYTES = 32 * 1024 * 1024;
/** What an answer takes beside its body. */
const BESIDE_BYTES = 2 * 1024;

/** Keeps whole answers in bounded memory; those that nobody asked for longest leave first. */
export class KeptAnswers {
  readonly #answers: LRUCache<string, KeptAnswer>;

  constructor(mostBytes = MOST_BYTES) {
    this.#answers = new LRUCache({
      maxSize: mostBytes,
      sizeCalculation: ({ body }, key) => body.length + 2 * key.length + BESIDE_BYTES,
    });
  }

  /** How much they take, in bytes. */
  get bytes(): number {
    return this.#answers.calculatedSize;
  }

  get(key: string): KeptAnswer | undefined {
    return this.#answers.get(key);
  }

  /** Keeps an answer in place of an older one; what is larger than all of the room is not kept. */
  set(key: string, answer: KeptAnswer): void {
    this.#answers.set(key, answer);
  }

  delete(key: string): void {
    this.#answers.delete(key);
  }

  /** Lets go of a family, or of everything. */
  drop(family?: Family): void {
    if (family === undefined) this.#answers.clear();
    else for (const [key, answer] of this.#answers.entries()) if (answer.family === family) this.delete(key);
  }
}
