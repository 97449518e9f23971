import type { SecureContext } from 'node:tls';
import type { Pool as Connections, Dispatcher as Dispatch } from 'undici';
import type { WayOut } from '../../config/schema/ways-out.ts';
import { DEFAULT_TIMEOUTS } from '../timeouts.ts';
import { createConnector } from './connector.ts';
import type { OwnAddresses } from './own-addresses.ts';
import { Dispatcher, Pool } from './undici.ts';

export interface PoolOptions {
  /** Whom its TLS connections trust. */
  readonly trust: () => SecureContext;
  /** Where none of its connections may end. */
  readonly own: OwnAddresses;
  /** How its connections leave this machine; without one directly. */
  readonly way?: WayOut;
  /** How long an answer may take to begin, and between two pieces of it; 15 s. */
  readonly headersTimeoutMs?: number;
  /** How many calls may be under way; 512. */
  readonly callsPerUpstream?: number;
  /** How long a connection stays open without a call; 25 s. */
  readonly idleConnectionMs?: number;
}

/** The proxy's own questions come on top of the calls of apps. */
const CONNECTIONS_FOR_ITSELF = 16;

/**
 * The connections to one origin: HTTP/1.1 only, no pipelining, no redirects (a dispatch never follows one), nothing
 * sent anywhere but to this origin. There are as many as calls may be under way, so that a call is never stamped and
 * then kept waiting; idle ones are taken in the order in which they were first opened. One more, the spare, stands in
 * for the first while that one is refreshed.
 */
export class OriginPool extends Dispatcher {
  readonly #connections: Connections;
  readonly #spare: Connections;
  #isRefreshing = false;

  constructor(origin: string, options: PoolOptions) {
    super();
    const { trust, own, way, headersTimeoutMs, callsPerUpstream, idleConnectionMs } = {
      ...DEFAULT_TIMEOUTS,
      ...options,
    };
    const same = {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: idleConnectionMs,
      keepAliveMaxTimeout: 2 * idleConnectionMs,
      headersTimeout: headersTimeoutMs,
      bodyTimeout: headersTimeoutMs,
      connect: createConnector(trust, own, way),
    };
    this.#connections = new Pool(origin, {
      ...same,
      connections: callsPerUpstream + CONNECTIONS_FOR_ITSELF,
    });
    this.#spare = new Pool(origin, { ...same, connections: 1 });
  }

  override dispatch(options: Dispatch.DispatchOptions, handler: Dispatch.DispatchHandler): boolean {
    const isSpareTaken = this.#isRefreshing && this.#spare.stats.free > 0;
    return (isSpareTaken ? this.#spare : this.#connections).dispatch(options, handler);
  }

  /**
   * Uses idle connections once, so that nobody takes them for abandoned: the spare, and then the one that the next call
   * takes. Does nothing when a call is under way, or when none is open: a connection that the other side has closed shows
   * an idle limit shorter than ours, and what is opened anew would be closed under the next order.
   */
  async refresh(ask: (connection: Dispatch) => Promise<unknown>): Promise<void> {
    const { connected, size } = this.#connections.stats;
    if (connected === 0 || size > 0) return;
    await ask(this.#spare);
    this.#isRefreshing = true;
    try {
      await ask(this.#connections);
    } finally {
      this.#isRefreshing = false;
    }
  }

  override async destroy(): Promise<void> {
    await Promise.all([this.#connections.destroy(), this.#spare.destroy()]);
  }
}
