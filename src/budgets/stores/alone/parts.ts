import { type Bucket, isClientShare } from '../../../core/budget/buckets.ts';
import type { Seen } from '../membership.ts';

/** A client's share is not divided: it is a rule of this proxy, and one process may serve all of it. */
export function isDivided(bucket: Bucket): boolean {
  return !isClientShare(bucket);
}

/** What is counted on the egress IP of this process is shared with those on the same one; anything else with all. */
export function isOfNeighbours({ scope, egress }: Bucket): boolean {
  return scope === 'ip' && egress === undefined;
}

/** Among how many a bucket is divided while the shared store is away. */
export function partnersOf(bucket: Bucket, { neighbours, all }: Seen): number {
  return Math.max(1, isOfNeighbours(bucket) ? neighbours : all);
}
