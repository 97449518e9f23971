import type { CallMetrics } from '../call-metrics.ts';
import { BudgetHistory } from './budget-history.ts';
import { CallTally } from './call-tally.ts';
import { createOverview, type Overview, type OverviewDeps } from './overview.ts';

/** How the proxy is at one glance, and what has to be counted for it. */
export interface WiredOverview {
  readonly overview: () => Overview;
  /** The same metrics, of which the overview takes note. */
  beside(metrics: CallMetrics): CallMetrics;
  close(): void;
}

export interface WireOverviewDeps extends Omit<OverviewDeps, 'history' | 'tally'> {
  readonly monotonicNow: () => number;
}

export function wireOverview(deps: WireOverviewDeps): WiredOverview {
  const { budgets, settings, wallNow, monotonicNow } = deps;
  const tally = new CallTally(wallNow, monotonicNow);
  const isOfUse = () => settings().operators.size > 0;
  const history = new BudgetHistory({ budgets, wallNow, isOfUse });
  return {
    overview: createOverview({ ...deps, history, tally }),
    beside: (metrics) => tally.beside(metrics),
    close: () => history.close(),
  };
}
