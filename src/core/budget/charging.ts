import { ANONYMOUS, type Client, PROXY_CLIENT } from '../access/client.ts';
import type { Call } from '../call/call.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { MINUTE_MS } from '../intervals.ts';
import { mostOfClient, mostOfLane, ORDER_SHARES } from '../lanes.ts';
import { addsNothing } from '../orders/reduces.ts';
import type { UpstreamName } from '../upstream.ts';
import { FALLBACK_LIMITS, type RateLimit, SAPI_WEIGHT_PER_MINUTE, smallestOf } from './binance-limits.ts';
import {
  type BucketCharge,
  type CallCharge,
  clientFreezeKey,
  hostFreezeKey,
  type Lane,
  laneOf,
  orderCountFamily,
  ordersFreezeKey,
  sharedLaneOf,
  streamFreezeKey,
} from './buckets.ts';
import { isKeyQuestion, keptForQuestions } from './key-question.ts';
import { type Quota, quotasOf } from './quota.ts';
import { poolOf } from './shared-pool.ts';
import { weightOf } from './weight.ts';

export interface ChargedCall {
  readonly endpoint: Endpoint;
  readonly call: Call;
  readonly client: Client;
  readonly account: string | undefined;
  /** Whether other clients may place orders on that account as well. */
  readonly othersPlace?: boolean;
  /** The lane of what the call serves, where that is not its own: a question of the proxy's. */
  readonly lane?: Lane | undefined;
  /** It counts in what all share, and is not refused by that: the limits that are believed in are known to be wrong. */
  readonly isBeyond?: boolean | undefined;
}

/** For what, and because of whom, the proxy asks something of its own: there it is charged. */
export interface Serves {
  readonly lane: Lane;
  readonly client: Client;
  readonly isBeyond?: true;
}

export interface Charging {
  setLimits(upstream: UpstreamName, limits: readonly RateLimit[]): void;
  chargeOf(charged: ChargedCall): CallCharge;
}

/** Binance says of these that their used-weight header is wrong and to be ignored. */
const WRONG_HEADERS: ReadonlySet<string> = new Set(['/fapi/v1/ticker/bookTicker', '/fapi/v2/ticker/price']);
const ANONYMOUS_SHARE = 0.25;
const UNBOUND = Number.POSITIVE_INFINITY;
/** Where an order that can only make a position smaller is told by its parameters; a sale on spot proves nothing. */
const WITH_EXITS: ReadonlySet<UpstreamName> = new Set(['usdm', 'coinm', 'options', 'portfolio']);
const NO_HEADERS: readonly string[] = [];
const SAPI_HEADERS = { IP: ['x-sapi-used-ip-weight-1m'], UID: ['x-sapi-used-uid-weight-1m'] } as const;

/** Up to which part of a shared bucket each lane may fill it. */
export function openLanes(reserveForOrders: number): Readonly<Record<Lane, number>> {
  return { general: 1 - reserveForOrders, orders: 1 - reserveForOrders / 3, cancels: 1 };
}

/**
 * Says which buckets a call touches and how full each may become. Of what all callers share on an IP the last part
 * is kept: within it the last third for cancels only, the rest for orders and cancels. Of an account's order counts the last
 * part is kept for exits, of new connections for what is an account's own. A bucket that only one endpoint uses knows no
 * lanes, but for the question about keys.
 * @param reserveForOrders share of a shared bucket, 0 to 0.5
 */
