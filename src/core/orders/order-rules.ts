import type { Client, OrderRules } from '../access/client.ts';
import { NO_VIOLATIONS, type Violation } from '../access/violation.ts';
import { type Decimal, ExactDecimal } from '../decimal.ts';
import type { IntendedOrder } from './intended-order.ts';
import type { Notional } from './notional.ts';

/** What a call takes out of a client's day: orders, and their value by quote asset. */
export interface DayClaim {
  readonly client: string;
  readonly orders: number;
  readonly amounts: ReadonlyMap<string, Decimal>;
}

/** Whether any rule about orders holds for a client; the others are not looked at. */
export function hasOrderRules(client: Client): boolean {
  const rules = client.order;
  if (client.symbols !== undefined) return true;
  if (rules === undefined) return false;
  return (
    rules.types !== undefined ||
    needsValues(rules) ||
    needsPrices(rules) ||
    rules.maxPerDay !== undefined ||
    countsByRate(rules) ||
    rules.maxOpen !== undefined
  );
}

/** Whether orders have to be valued to be judged. */
export function needsValues(rules: OrderRules | undefined): boolean {
  return rules?.maxNotional !== undefined || rules?.maxNotionalPerDay !== undefined;
}

/** Whether prices are held against the market. */
export function needsPrices(rules: OrderRules | undefined): boolean {
  return rules?.priceBand !== undefined || rules?.maxSpread !== undefined;
}

/** Whether orders count towards a rate. */
export function countsByRate(rules: OrderRules | undefined): boolean {
  return rules?.perSecond !== undefined || rules?.perMinute !== undefined || rules?.repeats !== undefined;
}

/** Whether orders count towards a sum of the day. */
export function countsByDay(rules: OrderRules | undefined): boolean {
  return rules?.maxPerDay !== undefined || rules?.maxNotionalPerDay !== undefined;
}

/** What can be told from the orders alone: symbols first, so that no other symbol is ever looked up. */
export function judgeOrders(client: Client, orders: readonly IntendedOrder[]): readonly Violation[] {
  const symbols = client.symbols;
  const types = client.order?.types;
  if (symbols === undefined && types === undefined) return NO_VIOLATIONS;
  const violations: Violation[] = [];
  for (const [index, order] of orders.entries()) {
    if (symbols !== undefined && (order.symbol === undefined || !symbols.has(order.symbol))) {
      const why = `the symbol${ordinal(index, orders.length)} is not among those that this client may trade`;
      violations.push({ rule: 'symbols', why });
    }
    if (types !== undefined && order.type !== undefined && !types.has(order.type)) {
      const why = `the order type${ordinal(index, orders.length)} is not among those that this client may use`;
      violations.push({ rule: 'order.types', why });
    }
  }
  return violations;
}

/**
 * Holds each order's value against `maxNotional`; a quote asset without a limit cannot be judged and is refused. An
 * order that stands as undefined is free of these rules.
 */
export function judgeValues(
  rules: OrderRules | undefined,
  values: readonly (Notional | undefined)[],
): readonly Violation[] {
  const limits = rules?.maxNotional;
  if (limits === undefined) return NO_VIOLATIONS;
  const violations: Violation[] = [];
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    const { asset, amount } = value;
    const which = ordinal(index, values.length);
    const limit = limits.get(asset);
    if (limit === undefined) {
      const why = `the quote asset ${asset}${which} has no limit and so cannot be judged`;
      violations.push({ rule: 'order.maxNotional', why });
    } else if (amount.gt(new ExactDecimal(limit))) {
      const why = `the value${which} is above ${limit} ${asset}`;
      violations.push({ rule: 'order.maxNotional', why });
    }
  }
  return violations;
}

/**
 * What the orders of one call take out of the day. Every order counts; of two that exclude each other only the
 * dearer can ever be spent. One without a value counts and spends nothing.
 */
export function dayClaim(
  client: string,
  orders: readonly IntendedOrder[],
  values: readonly (Notional | undefined)[],
): DayClaim {
  const amounts = new Map<string, Decimal>();
  const exclusive = new Map<number, Notional>();
  const add = ({ asset, amount }: Notional): void => {
    amounts.set(asset, amount.plus(amounts.get(asset) ?? 0));
  };
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    const group = orders[index]?.exclusive;
    const rival = group === undefined ? undefined : exclusive.get(group);
    if (group === undefined) add(value);
    else if (rival === undefined || value.amount.gt(rival.amount)) exclusive.set(group, value);
  }
  for (const value of exclusive.values()) add(value);
  return { client, orders: orders.length, amounts };
}

/** Orders are told apart by their place: what the client wrote is not repeated to anybody. */
export function ordinal(index: number, count: number): string {
  return count === 1 ? '' : ` of order ${index + 1} of ${count}`;
}
