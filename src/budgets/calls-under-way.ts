import { ProxyError } from '../core/errors.ts';
import type { UpstreamName } from '../core/upstream.ts';

/**
 * Counts the calls of apps that have begun and are not concluded, also those whose app is gone. A call beyond the bound
 * is refused at once: in a queue its stamp would grow old, or its app would give it up.
 */
export class CallsUnderWay {
  readonly #most: number;
  readonly #counts = new Map<UpstreamName, number>();
  #total = 0;
  #waiting: (() => void)[] = [];

  /** `most`: how many calls may be under way to one upstream. */
  constructor(most: number) {
    this.#most = most;
  }

  get total(): number {
    return this.#total;
  }

  /**
   * Counts one more call until the returned place is disposed of; disposing again does nothing.
   * @throws ProxyError PROXY_UPSTREAM_UNREACHABLE when as many as may be are under way
   */
  begin(upstream: UpstreamName): Disposable {
    const count = this.#counts.get(upstream) ?? 0;
    if (count >= this.#most) {
      throw new ProxyError(
        'PROXY_UPSTREAM_UNREACHABLE',
        `Too many calls are under way: ${count} calls to ${upstream} wait for an answer. Nothing was sent.`,
        { rule: 'calls under way' },
      );
    }
    this.#counts.set(upstream, count + 1);
    this.#total++;
    return new Place(() => this.#end(upstream));
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.#total > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #end(upstream: UpstreamName): void {
    this.#counts.set(upstream, (this.#counts.get(upstream) ?? 1) - 1);
    this.#total--;
    if (this.#total === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** One call's place. A class, because an object made for each call would be built member by member. */
class Place implements Disposable {
  #end: (() => void) | undefined;

  constructor(end: () => void) {
    this.#end = end;
  }

  [Symbol.dispose](): void {
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }
}
