import type { Bucket } from '../core/budget/buckets.ts';
import type { BucketUse, Freeze, StoreView } from './stores/store.ts';

interface Silence {
  /** Server time in ms. */
  readonly untilMs: number;
  /** The HTTP status that caused it. */
  readonly status: number;
}

/** What health and metrics show of the budgets. */
export interface BudgetState {
  /** True while the shared store is away and this process lives on its own part. */
  readonly degraded: boolean;
  readonly frozen: readonly (Silence & { readonly upstream: string })[];
  readonly frozenOrders: readonly (Silence & { readonly account: string })[];
  readonly buckets: readonly (Bucket & Omit<BucketUse, 'bucket' | 'startedMs'>)[];
  /** Reads that wait for room. */
  readonly waiting: number;
}

export function stateOf(view: StoreView, waiting: number): BudgetState {
  const frozen: (Silence & { upstream: string })[] = [];
  const frozenOrders: (Silence & { account: string })[] = [];
  for (const freeze of view.freezes) {
    const silence = { untilMs: freeze.untilMs, status: freeze.status };
    if (isOfAccount(freeze)) frozenOrders.push({ account: accountOf(freeze), ...silence });
    else frozen.push({ upstream: upstreamOf(freeze), ...silence });
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

/** A freeze as its one log line tells it. */
export function describeFreeze(freeze: Freeze): Readonly<Record<string, string | number>> {
  const { untilMs, status } = freeze;
  return isOfAccount(freeze)
    ? { account: accountOf(freeze), untilMs, status }
    : { upstream: upstreamOf(freeze), untilMs, status };
}

function isOfAccount({ key }: Freeze): boolean {
  return key.startsWith('account:');
}

function upstreamOf({ key }: Freeze): string {
  return key.split(':')[1] ?? '';
}

/** Between the scope and the two last parts; a name may hold a colon. */
function accountOf({ key }: Freeze): string {
  return key.split(':').slice(1, -2).join(':');
}
