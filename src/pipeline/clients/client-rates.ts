import type { Client } from '../../core/access/client.ts';
import { ProxyError } from '../../core/errors.ts';

/** Counts the frames of each client over all its sockets, second by second, against its requestsPerSecond. */
export class ClientRates {
  readonly #counts = new Map<string, { second: number; count: number }>();

  /**
   * @param nowMs monotonic
   * @throws ProxyError PROXY_CLIENT_RATE_LIMITED
   */
  count({ name, requestsPerSecond }: Client, nowMs: number): void {
    if (requestsPerSecond === undefined) return;
    const second = Math.floor(nowMs / 1_000);
    const entry = this.#counts.get(name) ?? { second, count: 0 };
    if (entry.second !== second) {
      entry.second = second;
      entry.count = 0;
    }
    this.#counts.set(name, entry);
    if (++entry.count <= requestsPerSecond) return;
    throw new ProxyError(
      'PROXY_CLIENT_RATE_LIMITED',
      `Too many requests; this client may send ${requestsPerSecond} per second.`,
      { rule: 'requestsPerSecond', retryAfterSeconds: 1 },
    );
  }
}