export function createCharging(reserveForOrders: number): Charging {
  const stated = new Map<UpstreamName, readonly RateLimit[]>();
  const limits = new Map<UpstreamName, readonly RateLimit[]>();
  const quotas = new WeakMap<Endpoint, readonly Quota[]>();
  const open = openLanes(reserveForOrders);

  function quotasFor(endpoint: Endpoint): readonly Quota[] {
    let found = quotas.get(endpoint);
    if (found === undefined) {
      found = quotasOf(endpoint);
      quotas.set(endpoint, found);
    }
    return found;
  }

  return {
    setLimits(upstream, read) {
      stated.set(upstream, read);
      const pool = poolOf(upstream);
      const others = [...stated].filter(([name]) => name !== pool && poolOf(name) === pool);
      const own = stated.get(pool) ?? FALLBACK_LIMITS[pool];
      limits.set(pool, smallestOf([own, ...others.map(([, each]) => each)]));
    },
    chargeOf(charged) {
      const { endpoint, client, account } = charged;
      const pool = poolOf(endpoint.upstream);
      const lane = charged.lane ?? laneOf(endpoint);
      const share = charged.isBeyond === true ? UNBOUND : isKeyQuestion(charged) ? 1 : open[lane];
      const charges: BucketCharge[] = [];
      const isSapi = endpoint.path.startsWith('/sapi/');
      const weight = isSapi ? chargeSapi(charges, charged) : weightIn(charged);
      const shared = isSapi ? 0 : weight;
      const inForce = limits.get(pool) ?? FALLBACK_LIMITS[pool];
      // What REST states of its requests says nothing of the host of streams.
      for (const limit of endpoint.isStream ? [] : inForce) {
        if (limit.type === 'ORDERS') chargeOrders(charges, charged, limit);
        else chargeShared(charges, endpoint, limit, shared, share);
      }
      for (const quota of quotasFor(endpoint)) chargeQuota(charges, charged, quota);
      if (shared > 0) chargeShare(charges, client, pool, shared, lane, shareOf(client, inForce));
      const hostKey = endpoint.isStream ? streamFreezeKey : hostFreezeKey;
      const frozenHost = hostKey(endpoint.upstream);
      const freezeKeys = [frozenHost];
      if (lane !== 'cancels' && client !== PROXY_CLIENT)
        freezeKeys.push(clientFreezeKey(frozenHost, client.name));
      if (account !== undefined && (laneOf(endpoint) === 'orders' || countsOrders(endpoint)))
        freezeKeys.push(ordersFreezeKey(endpoint, account));
      return { lane, weight, charges, freezeKeys };
    },
  };
}

function weightIn({ endpoint, call }: ChargedCall): number {
  let weight = 0;
  for (const rule of endpoint.weights) weight += weightOf(rule, call);
  return weight;
}

/** Each /sapi endpoint has its own bucket, by IP or by account. */
function chargeSapi(charges: BucketCharge[], charged: ChargedCall): number {
  const { endpoint, call, account } = charged;
  const { upstream, method, path } = endpoint;
  let sum = 0;
  for (const rule of endpoint.weights) {
    const weight = weightOf(rule, call);
    sum += weight;
    const scope = rule.scope === 'IP' ? 'ip' : 'account';
    if (weight === 0 || (scope === 'account' && account === undefined)) continue;
    const owner = scope === 'ip' ? 'ip' : `account:${account}`;
    const key = `${owner}:sapi:${method} ${path}:1M`;
    const limit = SAPI_WEIGHT_PER_MINUTE[rule.scope];
    charges.push({
      bucket: { key, scope, kind: 'weight', upstream, windowMs: MINUTE_MS, limit },
      weight,
      ceiling: limit - keptForQuestions(charged),
      headers: SAPI_HEADERS[rule.scope],
    });
  }
  return sum;
}

/** REQUEST_WEIGHT and RAW_REQUESTS: what all callers share on an IP, with its lanes. */
function chargeShared(
  charges: BucketCharge[],
  endpoint: Endpoint,
  { type, interval, windowMs, limit }: RateLimit,
  shared: number,
  open: number,
): void {
  const kind = type === 'RAW_REQUESTS' ? 'raw' : 'weight';
  const weight = kind === 'raw' ? 1 : shared;
  if (weight === 0) return;
  const upstream = poolOf(endpoint.upstream);
  charges.push({
    bucket: { key: `ip:${upstream}:${kind}:${interval}`, scope: 'ip', kind, upstream, windowMs, limit },
    weight,
    // The sum keeps 6000 x 0.9 from becoming 5399.
    ceiling: open === UNBOUND ? Number.MAX_SAFE_INTEGER : Math.floor(limit * open + 1e-9),
    headers: kind === 'raw' || WRONG_HEADERS.has(endpoint.path) ? NO_HEADERS : weightHeaders(interval),
  });
}

