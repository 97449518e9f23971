import type { HeaderValues } from '../core/call/headers.ts';
import type { Moment } from './moment.ts';
import type { Shareable } from './shareable.ts';

/** One app that waits for a shared answer. */
export interface Taker {
  /** How many bytes of the body it has taken. */
  readonly takenBytes: number;
  /** There is more to take, or there will be none. */
  more(): void;
  /** It is too far behind the others to be waited for. */
  cut(): void;
}

/** How a shared call looks to the one who leads it. */
export interface SharedCallOwner<R> {
  sent(): Moment;
  /** Nobody may join it any more. */
  closed(call: SharedCall<R>): void;
  ended(call: SharedCall<R>, isWhole: boolean): void;
}

interface Head {
  readonly status: number;
  readonly headers: HeaderValues;
}

/** So much of an answer may wait for the fastest reader; then Binance is read no further. */
const BACKLOG_BYTES = 256 * 1024;
/** An answer that grows beyond this is no longer held from its beginning, and who is so far behind is cut off. */
const MOST_BYTES = 16 * 1024 * 1024;
const GONE = Buffer.alloc(0);

/**
 * One call whose answer goes to all who asked the same. Its body is held once, as it came; each taker goes through it at
 * its own pace, and the fastest sets the pace at which Binance is read.
 */
export class SharedCall<R> {
  readonly shareable: Shareable;
  readonly requestId: string;
  /** When it was asked for. */
  readonly asked: Moment;
  readonly #owner: SharedCallOwner<R>;
  readonly #takers = new Set<Taker>();
  #chunks: Buffer[] = [];
  #released = 0;
  #releasedBytes = 0;
  #bytes = 0;
  #sent: Moment | undefined;
  #head: Head | undefined;
  #state: 'open' | 'ended' | 'abandoned' = 'open';
  #result: R | undefined;
  #isHeldWhole = true;
  #giveUp: (() => void) | undefined;
  #goOn: (() => void) | undefined;

  constructor(shareable: Shareable, requestId: string, asked: Moment, owner: SharedCallOwner<R>) {
    this.shareable = shareable;
    this.requestId = requestId;
    this.asked = asked;
    this.#owner = owner;
  }

  /** When it left; undefined before. */
  get sent(): Moment | undefined {
    return this.#sent;
  }

  get head(): Head | undefined {
    return this.#head;
  }

  get state(): 'open' | 'ended' | 'abandoned' {
    return this.#state;
  }

  /** How it ended, for all alike; undefined before. */
  get result(): R | undefined {
    return this.#result;
  }

  /** How many wait for it. */
  get waiting(): number {
    return this.#takers.size;
  }

  /** True once nobody waits for it any more. */
  get isGone(): boolean {
    return this.#takers.size === 0;
  }

  /** The whole body, in one piece of its own; undefined when it is not held from its beginning. */
  body(): Buffer | undefined {
    if (!this.#isHeldWhole) return undefined;
    const body = Buffer.allocUnsafeSlow(this.#bytes);
    let at = 0;
    for (const chunk of this.#chunks) at += chunk.copy(body, at);
    return body;
  }

  /** One piece of the body; undefined when it has not come yet. */
  chunkAt(index: number): Buffer | undefined {
    return this.#chunks[index];
  }

  join(taker: Taker): void {
    this.#takers.add(taker);
    this.#readOn();
  }

  /** A taker is gone. When it was the last one, nobody wants the answer any more. */
  leave(taker: Taker): void {
    if (!this.#takers.delete(taker) || this.#state !== 'open') return;
    if (this.#takers.size > 0) {
      this.#readOn();
      return;
    }
    if (this.#sent === undefined) return;
    this.#owner.closed(this);
    this.#giveUp?.();
  }

  /** A taker that was full has taken more. */
  progressed(): void {
    this.#readOn();
  }

  /** It leaves now; `giveUp` ends it when nobody waits any more. Returns what makes that void. */
  start(giveUp: () => void): () => void {
    this.#sent ??= this.#owner.sent();
    this.#giveUp = giveUp;
    if (this.isGone) giveUp();
    return () => {
      this.#giveUp = undefined;
    };
  }

  /** The answer begins, and nothing of it is held back. */
  begin(status: number, headers: HeaderValues): void {
    this.#head = { status, headers };
    this.#tell();
  }

  /** @returns false when Binance is to be read no further for now; see `onceReady` */
  take(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#tell();
    if (this.#bytes > MOST_BYTES) this.#releaseTaken();
    return this.isGone || this.#fewestLeft() <= BACKLOG_BYTES;
  }

  /** Calls back when more can be taken. */
  onceReady(goOn: () => void): void {
    this.#goOn = goOn;
    this.#readOn();
  }

  /** It has ended so, for all who waited. */
  end(result: R, isWhole: boolean): void {
    this.#state = 'ended';
    this.#result = result;
    this.#owner.ended(this, isWhole);
    this.#tell();
  }

  /** It will not be sent, or not be seen to its end, by the one who led it: who waits has to ask anew. */
  abandon(): void {
    if (this.#state !== 'open') return;
    this.#state = 'abandoned';
    this.#owner.closed(this);
    this.#tell();
  }

  #tell(): void {
    for (const taker of [...this.#takers]) taker.more();
  }

  #readOn(): void {
    const goOn = this.#goOn;
    if (goOn === undefined || (!this.isGone && this.#fewestLeft() > BACKLOG_BYTES)) return;
    this.#goOn = undefined;
    goOn();
  }

  /** What the fastest of the takers has still to take. */
  #fewestLeft(): number {
    let most = 0;
    for (const { takenBytes } of this.#takers) if (takenBytes > most) most = takenBytes;
    return this.#bytes - most;
  }

  #releaseTaken(): void {
    if (this.#isHeldWhole) this.#owner.closed(this);
    this.#isHeldWhole = false;
    let fewest = this.#bytes;
    for (const taker of [...this.#takers]) {
      if (this.#bytes - taker.takenBytes > MOST_BYTES) taker.cut();
      else if (taker.takenBytes < fewest) fewest = taker.takenBytes;
    }
    this.#release(fewest);
  }

  #release(upTo: number): void {
    let before = this.#releasedBytes;
    while (this.#released < this.#chunks.length) {
      const length = this.#chunks[this.#released]?.length ?? 0;
      if (before + length > upTo) break;
      before += length;
      this.#chunks[this.#released] = GONE;
      this.#released++;
    }
    this.#releasedBytes = before;
  }
}
