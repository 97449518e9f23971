import type { OrderRules } from '../access/client.ts';
import { NO_VIOLATIONS, type OrderRule, type Violation } from '../access/violation.ts';
import { MINUTE_MS, SECOND_MS } from '../intervals.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';
import { repeatKey } from './equal-orders.ts';
import { RollingCount } from './rolling-count.ts';

/** What a call counts in each window, by the numbers of its entries; given back it never counted. */
export interface RateEntry {
  readonly second: number | undefined;
  readonly minute: number | undefined;
  /** Of equal orders: their count may have been replaced by then. */
  readonly equal: readonly (readonly [count: RollingCount, entry: number])[];
}

/** Which part of a limit is used, 0 to 1. */
export type LimitUse = readonly [rule: OrderRule | 'stopAfterRefusals', part: number];

type RateRules = Pick<OrderRules, 'perSecond' | 'perMinute' | 'repeats'>;

/** How many orders of one call are equal, by what they have in common. */
type Alike = readonly (readonly [key: string, orders: number])[];

const NONE_ALIKE: Alike = [];
const NONE_EQUAL: RateEntry['equal'] = [];

interface ClientCounts {
  readonly second: RollingCount;
  readonly minute: RollingCount;
  /** Equal orders by what they have in common; the one that was counted last stands last. */
  readonly equal: Map<string, RollingCount>;
}

/**
 * How many orders each client placed in the last second and minute, and how many equal ones. Checking and counting are
 * one step, so that calls at the same time cannot both take the last room.
 */
export class OrderRates {
  readonly #clients = new Map<string, ClientCounts>();

  /** Counts the orders, or names the rules that they would break. Time never goes back. */
  take(
    client: string,
    rules: RateRules,
    orders: readonly IntendedOrder[],
    nowMs: number,
  ): RateEntry | { readonly refusedBy: readonly [Violation, ...Violation[]] } {
    const counts = this.#countsOf(client);
    const alike = rules.repeats === undefined ? NONE_ALIKE : countAlike(orders);
    const violations = violationsOf(counts, rules, orders.length, alike, nowMs);
    if (isAny(violations)) return { refusedBy: violations };
    const second = rules.perSecond === undefined ? undefined : counts.second.add(orders.length, nowMs);
    const minute = rules.perMinute === undefined ? undefined : counts.minute.add(orders.length, nowMs);
    if (rules.repeats === undefined) return { second, minute, equal: NONE_EQUAL };
    const equal: (readonly [RollingCount, number])[] = [];
    for (const [key, more] of alike) {
      const count = newest(counts.equal, key, rules.repeats.withinMs);
      equal.push([count, count.add(more, nowMs)]);
    }
    forget(counts.equal, nowMs);
    return { second, minute, equal };
  }

  /** Nothing was sent: the orders of the client count no more. */
  giveBack(client: string, { second, minute, equal }: RateEntry, nowMs: number): void {
    const counts = this.#countsOf(client);
    if (second !== undefined) counts.second.giveBack(second, nowMs);
    if (minute !== undefined) counts.minute.giveBack(minute, nowMs);
    for (const [count, entry] of equal) count.giveBack(entry, nowMs);
  }

  /** The highest use of the last minute; of equal orders, of those that were placed most. */
  use(client: string, { perSecond, perMinute, repeats }: RateRules, nowMs: number): readonly LimitUse[] {
    const counts = this.#clients.get(client);
    const uses: LimitUse[] = [];
    if (perSecond !== undefined)
      uses.push(['order.perSecond', (counts?.second.peak(nowMs) ?? 0) / perSecond]);
    if (perMinute !== undefined)
      uses.push(['order.perMinute', (counts?.minute.peak(nowMs) ?? 0) / perMinute]);
    if (repeats !== undefined) {
      let most = 0;
      for (const count of counts?.equal.values() ?? []) most = Math.max(most, count.peak(nowMs));
      uses.push(['order.repeats', most / repeats.max]);
    }
    return uses;
  }

  #countsOf(client: string): ClientCounts {
    const known = this.#clients.get(client);
    if (known !== undefined) return known;
    const counts = {
      second: new RollingCount(SECOND_MS),
      minute: new RollingCount(MINUTE_MS),
      equal: new Map(),
    };
    this.#clients.set(client, counts);
    return counts;
  }
}

function isAny(violations: readonly Violation[]): violations is readonly [Violation, ...Violation[]] {
  return violations.length > 0;
}

function violationsOf(
  counts: ClientCounts,
  { perSecond, perMinute, repeats }: RateRules,
  orders: number,
  alike: Alike,
  nowMs: number,
): readonly Violation[] {
  const isPastSecond = perSecond !== undefined && counts.second.at(nowMs) + orders > perSecond;
  const isPastMinute = perMinute !== undefined && counts.minute.at(nowMs) + orders > perMinute;
  const isPastRepeats = repeats !== undefined && isRepeated(counts.equal, repeats, alike, nowMs);
  if (!isPastSecond && !isPastMinute && !isPastRepeats) return NO_VIOLATIONS;
  const violations: Violation[] = [];
  const add = (rule: OrderRule, what: string) =>
    violations.push({ rule, why: `it would be more than ${what}` });
  if (isPastSecond) add('order.perSecond', `${perSecond} orders in a second`);
  if (isPastMinute) add('order.perMinute', `${perMinute} orders in a minute`);
  if (isPastRepeats) add('order.repeats', `${repeats.max} equal orders in ${repeats.withinMs} ms`);
  return violations;
}

function isRepeated(
  equal: ReadonlyMap<string, RollingCount>,
  { max, withinMs }: NonNullable<RateRules['repeats']>,
  alike: Alike,
  nowMs: number,
): boolean {
  for (const [key, more] of alike) {
    const count = equal.get(key);
    const before = count?.windowMs === withinMs ? count.at(nowMs) : 0;
    if (before + more > max) return true;
  }
  return false;
}

function countAlike(orders: readonly IntendedOrder[]): Alike {
  const [only, ...others] = orders;
  if (only !== undefined && others.length === 0) {
    const key = repeatKey(only);
    return key === undefined ? NONE_ALIKE : [[key, 1]];
  }
  const alike = new Map<string, number>();
  for (const order of orders) {
    const key = repeatKey(order);
    if (key !== undefined) alike.set(key, (alike.get(key) ?? 0) + 1);
  }
  return [...alike];
}

/** The count of one key, moved behind all others; a new one where the window is another one by now. */
function newest(equal: Map<string, RollingCount>, key: string, windowMs: number): RollingCount {
  const known = equal.get(key);
  const count = known?.windowMs === windowMs ? known : new RollingCount(windowMs);
  equal.delete(key);
  equal.set(key, count);
  return count;
}

/** Lets go of those that nothing counts in any more, from the oldest on. */
function forget(equal: Map<string, RollingCount>, nowMs: number): void {
  for (const [key, count] of equal) {
    if (count.peak(nowMs) > 0) return;
    equal.delete(key);
  }
}
