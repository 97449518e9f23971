import type { BudgetState } from '../../budgets/budgets.ts';
import type { OrderResolver } from '../../orders/resolver.ts';
import type { Status } from '../status.ts';
import type { BudgetLines } from './budget-history.ts';
import type { CallTallies } from './call-tally.ts';
import type { ShownClient } from './client-facts.ts';

/** A state of a scope as it is listed. */
export interface ShownState {
  readonly scope: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly operator: string;
  readonly sinceMs: number;
}

/** What is known of the proxy at one moment. */
export interface OverviewFacts {
  readonly version: string;
  readonly environment: string;
  readonly isLive: boolean;
  readonly nowMs: number;
  readonly startedMs: number;
  readonly status: Status;
  readonly budgets: BudgetState;
  readonly history: BudgetLines;
  readonly calls: CallTallies;
  readonly clients: readonly ShownClient[];
  readonly states: readonly ShownState[];
  readonly approvalsPending: number;
  readonly unresolved: ReturnType<OrderResolver['open']>;
  readonly openSockets: number;
  readonly isAuditStored: boolean;
  /** Up to which part reads and orders may fill what all share; the rest is kept for orders and cancels. */
  readonly lanes: { readonly general: number; readonly orders: number };
}
