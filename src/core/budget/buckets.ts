import { ANONYMOUS, type Client } from '../access/client.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import type { SharedLane } from '../lanes.ts';
import type { UpstreamName } from '../upstream.ts';
import { isShared, poolOf } from './shared-pool.ts';

/** general: everything else; orders: what places or amends; cancels: what takes orders away. */
export type Lane = 'general' | 'orders' | 'cancels';

/** Who shares a bucket: an egress IP, a Binance account, or a client's own share. */
type BucketScope = 'ip' | 'account' | 'client';

export interface Bucket {
  /** Unique together with the egress IP where the scope is not the account. */
  readonly key: string;
  readonly scope: BucketScope;
  readonly kind:
    | 'weight'
    | 'raw'
    | 'orders'
    | 'quota'
    | 'rolling'
    | 'share'
    | 'order-share'
    | 'connection-share';
  /** The pool that it belongs to. */
  readonly upstream: UpstreamName;
  /** The egress on which it is counted, where that is not the one of the whole process. */
  readonly egress?: string;
  readonly windowMs: number;
  readonly limit: number;
}

/** One bucket's part of a call. */
export interface BucketCharge {
  readonly bucket: Bucket;
  readonly weight: number;
  /** The call is let in when the bucket then holds no more than this. */
  readonly ceiling: number;
  /** Lower-case names of the headers in which Binance reports its count, best first. */
  readonly headers: readonly string[];
}

/** What a call is charged. */
export interface CallCharge {
  readonly lane: Lane;
  /** Sum of IP and UID weight, which the caller is told. */
  readonly weight: number;
  readonly charges: readonly BucketCharge[];
  /** Names under which a freeze stops this call. */
  readonly freezeKeys: readonly string[];
}

/** The lane of a call among what everybody shares. */
export function sharedLaneOf(endpoint: Endpoint, client: Client): SharedLane {
  const lane = laneOf(endpoint);
  if (lane !== 'general') return lane;
  if (client.name === ANONYMOUS) return 'anonymous';
  // What an identified client needs for its orders goes before its market data.
  return endpoint.opens === 'own' ? 'orders' : 'identified';
}

/** A client's part of something: a rule of this proxy and none of Binance's. */
export function isClientShare({ kind }: Bucket): boolean {
  return kind === 'share' || kind === 'order-share' || kind === 'connection-share';
}

export function laneOf({ effect }: Endpoint): Lane {
  if (effect === 'cancel') return 'cancels';
  return effect === 'none' ? 'general' : 'orders';
}

/**
 * How a bucket's count is kept. plain: reports never lower it; falling: a newer report may, because fills give orders
 * back; rolling: each call by its own time; pooled: reports come from several hosts, and none of them stands for all that was sent.
 */
export type Counting = 'plain' | 'falling' | 'pooled' | 'rolling';

export function countingOf({ kind, upstream }: Bucket): Counting {
  if (kind === 'rolling') return 'rolling';
  if (kind !== 'orders' && kind !== 'weight') return 'plain';
  if (isShared(upstream)) return 'pooled';
  return kind === 'orders' ? 'falling' : 'plain';
}

const HOST = ':host';
const OF_CLIENT = ':client:';

/** The freeze that stops everything on a host, and on those that count with it. /api and /sapi are one host. */
export function hostFreezeKey(upstream: UpstreamName): string {
  return `ip:${poolOf(upstream)}:host`;
}

/** The freeze that stops new connections to a family's streams, which are on another host. */
export function streamFreezeKey(upstream: string): string {
  return `ip:${upstream}-stream:host`;
}

export function isStreamFreeze(key: string): boolean {
  return key.endsWith('-stream:host');
}

/** The freeze that stops one client on a host, but for its cancels. */
export function clientFreezeKey(hostKey: string, client: string): string {
  return `${hostKey.slice(0, -HOST.length)}${OF_CLIENT}${encodeURIComponent(client)}`;
}

/** True of a freeze that stops one client alone. */
export function isClientFreeze(key: string): boolean {
  return key.startsWith('ip:') && key.includes(OF_CLIENT);
}

/** Whom such a freeze stops. */
export function clientOfFreeze(key: string): string {
  return decodeURIComponent(key.slice(key.indexOf(OF_CLIENT) + OF_CLIENT.length));
}

/** The freeze that stops what places orders for an account. */
export function ordersFreezeKey(endpoint: Endpoint, account: string): string {
  return `account:${account}:${orderCountFamily(endpoint)}:orders`;
}

/** Margin orders have a count of their own (`GET /sapi/v1/margin/rateLimit/order`). */
export function orderCountFamily({ upstream, path }: Endpoint): string {
  return upstream === 'spot' && path.startsWith('/sapi/') ? 'margin' : poolOf(upstream);
}
