import type { Dispatcher } from 'undici';
import { UPSTREAM_NAMES, type UpstreamName } from '../core/endpoint.ts';
import { OriginChoice } from './origin-choice.ts';
import { createPool, type PoolOptions } from './pool.ts';

/** One pool per upstream that is configured. */
export interface Pools {
  get(upstream: UpstreamName): Dispatcher | undefined;
  close(): Promise<void>;
}

/**
 * `spotOrigins` are further origins of spot, in the order of preference; they serve `/api` alone.
 */
export function createPools(
  origins: Readonly<Record<UpstreamName, string | undefined>>,
  options: PoolOptions,
  spotOrigins: readonly string[] = [],
): Pools {
  const opened: Dispatcher[] = [];
  const pools = new Map<UpstreamName, Dispatcher>();
  const open = (origin: string): Dispatcher => {
    const pool = createPool(origin, options);
    opened.push(pool);
    return pool;
  };
  for (const name of UPSTREAM_NAMES) {
    const origin = origins[name];
    if (origin === undefined) continue;
    const others = name === 'spot' ? spotOrigins : [];
    const pool = open(origin);
    pools.set(name, others.length === 0 ? pool : new OriginChoice([pool, ...others.map(open)]));
  }
  return {
    get: (upstream) => pools.get(upstream),
    async close() {
      await Promise.all(opened.map((pool) => pool.destroy()));
    },
  };
}
