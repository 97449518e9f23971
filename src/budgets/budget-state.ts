import type { Bucket } from '../core/budget/buckets.ts';
import { membersOf } from '../core/budget/shared-pool.ts';
import type { BucketUse, Freeze, StoreView } from './stores/store.ts';

interface FreezeEnd {
  /** Server time in ms. */
  readonly untilMs: number;
  /** The HTTP status that caused it. */
  readonly status: number;
}

/** What health and metrics show of the budgets. */
export interface BudgetState {
  /** True while the shared store does not answer and this process uses its own share. */
  readonly degraded: boolean;
  readonly frozen: readonly (FreezeEnd & { readonly upstream: string })[];
  readonly frozenOrders: readonly (FreezeEnd & { readonly account: string })[];
  readonly buckets: readonly (Bucket & Omit<BucketUse, 'bucket' | 'startedMs'>)[];
  /** Reads that wait for room. */
  readonly waiting: number;
}

export function stateOf(view: StoreView, waiting: number): BudgetState {
  const frozen: (FreezeEnd & { upstream: string })[] = [];
  const frozenOrders: (FreezeEnd & { account: string })[] = [];
  for (const freeze of view.freezes) {
    const end = { untilMs: freeze.untilMs, status: freeze.status };
    if (isOfAccount(freeze)) frozenOrders.push({ account: accountOf(freeze), ...end });
    else for (const upstream of membersOf(poolOfKey(freeze))) frozen.push({ upstream, ...end });
  }
  return {
    degraded: view.degraded,
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

/** What the log line of a freeze says. */
export function describeFreeze(freeze: Freeze): Readonly<Record<string, string | number>> {
  const { untilMs, status } = freeze;
  return isOfAccount(freeze)
    ? { account: accountOf(freeze), untilMs, status }
    : { upstream: membersOf(poolOfKey(freeze)).join(', '), untilMs, status };
}

function isOfAccount({ key }: Freeze): boolean {
  return key.startsWith('account:');
}

function poolOfKey({ key }: Freeze): string {
  return key.split(':')[1] ?? '';
}

/** The account's name is all between the scope and the last two parts: it may hold a colon. */
function accountOf({ key }: Freeze): string {
  return key.split(':').slice(1, -2).join(':');
}
