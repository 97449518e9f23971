import { hash } from 'node:crypto';
import { Redis } from 'ioredis';
import { DAY_MS, SECOND_MS } from '../core/intervals.ts';
import type { SecretText } from '../core/records/secret-text.ts';
import type { OrdersOfOthers } from './own-orders.ts';

/** By then every proxy that watches has seen the order under the id that Binance gave it. */
const KEPT_MS = 2 * DAY_MS;

/** The names of orders that the proxies of one Redis placed, and the clients that they placed them for. */
export class SharedOrders implements OrdersOfOthers {
  readonly #redis: Redis;

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
  }

  placed(names: readonly string[], client: string): void {
    for (const name of names) this.#redis.set(keyOf(name), client, 'PX', KEPT_MS).catch(() => {});
  }

  async placerOf(names: readonly string[]): Promise<string | undefined> {
    if (names.length === 0) return undefined;
    return (await this.#redis.mget(...names.map(keyOf))).find((client) => client !== null) ?? undefined;
  }

  close(): void {
    this.#redis.disconnect();
  }
}

function keyOf(name: string): string {
  return `bsp:{orders}:${hash('sha256', name)}`;
}
