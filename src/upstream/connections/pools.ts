import type { Dispatcher } from 'undici';
import type { WayOut, WaysOut } from '../../config/schema/ways-out.ts';
import { UPSTREAM_NAMES, type UpstreamName } from '../../core/upstream.ts';
import { createTrust } from './connector.ts';
import { OriginFailover } from './origin-failover.ts';
import { OriginPool, type PoolOptions } from './pool.ts';

/** One pool per upstream that is configured, and one more for each account that leaves by a way of its own. */
export interface Pools {
  /** @param account whose key the call uses, so that it leaves by the account's way */
  get(upstream: UpstreamName, account?: string): Dispatcher | undefined;
  /** The pool of the one origin that the next call goes to. */
  next(upstream: UpstreamName): OriginPool | undefined;
  close(): Promise<void>;
}

export interface PoolsOptions extends Omit<PoolOptions, 'trust' | 'way'> {
  /** PEM of an additional authority; Node's own stay trusted. */
  readonly ca: string | undefined;
  /** How calls leave this machine; without it directly. */
  readonly egress?: WaysOut;
}

type Origins = Readonly<Record<UpstreamName, string | undefined>>;
type PoolsOfOneWay = ReadonlyMap<UpstreamName, OriginPool | OriginFailover>;

/**
 * `spotOrigins` are further origins of spot, in the order of preference; they serve `/api` alone.
 */
export function createPools(
  origins: Origins,
  { ca, egress, ...options }: PoolsOptions,
  spotOrigins: readonly string[] = [],
): Pools {
  const trust = createTrust(ca);
  const opened: OriginPool[] = [];
  const openAll = (way: WayOut | undefined) =>
    openPools(origins, spotOrigins, (origin) => {
      const pool = new OriginPool(origin, { ...options, trust, ...(way === undefined ? {} : { way }) });
      opened.push(pool);
      return pool;
    });
  const main = openAll(egress?.main);
  const own = new Map(Array.from(egress?.accounts ?? [], ([account, way]) => [account, openAll(way)]));
  return {
    get: (upstream, account) =>
      ((account === undefined ? undefined : own.get(account)) ?? main).get(upstream),
    next(upstream) {
      const pool = main.get(upstream);
      return pool instanceof OriginFailover ? pool.next : pool;
    },
    async close() {
      await Promise.all(opened.map((pool) => pool.destroy()));
    },
  };
}

function openPools(
  origins: Origins,
  spotOrigins: readonly string[],
  open: (origin: string) => OriginPool,
): PoolsOfOneWay {
  const pools = new Map<UpstreamName, OriginPool | OriginFailover>();
  for (const name of UPSTREAM_NAMES) {
    const origin = origins[name];
    if (origin === undefined) continue;
    const others = name === 'spot' ? spotOrigins : [];
    const pool = open(origin);
    pools.set(name, others.length === 0 ? pool : new OriginFailover([pool, ...others.map(open)]));
  }
  return pools;
}
