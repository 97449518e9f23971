import type { Dispatcher as Dispatch } from 'undici';
import { isWayOutClosed } from './egress-refusals.ts';
import type { OriginPool } from './pool.ts';
import { Dispatcher } from './undici.ts';

/** How long an origin that failed is asked last. */
const REST_MS = 30_000;
/** Failures of a connection; everything else (an abort, a wrong answer) says nothing about the origin. */
const DEAD = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/**
 * Several origins that serve the same `/api`. A call moves on to the next one only while nothing of it was written, so
 * that an order cannot be placed twice; an origin that failed is asked last for a while. A read that broke off is
 * repeated by its sender, and finds another origin then. Everything else (`/sapi`) has the first origin alone.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-api-information
 */
export class OriginFailover extends Dispatcher {
  readonly #pools: readonly OriginPool[];
  readonly #now: () => number;
  readonly #restUntilMs = new Map<OriginPool, number>();

  /** `now`: monotonic ms. */
  constructor(pools: readonly OriginPool[], now: () => number = () => performance.now()) {
    super();
    this.#pools = pools;
    this.#now = now;
  }

  override dispatch(options: Dispatch.DispatchOptions, handler: Dispatch.DispatchHandler): boolean {
    const candidates = options.path.startsWith('/api/') ? this.#byHealth() : this.#pools.slice(0, 1);
    return this.#attempt(options, handler, candidates);
  }

  /** The pool that the next call to `/api` tries first. */
  get next(): OriginPool | undefined {
    return this.#byHealth()[0];
  }

  #attempt(
    options: Dispatch.DispatchOptions,
    handler: Dispatch.DispatchHandler,
    [pool, ...others]: readonly OriginPool[],
  ): boolean {
    if (pool === undefined) return false;
    let isWritten = false;
    let isAnswered = false;
    const attempt: Dispatch.DispatchHandler = {
      onRequestStart: (controller, context) => {
        isWritten = true;
        handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...event) => handler.onRequestUpgrade?.(...event),
      onResponseStarted: () => {
        isAnswered = true;
        handler.onResponseStarted?.();
      },
      onResponseStart: (...event) => handler.onResponseStart?.(...event),
      onResponseData: (...event) => handler.onResponseData?.(...event),
      onResponseEnd: (...event) => handler.onResponseEnd?.(...event),
      onResponseError: (controller, error) => {
        // The next origin would be asked for by the same way.
        const isClosed = isWayOutClosed(error);
        const isDead = !isClosed && !isAnswered && (!isWritten || DEAD.has(codeOf(error)));
        if (isDead) this.#restUntilMs.set(pool, this.#now() + REST_MS);
        if (isWritten || isClosed || others.length === 0) handler.onResponseError?.(controller, error);
        else this.#attempt(options, handler, others);
      },
    };
    return pool.dispatch(options, attempt);
  }

  #byHealth(): readonly OriginPool[] {
    const nowMs = this.#now();
    const rests = (pool: OriginPool) => (this.#restUntilMs.get(pool) ?? 0) > nowMs;
    return [...this.#pools.filter((pool) => !rests(pool)), ...this.#pools.filter(rests)];
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
