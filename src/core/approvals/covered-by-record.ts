import type { AuditRecord } from '../records/record.ts';
import type { BoundPair } from './bound-call.ts';
import { isWithinBounds } from './same-or-less.ts';

/** Names that an app or the proxy gives its own orders and calls. */
const ID_NAME =
  /^(?:cancelNew|new|list)?client(?:order|algo|strategy)id$|^clientTranId$|^newClient|ClientOrderId$/i;
/** Names of other orders than the call's own. */
const OTHER_ORDER = /orig/i;

/** Whether what was signed is what was asked for, or less, as far as the records hold it whole. */
export function isCoveredByRecord(asked: AuditRecord, signed: AuditRecord): boolean {
  if (asked.client !== signed.client || asked.account !== signed.account || asked.path !== signed.path)
    return false;
  const { leniency = 'none', pairs = [] } = asked.approval ?? {};
  const used = signed.orders ?? [];
  const orders = asked.orders ?? [];
  if (orders.length !== used.length) return false;
  if (orders.length > 0)
    return orders.every((order, index) =>
      isWithinBounds(withoutIds(order), withoutIds(used[index] ?? {}), leniency),
    );
  return isWithinBounds(pairs, withoutIds(signed.params ?? {}), leniency);
}

function withoutIds(order: Readonly<Record<string, string | readonly string[]>>): BoundPair[] {
  return Object.entries(order)
    .filter(([name]) => !ID_NAME.test(name) || OTHER_ORDER.test(name))
    .flatMap(([name, value]) => [value].flat().map((text): BoundPair => [name, text]))
    .toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}
