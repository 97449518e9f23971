import type { Dispatcher } from 'undici';
import { UPSTREAM_NAMES, type UpstreamName } from '../../core/upstream.ts';
import { createTrust } from './connector.ts';
import { OriginFailover } from './origin-failover.ts';
import { OriginPool, type PoolOptions } from './pool.ts';

/** One pool per upstream that is configured. */
export interface Pools {
  get(upstream: UpstreamName): Dispatcher | undefined;
  /** The pool of the one origin that the next call goes to. */
  next(upstream: UpstreamName): OriginPool | undefined;
  close(): Promise<void>;
}

export interface PoolsOptions extends Omit<PoolOptions, 'trust'> {
  /** PEM of an additional authority; Node's own stay trusted. */
  readonly ca: string | undefined;
}

/**
 * `spotOrigins` are further origins of spot, in the order of preference; they serve `/api` alone.
 */
export function createPools(
  origins: Readonly<Record<UpstreamName, string | undefined>>,
  { ca, ...options }: PoolsOptions,
  spotOrigins: readonly string[] = [],
): Pools {
  const trust = createTrust(ca);
  const opened: OriginPool[] = [];
  const pools = new Map<UpstreamName, OriginPool | OriginFailover>();
  const open = (origin: string): OriginPool => {
    const pool = new OriginPool(origin, { ...options, trust });
    opened.push(pool);
    return pool;
  };
  for (const name of UPSTREAM_NAMES) {
    const origin = origins[name];
    if (origin === undefined) continue;
    const others = name === 'spot' ? spotOrigins : [];
    const pool = open(origin);
    pools.set(name, others.length === 0 ? pool : new OriginFailover([pool, ...others.map(open)]));
  }
  return {
    get: (upstream) => pools.get(upstream),
    next(upstream) {
      const pool = pools.get(upstream);
      return pool instanceof OriginFailover ? pool.next : pool;
    },
    async close() {
      await Promise.all(opened.map((pool) => pool.destroy()));
    },
  };
}
