import { ANONYMOUS, type Client } from '../core/access/client.ts';
import { sharedLaneOf } from '../core/budget/buckets.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import type { FullLane, LaneCounts } from '../core/lanes.ts';

/** A socket's place among those of all apps, in the lane of whoever it is known to be. */
export class SocketPlace implements Disposable {
  readonly #sockets: LaneCounts;
  readonly #endpoint: Endpoint;
  #held: Disposable | undefined;

  /** @throws ProxyError PROXY_CLIENT_RATE_LIMITED */
  constructor(sockets: LaneCounts, endpoint: Endpoint, client: Client) {
    this.#sockets = sockets;
    this.#endpoint = endpoint;
    const place = sockets.take(sharedLaneOf(endpoint, client), client.name);
    if (typeof place === 'string') throw tooManySockets(place);
    this.#held = place;
  }

  /** The app said who it is: its place is one of its client from now on, if that has one. */
  moveTo(client: Client): void {
    if (client.name === ANONYMOUS || this.#held === undefined) return;
    const place = this.#sockets.take(sharedLaneOf(this.#endpoint, client), client.name);
    if (typeof place === 'string') return;
    this.#held[Symbol.dispose]();
    this.#held = place;
  }

  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }
}

function tooManySockets(full: FullLane): ProxyError {
  const whose = full === 'client' ? ' of this client' : '';
  return new ProxyError('PROXY_CLIENT_RATE_LIMITED', `Too many WebSocket connections${whose} are open.`, {
    rule: full === 'client' ? 'sockets of one client' : 'sockets',
    retryAfterSeconds: 1,
  });
}
