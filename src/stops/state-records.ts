import type { AuditTrail } from '../audit/trail.ts';
import type { CancelProgress } from './cancelling/cancellations.ts';
import { compareStates, type StateEntry, type TradingState } from './trading-state.ts';

/** So many of what is left stand in a record. */
const MOST_NAMED = 20;

/** Writes what becomes of states and of the cancelling that comes with them. */
export function stateRecords(trail: Pick<AuditTrail, 'note'>) {
  return {
    changed(entry: StateEntry, from: TradingState, persistent: boolean): void {
      const { kind, name, state, reason, operator, channel, cancel, revision } = entry;
      trail.note({
        event: 'state.changed',
        level: compareStates(state, from) > 0 ? 'warn' : 'info',
        msg: reason,
        detail: { scope: kind, name, state, from, operator, channel, cancel, revision, persistent },
      });
    },
    cancelled({ work, cancelled, left, isDone }: CancelProgress): void {
      const { scope, mode } = work;
      const named = left.slice(0, MOST_NAMED).map(({ account, market, symbol = '', orderId = '', why }) => {
        return [account, market, symbol, orderId, why].filter((part) => part !== '').join(' ');
      });
      trail.note({
        event: 'state.cancelled',
        level: left.length > 0 ? 'warn' : 'info',
        detail: {
          ...{ scope: scope.kind, name: scope.name, cancel: mode, cancelled, isDone },
          left: left.length,
          leftNamed: named.length === 0 ? undefined : named.join('; '),
        },
      });
    },
  };
}
