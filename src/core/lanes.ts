/**
 * The lanes of what everybody shares, the weakest first: callers without a key; clients that read; what places or amends
 * orders; what takes orders away. Each lane may use what those before it leave free, and a part that they cannot take.
 */
export type SharedLane = 'anonymous' | 'identified' | 'orders' | 'cancels';

const LANES: readonly SharedLane[] = ['anonymous', 'identified', 'orders', 'cancels'];

/** How much of what is shared a lane and those before it may hold together. */
const LANE_SHARES: Readonly<Record<SharedLane, number>> = {
  anonymous: 0.25,
  identified: 0.75,
  orders: 0.9,
  cancels: 1,
};

/** How much of its lane one client may hold. Nobody without a key is told apart, and cancels take what is there. */
const CLIENT_SHARE = 0.5;

/**
 * Of an account's order counts: how much may be used before only exits pass, where exits can be told; and how much one
 * client may use where others place on the same account, without its exits and with them.
 */
export const ORDER_SHARES = { ofAll: 0.9, ofClient: 0.75, ofClientWithExits: 0.9 } as const;

/** How many of `most` a lane and those before it may hold together. */
export function mostOfLane(lane: SharedLane, most: number): number {
  return Math.ceil(most * LANE_SHARES[lane]);
}

/** How many of `most` one client may hold in a lane. */
export function mostOfClient(lane: SharedLane, most: number): number {
  const isOwn = lane === 'anonymous' || lane === 'cancels';
  return Math.ceil(most * LANE_SHARES[lane] * (isOwn ? 1 : CLIENT_SHARE));
}

/** Which of the bounds was reached. */
export type FullLane = 'lane' | 'client';

/** Who holds how many of a number of equal things, by lane and client. */
export class LaneCounts {
  readonly #most: number;
  readonly #counts: Record<SharedLane, number> = { anonymous: 0, identified: 0, orders: 0, cancels: 0 };
  readonly #clients = new Map<string, number>();
  #total = 0;

  /** @param most how many there are */
  constructor(most: number) {
    this.#most = most;
  }

  get total(): number {
    return this.#total;
  }

  /** Takes one, or so many, until what is returned is disposed of, or says which bound would be passed. */
  take(lane: SharedLane, client: string, amount = 1): Disposable | FullLane {
    if (!this.#hasRoom(lane, amount)) return 'lane';
    const key = `${lane} ${client}`;
    const own = (this.#clients.get(key) ?? 0) + amount;
    if (own > mostOfClient(lane, this.#most)) return 'client';
    this.#counts[lane] += amount;
    this.#total += amount;
    this.#clients.set(key, own);
    return new Held(() => this.#giveBack(lane, key, amount));
  }

  /** Room in this lane, and in every stronger one that it would fill as well. */
  #hasRoom(lane: SharedLane, amount: number): boolean {
    let held = 0;
    let isReached = false;
    for (const each of LANES) {
      held += this.#counts[each];
      isReached ||= each === lane;
      if (isReached && held + amount > mostOfLane(each, this.#most)) return false;
    }
    return true;
  }

  #giveBack(lane: SharedLane, key: string, amount: number): void {
    this.#counts[lane] -= amount;
    this.#total -= amount;
    const left = (this.#clients.get(key) ?? amount) - amount;
    if (left > 0) this.#clients.set(key, left);
    else this.#clients.delete(key);
  }
}

/** One of them, held. A class, because an object made for each call would be built member by member. */
class Held implements Disposable {
  #giveBack: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  [Symbol.dispose](): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }
}
