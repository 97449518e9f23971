import { hash } from 'node:crypto';
import { SECOND_MS } from '../../core/intervals.ts';
import { badSignature } from '../refusals.ts';

/** What a client's signature is used for. A signature that was used for one purpose proves nothing for another. */
export interface Purpose {
  readonly door: 'http' | 'socket';
  /** `reading`, `cancelling`, `logon`, or one changing method and path. */
  readonly kind: string;
  /** The parameters that are acted on, as canonical text. */
  readonly pairs: string;
}

/** One use of a signature. Disposing of it gives the signature back, unless it was kept. */
export interface SignatureUse extends Disposable {
  /** The call may have had its effect: the signature is used up. */
  keep(): void;
}

interface Bound {
  readonly purpose: string;
  readonly untilMs: number;
  isUsed: boolean;
}

const SWEEP_EVERY_MS = 10 * SECOND_MS;
const REPEATABLE: SignatureUse = Object.freeze({ keep() {}, [Symbol.dispose]() {} });

/**
 * Remembers for what each client's signatures were used. A signature has to be remembered only as long as its own
 * timestamp is fresh: afterwards the request is refused for its age. So the memory is bounded by what clients sign
 * within their recvWindow.
 */
export class SignatureUses {
  readonly #bound = new Map<string, Bound>();
  #sweepAtMs = 0;

  /**
   * Binds a signature to its purpose at its first use, and takes the use where it counts once.
   * @param signature in the one spelling that `readSignature` gives it
   * @param untilMs until when the signed timestamp is fresh
   * @throws ProxyError PROXY_BAD_SIGNATURE for another purpose, or when it is used up
   */
  use(client: string, signature: string, purpose: Purpose, untilMs: number, nowMs: number): SignatureUse {
    this.#sweep(nowMs);
    const key = `${client} ${signature}`;
    const text = hash('sha256', `${purpose.door}\n${purpose.kind}\n${purpose.pairs}`);
    const bound = this.#bound.get(key) ?? { purpose: text, untilMs, isUsed: false };
    this.#bound.set(key, bound);
    if (bound.purpose !== text)
      throw badSignature('This signature was used for something else.', 'signature for another use');
    // That no changing call is sent twice is seen to by what it says, whoever signed it.
    if (purpose.kind !== 'logon') return REPEATABLE;
    if (bound.isUsed)
      throw badSignature('This signature was used before: it counts once.', 'signature reused');
    return new Use(bound);
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + SWEEP_EVERY_MS;
    for (const [key, { untilMs }] of this.#bound) if (untilMs < nowMs) this.#bound.delete(key);
  }
}

class Use implements SignatureUse {
  #bound: Bound | undefined;

  constructor(bound: Bound) {
    this.#bound = bound;
    bound.isUsed = true;
  }

  keep(): void {
    this.#bound = undefined;
  }

  [Symbol.dispose](): void {
    if (this.#bound !== undefined) this.#bound.isUsed = false;
    this.#bound = undefined;
  }
}
