import { SECOND_MS } from '../../core/intervals.ts';
import type { SocketFamily } from '../../core/upstream.ts';

/** A call that is about to be sent, with the orders that may come to rest. */
export interface SentOrders {
  readonly client: string;
  readonly account: string;
  readonly family: SocketFamily;
  /** The name of each of its orders, also of those that cannot rest. */
  readonly names: readonly string[];
  /** How many of them may come to rest. */
  readonly orders: number;
}

/** The room of a call whose orders nobody has told of yet. */
export interface Held extends Omit<SentOrders, 'names'> {
  /** Those that nobody has told of. */
  readonly names: Set<string>;
  /** When the call had ended, in turns of the book; undefined while it is under way. */
  endedAt: number | undefined;
  isUnknown: boolean;
  /** By then a stream would have told, monotonic ms. */
  untilMs: number;
}

/** A stream tells of an accepted order within a moment. */
const TOLD_MS = 10 * SECOND_MS;
/** What was sent without an answer may be executed for as long as the longest recvWindow. */
const TOLD_OF_UNKNOWN_MS = 75 * SECOND_MS;

/** Orders between the moment in which their call takes its room and the first word of a stream about them. */
export class OrdersUnderWay {
  readonly #held = new Set<Held>();
  readonly #byName = new Map<string, Held>();

  hold({ client, account, family, names, orders }: SentOrders): Held {
    const held: Held = {
      ...{ client, account, family, orders, names: new Set(names) },
      ...{ endedAt: undefined, isUnknown: false, untilMs: Number.POSITIVE_INFINITY },
    };
    this.#held.add(held);
    for (const name of names) this.#byName.set(keyOf(held, name), held);
    return held;
  }

  /** The call has ended: with nothing at Binance, or with orders of which a stream tells. */
  settle(held: Held, ending: 'nothing' | 'accepted' | 'unknown', endedAt: number, nowMs: number): void {
    if (held.endedAt !== undefined) return;
    held.endedAt = endedAt;
    held.isUnknown = ending === 'unknown';
    held.untilMs = nowMs + (held.isUnknown ? TOLD_OF_UNKNOWN_MS : TOLD_MS);
    if (ending === 'nothing' || roomOf(held) === 0) this.#drop(held);
  }

  /** An order of one of these names was told of: it is not on its way any more. */
  arrived(place: Pick<Held, 'account' | 'family'>, names: readonly string[]): void {
    for (const name of names) {
      const held = this.#byName.get(keyOf(place, name));
      if (held === undefined) continue;
      this.#byName.delete(keyOf(place, name));
      held.names.delete(name);
      if (roomOf(held) === 0 && held.endedAt !== undefined) this.#drop(held);
    }
  }

  /** What had ended before a question for all that rests is in its answer; of an unknown outcome that proves nothing. */
  listed(place: Pick<Held, 'account' | 'family'>, askedAt: number): void {
    for (const held of this.#held) {
      const isThere = held.account === place.account && held.family === place.family;
      if (isThere && !held.isUnknown && held.endedAt !== undefined && held.endedAt < askedAt)
        this.#drop(held);
    }
  }

  /** @param isWatched whether a stream would have told of the orders of a product */
  count(client: string, nowMs: number, isWatched: (held: Held) => boolean): number {
    let count = 0;
    for (const held of this.#held) {
      if (nowMs >= held.untilMs && isWatched(held)) this.#drop(held);
      else if (held.client === client) count += roomOf(held);
    }
    return count;
  }

  #drop(held: Held): void {
    this.#held.delete(held);
    for (const name of held.names) {
      const key = keyOf(held, name);
      if (this.#byName.get(key) === held) this.#byName.delete(key);
    }
  }
}

function roomOf({ orders, names }: Held): number {
  return Math.min(orders, names.size);
}

function keyOf({ account, family }: Pick<Held, 'account' | 'family'>, name: string): string {
  return `${account} ${family} ${name}`;
}
