import type { ApprovalRules } from '../../core/access/client.ts';
import { ExactDecimal } from '../../core/decimal.ts';
import { isHigherSomewhere } from './amount-comparison.ts';

/** True when the second value lets pass what the first would have asked for, or lets it pass more easily. */
type Comparison = (before: ApprovalRules, after: ApprovalRules) => boolean;

/** Every rule about approvals: one that is added has to be compared here before the program compiles. */
const RULES: { readonly [Rule in keyof ApprovalRules]-?: Comparison } = {
  above: ({ above }, after) =>
    above !== undefined && (after.above === undefined || isHigherSomewhere(above, after.above)),
  permissions: ({ permissions }, after) => !permissions.isSubsetOf(after.permissions),
  symbols: ({ symbols }, after) => !symbols.isSubsetOf(after.symbols),
  // What the price band refused could pass with a yes.
  outsideBand: ({ outsideBand }, after) => after.outsideBand && !outsideBand,
  quorum: ({ quorum }, after) => after.quorum < quorum,
  notBy: ({ notBy }, after) => !notBy.isSubsetOf(after.notBy),
  holdMs: () => false,
  decideMs: ({ decideMs }, after) => isLonger(decideMs, after.decideMs),
  useMs: ({ useMs }, after) => isLonger(useMs, after.useMs),
  maxDrift: ({ maxDrift }, after) => new ExactDecimal(after.maxDrift).gt(maxDrift),
};

/** The rules by which less would be asked for, or a yes would hold for more. */
export function looserApprovalRules(before: ApprovalRules, after: ApprovalRules): readonly string[] {
  return Object.entries(RULES).flatMap(([name, isLooser]) => (isLooser(before, after) ? name : []));
}

/** One that is not set is shorter for orders than for transfers: only staying unset is surely no longer. */
function isLonger(before: number | undefined, after: number | undefined): boolean {
  if (before === undefined || after === undefined) return before !== after;
  return after > before;
}
