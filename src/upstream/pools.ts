import type { Dispatcher } from 'undici';
import { UPSTREAM_NAMES, type UpstreamName } from '../core/endpoint.ts';
import { createPool, type PoolOptions } from './pool.ts';

/** One pool per upstream that is configured. */
export interface Pools {
  get(upstream: UpstreamName): Dispatcher | undefined;
  close(): Promise<void>;
}

export function createPools(
  origins: Readonly<Record<UpstreamName, string | undefined>>,
  options: PoolOptions,
): Pools {
  const pools = new Map<UpstreamName, Dispatcher>();
  for (const name of UPSTREAM_NAMES) {
    const origin = origins[name];
    if (origin !== undefined) pools.set(name, createPool(origin, options));
  }
  return {
    get: (upstream) => pools.get(upstream),
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}