function chargeOrders(
  charges: BucketCharge[],
  charged: ChargedCall,
  { interval, windowMs, limit }: RateLimit,
): void {
  const { endpoint, account, client, othersPlace } = charged;
  const weight = account === undefined ? 0 : ordersIn(endpoint.orders, interval);
  if (weight === 0) return;
  const upstream = poolOf(endpoint.upstream);
  const key = `account:${account}:${orderCountFamily(endpoint)}:orders:${interval}`;
  const isExit = WITH_EXITS.has(endpoint.upstream) && addsNothing(charged);
  charges.push({
    bucket: { key, scope: 'account', kind: 'orders', upstream, windowMs, limit },
    weight,
    ceiling: isExit || !WITH_EXITS.has(endpoint.upstream) ? limit : partOf(limit, ORDER_SHARES.ofAll),
    headers: [`x-mbx-order-count-${interval.toLowerCase()}`],
  });
  if (othersPlace !== true) return;
  const ceiling = partOf(limit, isExit ? ORDER_SHARES.ofClientWithExits : ORDER_SHARES.ofClient);
  const share = { key: `${key}:client:${client.name}`, scope: 'account', kind: 'order-share' } as const;
  charges.push({
    bucket: { ...share, upstream, windowMs, limit: partOf(limit, ORDER_SHARES.ofClientWithExits) },
    weight,
    ceiling,
    headers: NO_HEADERS,
  });
}

function chargeQuota(charges: BucketCharge[], charged: ChargedCall, quota: Quota): void {
  const { endpoint, account } = charged;
  const { scope, name, windowMs, limit, isRolling } = quota;
  const opening = endpoint.opens === undefined ? undefined : openingOf(charged, limit);
  if (scope === 'account' && account === undefined) return;
  const { upstream } = endpoint;
  const key = `${scope === 'ip' ? 'ip' : `account:${account}`}:${upstream}:quota:${name}:${windowMs}`;
  charges.push({
    bucket: { key, scope, kind: isRolling ? 'rolling' : 'quota', upstream, windowMs, limit },
    weight: 1,
    ceiling: opening?.ofAll ?? limit,
    headers: NO_HEADERS,
  });
  if (opening === undefined) return;
  const own = `client:${charged.client.name}:${upstream}:connections:${name}:${opening.lane}`;
  const share = { key: own, scope: 'client', kind: 'connection-share', upstream, windowMs } as const;
  charges.push({
    bucket: { ...share, limit: opening.ofClient },
    weight: 1,
    ceiling: opening.ofClient,
    headers: NO_HEADERS,
  });
}

function chargeShare(
  charges: BucketCharge[],
  { name }: Client,
  upstream: UpstreamName,
  weight: number,
  lane: Lane,
  weightPerMinute: number | undefined,
): void {
  if (weightPerMinute === undefined) return;
  const key = `client:${name}:${upstream}:share`;
  charges.push({
    bucket: { key, scope: 'client', kind: 'share', upstream, windowMs: MINUTE_MS, limit: weightPerMinute },
    weight,
    // A cancel counts in its client's share and is never refused by it.
    ceiling: lane === 'cancels' ? Number.MAX_SAFE_INTEGER : weightPerMinute,
    headers: NO_HEADERS,
  });
}

/** Callers without a key share a quarter of what Binance gives, unless the configuration says how much. */
function shareOf({ name, weightPerMinute }: Client, limits: readonly RateLimit[]): number | undefined {
  if (weightPerMinute !== undefined || name !== ANONYMOUS) return weightPerMinute;
  const minute = limits.find(({ type, windowMs }) => type === 'REQUEST_WEIGHT' && windowMs === MINUTE_MS);
  return minute === undefined ? undefined : Math.floor(minute.limit * ANONYMOUS_SHARE);
}

/** A connection may use what weaker lanes leave free, and one client its part of the lane. */
function openingOf({ endpoint, client }: ChargedCall, limit: number) {
  const lane = sharedLaneOf(endpoint, client);
  // Callers without a key are held to their quarter by their own count, so that others' connections do not shut them out.
  const ofAll = lane === 'orders' ? limit : mostOfLane('identified', limit);
  return { lane, ofAll, ofClient: mostOfClient(lane, limit) };
}

/** Never nothing, however small the limit is. */
function partOf(limit: number, share: number): number {
  return Math.max(1, Math.floor(limit * share + 1e-9));
}

function weightHeaders(interval: string): readonly string[] {
  const named = `x-mbx-used-weight-${interval.toLowerCase()}`;
  return interval === '1M' ? [named, 'x-mbx-used-weight'] : [named];
}

function countsOrders({ orders }: Endpoint): boolean {
  for (const interval in orders) if ((orders[interval] ?? 0) > 0) return true;
  return false;
}

/** An interval that the catalogue does not name (Binance added one) costs as much as the dearest that it names. */
function ordersIn(orders: Readonly<Record<string, number>>, interval: string): number {
  const named = orders[interval];
  if (named !== undefined) return named;
  let dearest = 0;
  for (const count of Object.values(orders)) if (count > dearest) dearest = count;
  return dearest;
}
