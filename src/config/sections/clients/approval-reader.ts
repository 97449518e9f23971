import type { ApprovalRules } from '../../../core/access/client.ts';
import { ExactDecimal } from '../../../core/decimal.ts';
import type { ApprovalEntry } from '../../schema/parts/approval-schema.ts';

const USUAL_DRIFT = '1%';

/** What waits for a yes, as it is written under a client. */
export function toApprovalRules(entry: ApprovalEntry): ApprovalRules {
  const { above, permissions = [], symbols = [], notBy = [], maxDrift = USUAL_DRIFT } = entry;
  return {
    above: above && new Map(Object.entries(above).map(([asset, amount]) => [asset, String(amount)] as const)),
    permissions: new Set(permissions),
    symbols: new Set(symbols),
    outsideBand: entry.outsideBand ?? false,
    quorum: entry.quorum ?? 1,
    notBy: new Set(notBy),
    holdMs: entry.holdMs ?? 0,
    decideMs: entry.decideMs,
    useMs: entry.useMs,
    maxDrift: new ExactDecimal(maxDrift.slice(0, -1)).div(100).toFixed(),
  };
}
