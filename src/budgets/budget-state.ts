import { type Bucket, clientOfFreeze, isClientFreeze } from '../core/budget/buckets.ts';
import { readKey } from '../core/budget/egress-keys.ts';
import { membersOf, poolOf } from '../core/budget/shared-pool.ts';
import type { UpstreamName } from '../core/upstream.ts';
import type { BucketUse, Freeze, StoreView } from './stores/store.ts';

interface FreezeEnd {
  /** Server time in ms. */
  readonly untilMs: number;
  /** The HTTP status that caused it. */
  readonly status: number;
}

interface FrozenHost {
  readonly upstream: string;
  /** The egress on which it is frozen, where that is not the one of the whole process. */
  readonly egress?: string;
}

/** What health and metrics show of the budgets. */
export interface BudgetState {
  /** True while the shared store does not answer and this process uses its own share. */
  readonly degraded: boolean;
  /** How many proxies were last seen to share what is counted by IP, this one among them. */
  readonly proxies: number;
  /** Why no call can be charged at all, as a sentence. */
  readonly unusable?: string;
  readonly frozen: readonly (FreezeEnd & FrozenHost)[];
  readonly frozenOrders: readonly (FreezeEnd & { readonly account: string })[];
  readonly buckets: readonly (Bucket & Omit<BucketUse, 'bucket' | 'startedMs'>)[];
  /** Reads that wait for room. */
  readonly waiting: number;
}

export function stateOf(view: StoreView, waiting: number): BudgetState {
  const frozen: (FreezeEnd & FrozenHost)[] = [];
  const frozenOrders: (FreezeEnd & { account: string })[] = [];
  for (const freeze of view.freezes) {
    const end = { untilMs: freeze.untilMs, status: freeze.status };
    // What stops one client is that one's matter, and told by its records.
    if (isClientFreeze(freeze.key)) continue;
    if (isOfAccount(freeze)) frozenOrders.push({ account: accountOf(freeze), ...end });
    else frozen.push(...hostsOf(freeze).map((host) => ({ ...host, ...end })));
  }
  return {
    degraded: view.degraded,
    proxies: view.proxies,
    ...(view.unusable === undefined ? {} : { unusable: view.unusable }),
    frozen,
    frozenOrders,
    buckets: view.buckets.map(({ bucket, used, reported, untilMs }) => ({
      ...bucket,
      used,
      reported,
      untilMs,
    })),
    waiting,
  };
}

/**
 * True when Binance reports more of an upstream's weight as used than the limit that is believed in allows: its limit is
 * another one, which other processes know. Charges that no report contains prove nothing.
 */
export function isBeyondLimit({ buckets }: BudgetState, upstream: UpstreamName): boolean {
  const pool = poolOf(upstream);
  return buckets.some(
    ({ scope, kind, upstream: of, reported, limit }) =>
      scope === 'ip' && kind === 'weight' && of === pool && reported > limit,
  );
}

/** What the log line of a freeze says. */
export function describeFreeze(freeze: Freeze): Readonly<Record<string, string | number>> {
  const { untilMs, status } = freeze;
  return isOfAccount(freeze)
    ? { account: accountOf(freeze), untilMs, status }
    : {
        ...hostsOf(freeze)[0],
        upstream: hostsOf(freeze)
          .map(({ upstream }) => upstream)
          .join(', '),
        ...(isClientFreeze(freeze.key) ? { client: clientOfFreeze(readKey(freeze.key).key) } : {}),
        untilMs,
        status,
      };
}

function isOfAccount({ key }: Freeze): boolean {
  return key.startsWith('account:');
}

/** All hosts that a freeze shuts: those that count with it as well. */
function hostsOf(freeze: Freeze): readonly FrozenHost[] {
  const { key, egress } = readKey(freeze.key);
  const hosts = membersOf(key.split(':')[1] ?? '');
  return hosts.map((upstream) => (egress === undefined ? { upstream } : { upstream, egress }));
}

/** The account's name is all between the scope and the last two parts: it may hold a colon. */
function accountOf({ key }: Freeze): string {
  return key.split(':').slice(1, -2).join(':');
}
