import { ExactDecimal } from '../../core/decimal.ts';

/** An asset without an amount is refused, so that one more is looser, too. */
export function isHigherSomewhere(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): boolean {
  return [...after].some(([asset, amount]) => {
    const most = before.get(asset);
    return most === undefined || new ExactDecimal(amount).gt(most);
  });
}
