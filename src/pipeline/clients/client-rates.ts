import type { Client } from '../../core/access/client.ts';
import { ProxyError } from '../../core/errors.ts';

const WINDOW_MS = 1_000;

/** Counts the calls of each client over all doors against its requestsPerSecond: never more in any 1000 ms. */
export class ClientRates {
  /** When the last calls of each client passed, oldest first, as many as its limit. */
  readonly #passed = new Map<string, number[]>();

  /**
   * @param nowMs monotonic
   * @throws ProxyError PROXY_CLIENT_RATE_LIMITED; a refused call does not count
   */
  count({ name, requestsPerSecond: most }: Client, nowMs: number): void {
    if (most === undefined) return;
    const passed = this.#passed.get(name) ?? [];
    this.#passed.set(name, passed);
    while (passed.length > 0 && nowMs - (passed[0] ?? nowMs) >= WINDOW_MS) passed.shift();
    if (passed.length >= most) {
      throw new ProxyError(
        'PROXY_CLIENT_RATE_LIMITED',
        `Too many requests; this client may send ${most} per second.`,
        { rule: 'requestsPerSecond', retryAfterSeconds: 1 },
      );
    }
    passed.push(nowMs);
  }
}
