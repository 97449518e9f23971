import program from '../../../package.json' with { type: 'json' };
import type { BudgetState } from '../../budgets/budgets.ts';
import type { Settings } from '../../config/schema/settings.ts';
import { openLanes } from '../../core/budget/charging.ts';
import type { DayUse } from '../../core/orders/rolling-day.ts';
import type { OrderResolver } from '../../orders/resolver.ts';
import type { Status } from '../status.ts';
import type { BudgetHistory } from './budget-history.ts';
import type { CallTally } from './call-tally.ts';
import { showClients } from './client-facts.ts';
import type { OverviewFacts, ShownState } from './overview-facts.ts';
import { findTroubles, type Trouble } from './trouble.ts';

/** Everything that an operator sees at one glance. */
export interface Overview extends OverviewFacts {
  /** What is not well, the worst first; empty when all is well. */
  readonly troubles: readonly Trouble[];
}

export interface OverviewDeps {
  readonly settings: () => Settings;
  readonly status: () => Status;
  readonly budgets: { readonly state: BudgetState };
  readonly history: Pick<BudgetHistory, 'read'>;
  readonly tally: Pick<CallTally, 'read'>;
  readonly resolver: Pick<OrderResolver, 'open'>;
  readonly dayUse: (client: string) => DayUse;
  readonly openSockets: () => number;
  readonly states: () => readonly ShownState[];
  readonly approvalsPending: () => number;
  readonly wallNow: () => number;
}

/** Puts together what is known at this moment. */
export function createOverview(deps: OverviewDeps): () => Overview {
  const startedMs = deps.wallNow();
  return function overview() {
    const settings = deps.settings();
    const budgets = deps.budgets.state;
    const calls = deps.tally.read();
    const facts: OverviewFacts = {
      version: program.version,
      environment: settings.environment,
      isLive: settings.isLive,
      nowMs: deps.wallNow(),
      startedMs,
      status: deps.status(),
      budgets,
      history: deps.history.read(),
      calls,
      clients: showClients(settings, { budgets, calls, dayUse: deps.dayUse }),
      states: deps.states(),
      approvalsPending: deps.approvalsPending(),
      unresolved: deps.resolver.open(),
      openSockets: deps.openSockets(),
      isAuditStored: settings.audit.dir !== undefined,
      lanes: openLanes(settings.throttle.reserveForOrders),
    };
    return { ...facts, troubles: findTroubles(facts) };
  };
}
