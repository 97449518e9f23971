import type { OrderName } from '../core/orders/order-names.ts';

/** How a claimed call ended, as far as its effect goes. */
export type ClaimEnding = 'executed' | 'unknown';

/** The call that holds a claim, and what is known of it. */
export interface Holder {
  readonly requestId: string;
  /** The client order ids of its orders; those that the proxy gave are known once it was sent. */
  readonly clientOrderIds: readonly string[];
  /** `open` until it is known what the call did. */
  readonly state: 'open' | 'executed';
  /** Binance's id of its order, where it is known. */
  readonly orderId?: string | undefined;
}

/** What no other call may have in common with this one. */
export interface ClaimKeys {
  /** What a repeat equals; undefined for a call without a timestamp of its own. */
  readonly digest: string | undefined;
  /** The names of its orders, as keys. */
  readonly names: readonly string[];
}

/** The key under which the name of an order is claimed. */
export function nameKey(account: string, upstream: string, { symbol, clientOrderId }: OrderName): string {
  return `${account} ${upstream} ${symbol.toUpperCase()} ${clientOrderId}`;
}

/** What is told how a claim ends. */
export interface ClaimKeeper {
  keep(claim: Claim, ending: ClaimEnding): void;
  heard(claim: Claim): void;
  release(claim: Claim): void;
}

/** The right of one call to be sent. Disposing of it gives the right back, unless the call had an effect. */
export class Claim implements Disposable {
  /** Until when the digest can come again, ms. */
  readonly digestUntilMs: number;
  readonly #keeper: ClaimKeeper;
  #holder: Holder;
  #keys: ClaimKeys;
  #isKept = false;

  constructor(keeper: ClaimKeeper, holder: Holder, keys: ClaimKeys, digestUntilMs: number) {
    this.#keeper = keeper;
    this.#holder = holder;
    this.#keys = keys;
    this.digestUntilMs = digestUntilMs;
  }

  get holder(): Holder {
    return this.#holder;
  }

  get keys(): ClaimKeys {
    return this.#keys;
  }

  /** What is known by now. */
  learn(holder: Partial<Holder>, names: readonly string[]): void {
    this.#holder = { ...this.#holder, ...holder };
    this.#keys = { digest: this.#keys.digest, names };
  }

  /** The call had its effect, or may have had it: it may not be sent again. */
  keep(ending: ClaimEnding): void {
    this.#isKept = true;
    this.#keeper.keep(this, ending);
  }

  /** The app has its answer: the names of its orders are its own again. */
  heard(): void {
    if (this.#isKept) this.#keeper.heard(this);
  }

  [Symbol.dispose](): void {
    if (!this.#isKept) this.#keeper.release(this);
  }
}
