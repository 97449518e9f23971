import { UPSTREAM_NAMES, type UpstreamName } from '../upstream.ts';

/** Upstreams that count in the pool of another one. Since 2026-06-30 COIN-M and USD-M have one between them. */
const COUNTED_WITH: Readonly<Partial<Record<UpstreamName, UpstreamName>>> = { coinm: 'usdm' };

/** The upstream under whose name the weight, the orders and the freezes of an upstream are counted. */
export function poolOf(upstream: UpstreamName): UpstreamName {
  return COUNTED_WITH[upstream] ?? upstream;
}

/** All upstreams that count together under this name, or the name alone where it is none of a pool. */
export function membersOf(pool: string): readonly string[] {
  const members = UPSTREAM_NAMES.filter((name) => poolOf(name) === pool);
  return members.length === 0 ? [pool] : members;
}

/** Whether several hosts count in it, so that a report of one may not contain what another was just sent. */
export function isShared(pool: UpstreamName): boolean {
  return membersOf(pool).length > 1;
}
