import { type Decimal, ExactDecimal, readDecimal } from '../decimal.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';
import { notionalOf, Unvaluable } from '../orders/notional.ts';
import type { BoundCall, BoundPair } from './bound-call.ts';
import type { ValuedOrder } from './valued-order.ts';

/** How much a call may differ from the one that was asked for, as a fraction. The card says it. */
export const TOLERANCE = '0.005';

/** What differs between kinds of calls: how much of one is more or less is known of orders and transfers only. */
export type Leniency = 'orders' | 'transfer' | 'none';

const MORE = new ExactDecimal(1).plus(TOLERANCE);
const LESS = new ExactDecimal(1).minus(TOLERANCE);

const LEGS = ['working', 'pending', 'pendingAbove', 'pendingBelow', 'above', 'below'];
const ofLegs = (...names: readonly string[]) =>
  names.flatMap((name) => LEGS.map((leg) => `${leg}${name.charAt(0).toUpperCase()}${name.slice(1)}`));

const QUANTITIES: ReadonlySet<string> = new Set([
  ...['quantity', 'quoteOrderQty', 'newQty', 'notional', 'baseAmount', 'quoteAmount'],
  ...ofLegs('quantity'),
]);
const PRICES: ReadonlySet<string> = new Set(['price', 'stopLimitPrice', 'limitPrice', ...ofLegs('price')]);
/** A trigger that moves either way makes another order of it, so these stay within both bounds. */
const TRIGGERS: ReadonlySet<string> = new Set([
  ...['stopPrice', 'triggerPrice', 'activatePrice', 'activationPrice'],
  ...['icebergQty', 'limitIcebergQty', 'stopIcebergQty'],
  ...ofLegs('stopPrice', 'icebergQty'),
]);

/**
 * Whether a call does the same as the one that was asked for, or less: every pair equal but quantities, which may be
 * smaller, and prices, which may be better, both within the tolerance to the other side.
 */
export function isSameOrLess(asked: BoundCall, used: BoundCall, leniency: Leniency): boolean {
  if (asked.environment !== used.environment || asked.account !== used.account) return false;
  if (asked.client !== used.client || asked.method !== used.method || asked.path !== used.path) return false;
  if (asked.elements.length !== used.elements.length) return false;
  if (!isWithinBounds(asked.pairs, used.pairs, leniency)) return false;
  return asked.elements.every((element, index) =>
    isWithinBounds(element, used.elements[index] ?? [], leniency),
  );
}

/**
 * Whether orders are worth no more than those asked for, all at the prices of the asking. An order that has no value
 * there, because it reduces a position, has to have none here.
 */
export function isWorthNoMore(
  asked: readonly (ValuedOrder | undefined)[],
  used: readonly IntendedOrder[],
): boolean {
  if (asked.length !== used.length) return false;
  return used.every((order, index) => {
    const then = asked[index];
    if (then === undefined) return true;
    try {
      const { amount } = notionalOf(order, then.instrument, then.best, then.depth);
      return amount.lte(then.value.amount.times(MORE));
    } catch (error) {
      if (error instanceof Unvaluable) return false;
      throw error;
    }
  });
}

/** Whether pairs, sorted by name, are the same or within the bounds of those asked for. */
export function isWithinBounds(
  asked: readonly BoundPair[],
  used: readonly BoundPair[],
  leniency: Leniency,
): boolean {
  if (asked.length !== used.length) return false;
  return asked.every(([name, value], index) => {
    const [usedName, usedValue] = used[index] ?? ['', ''];
    if (name !== usedName) return false;
    return value === usedValue || isWithin(name, value, usedValue, leniency, asked);
  });
}

function isWithin(
  name: string,
  askedText: string,
  usedText: string,
  leniency: Leniency,
  pairs: readonly BoundPair[],
): boolean {
  const asked = readDecimal(askedText);
  const used = readDecimal(usedText);
  if (asked === undefined || used === undefined || leniency === 'none') return false;
  if (leniency === 'transfer') return name === 'amount' && isNoMore(asked, used);
  if (QUANTITIES.has(name)) return isNoMore(asked, used);
  if (TRIGGERS.has(name)) return isNoMore(asked, used) && isNoLess(asked, used);
  if (!PRICES.has(name)) return false;
  const side = sideOf(name, pairs);
  return (side === 'SELL' || isNoMore(asked, used)) && (side === 'BUY' || isNoLess(asked, used));
}

function isNoMore(asked: Decimal, used: Decimal): boolean {
  return used.lte(asked.times(MORE));
}

function isNoLess(asked: Decimal, used: Decimal): boolean {
  return used.gte(asked.times(LESS));
}

/** The side of the order that a price belongs to; undefined where the call does not say it: both bounds hold then. */
function sideOf(name: string, pairs: readonly BoundPair[]): string | undefined {
  const sideName = name.startsWith('working')
    ? 'workingSide'
    : name.startsWith('pending')
      ? 'pendingSide'
      : 'side';
  return pairs.find(([other]) => other === sideName)?.[1];
}
