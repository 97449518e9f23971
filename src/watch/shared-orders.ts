import { hash } from 'node:crypto';
import { Redis } from 'ioredis';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { SecretText } from '../core/records/secret-text.ts';
import type { OrdersOfOthers } from './own-orders.ts';

/** By then every proxy that watches has seen the order under the id that Binance gave it. */
const KEPT_MS = 2 * DAY_MS;
/** So long a Redis that was away, or came back empty, is told once more. */
const RECENT_MS = 10 * MINUTE_MS;
const MOST_RECENT = 50_000;
/** A Redis that takes longer is away: whoever asks has to say by then whose an order is. */
const ANSWER_MS = 500;
/** By then all others have reached it too, and told it again. */
const BACK_MS = 5 * SECOND_MS;

/** The names of orders that the proxies of one Redis placed, and the clients that they placed them for. */
export class SharedOrders implements OrdersOfOthers {
  readonly #redis: Redis;
  /** The last names in the order of their coming, with their clients. */
  readonly #recent = new Map<string, { readonly client: string; readonly atMs: number }>();

  readonly #untold = new Set<string>();
  readonly #backMs: number;
  #retry: NodeJS.Timeout | undefined;
  #readyMs = Number.NEGATIVE_INFINITY;

  /** @param backMs so long after a connection was made nobody is said to be unknown */
  constructor(url: SecretText, backMs = BACK_MS) {
    this.#backMs = backMs;
    this.#redis = new Redis(url.reveal(), {
      connectTimeout: ANSWER_MS,
      commandTimeout: ANSWER_MS,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: true,
      retryStrategy: (attempt) => Math.min(attempt * 100, SECOND_MS),
    });
    // Every failure rejects its own command. Without a listener the emitter would throw.
    this.#redis.on('error', () => {});
    this.#redis.on('ready', () => {
      this.#readyMs = performance.now();
      this.#tellAgain();
    });
  }

  placed(names: readonly string[], client: string): void {
    const atMs = performance.now();
    for (const name of names) {
      this.#recent.delete(name);
      this.#recent.set(name, { client, atMs });
      this.#tell(name, client);
    }
    for (const [name, { atMs: thenMs }] of this.#recent) {
      if (this.#recent.size <= MOST_RECENT && atMs - thenMs < RECENT_MS) return;
      this.#recent.delete(name);
    }
  }

  async placerOf(names: readonly string[]): Promise<string | undefined> {
    if (names.length === 0) return undefined;
    const found = (await this.#redis.mget(...names.map(keyOf))).find((client) => client !== null);
    // It may have come back empty, and others may not have told it again yet.
    if (found == null && performance.now() - this.#readyMs < this.#backMs)
      throw new Error('Redis has been reached for a moment only');
    return found ?? undefined;
  }

  #tell(name: string, client: string): void {
    this.#redis.set(keyOf(name), client, 'PX', KEPT_MS).then(
      () => this.#untold.delete(name),
      () => this.#tellLater(name),
    );
  }

  #tellLater(name: string): void {
    this.#untold.add(name);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      for (const each of this.#untold) {
        const client = this.#recent.get(each)?.client;
        if (client === undefined) this.#untold.delete(each);
        else this.#tell(each, client);
      }
    }, SECOND_MS).unref();
  }

  #tellAgain(): void {
    for (const [name, { client, atMs }] of this.#recent)
      if (performance.now() - atMs < RECENT_MS) this.#tell(name, client);
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#redis.disconnect();
  }
}

function keyOf(name: string): string {
  return `bsp:{orders}:${hash('sha256', name)}`;
}
