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

/** The names of orders that the proxies of one Redis placed, and the clients that they placed them for. */
export class SharedOrders implements OrdersOfOthers {
  readonly #redis: Redis;
  /** The last names in the order of their coming, with their clients. */
  readonly #recent = new Map<string, { readonly client: string; readonly atMs: number }>();

  constructor(url: SecretText) {
    this.#redis = new Redis(url.reveal(), {
      connectTimeout: 500,
      commandTimeout: SECOND_MS,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: true,
      retryStrategy: (attempt) => Math.min(attempt * 100, SECOND_MS),
    });
    // Every failure rejects its own command. Without a listener the emitter would throw.
    this.#redis.on('error', () => {});
    this.#redis.on('ready', () => this.#tellAgain());
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
    return (await this.#redis.mget(...names.map(keyOf))).find((client) => client !== null) ?? undefined;
  }

  #tell(name: string, client: string): void {
    this.#redis.set(keyOf(name), client, 'PX', KEPT_MS).catch(() => {});
  }

  #tellAgain(): void {
    for (const [name, { client, atMs }] of this.#recent)
      if (performance.now() - atMs < RECENT_MS) this.#tell(name, client);
  }

  close(): void {
    this.#redis.disconnect();
  }
}

function keyOf(name: string): string {
  return `bsp:{orders}:${hash('sha256', name)}`;
}
