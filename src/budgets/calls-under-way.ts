import type { Client } from '../core/access/client.ts';
import { sharedLaneOf } from '../core/budget/buckets.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { LaneCounts } from '../core/lanes.ts';
import type { UpstreamName } from '../core/upstream.ts';

/**
 * Counts the calls of apps that have begun and are not concluded, also those whose app is gone. A call beyond its lane is
 * refused at once: in a queue its stamp would grow old, or its app would give it up.
 */
export class CallsUnderWay {
  readonly #most: number;
  readonly #upstreams = new Map<UpstreamName, LaneCounts>();
  #waiting: (() => void)[] = [];

  /** `most`: how many calls may be under way to one upstream. */
  constructor(most: number) {
    this.#most = most;
  }

  get total(): number {
    let total = 0;
    for (const counts of this.#upstreams.values()) total += counts.total;
    return total;
  }

  /**
   * Counts one more call until the returned place is disposed of; disposing again does nothing.
   * @throws ProxyError PROXY_UPSTREAM_UNREACHABLE when as many as may be are under way
   */
  begin(endpoint: Endpoint, client: Client): Disposable {
    const { upstream } = endpoint;
    const counts = this.#countsOf(upstream);
    const place = counts.take(sharedLaneOf(endpoint, client), client.name);
    if (typeof place !== 'string') return new Place(place, () => this.#wake());
    const whose = place === 'client' ? ' of this client' : '';
    throw new ProxyError(
      'PROXY_UPSTREAM_UNREACHABLE',
      `Too many calls${whose} are under way: ${counts.total} calls to ${upstream} wait for an answer. Nothing was sent.`,
      { rule: place === 'client' ? 'calls under way of one client' : 'calls under way' },
    );
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.total > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #countsOf(upstream: UpstreamName): LaneCounts {
    let counts = this.#upstreams.get(upstream);
    if (counts === undefined) {
      counts = new LaneCounts(this.#most);
      this.#upstreams.set(upstream, counts);
    }
    return counts;
  }

  #wake(): void {
    if (this.#waiting.length > 0 && this.total === 0)
      for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** One call's place. */
class Place implements Disposable {
  readonly #place: Disposable;
  readonly #onEnd: () => void;

  constructor(place: Disposable, onEnd: () => void) {
    this.#place = place;
    this.#onEnd = onEnd;
  }

  [Symbol.dispose](): void {
    this.#place[Symbol.dispose]();
    this.#onEnd();
  }
}
