import type { LeftOrder } from './cancelling/cancel-round.ts';
import type { CancelMode, Scope, TradingState } from './trading-state.ts';

/** The wish to put a scope into a state. */
export interface EnterRequest {
  readonly state: TradingState;
  readonly scope: Scope;
  readonly reason: string;
  readonly cancel: CancelMode;
  readonly operator: string;
  readonly channel: string;
}

/** What became of it. */
export interface Entered {
  readonly state: TradingState;
  readonly scope: Scope['kind'];
  readonly name: string;
  /** True when it outlives the process. */
  readonly persistent: boolean;
  /** True when the scope was in this state before. */
  readonly already: boolean;
  readonly cancelled: number;
  readonly left: readonly LeftOrder[];
  /** What the reader should know beside it. */
  readonly notes: readonly string[];
}

/** One line of the list of states. */
export interface ListedState {
  readonly scope: Scope['kind'];
  readonly name: string;
  readonly state: TradingState;
  readonly reason: string;
  readonly operator: string;
  readonly sinceMs: number;
}

/** The cancelling of one scope. */
export interface ListedCancelling {
  readonly scope: Scope['kind'];
  readonly name: string;
  readonly cancel: CancelMode;
  readonly cancelled: number;
  readonly left: number;
}
