import type { ApprovalRules, Client } from '../access/client.ts';
import { neededPermissions } from '../access/policy.ts';
import { allPairs, type Call } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { ExactDecimal } from '../decimal.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';
import type { Notional } from '../orders/notional.ts';
import { dayClaim } from '../orders/order-rules.ts';
import { addsNothing, isReducing } from '../orders/reduces.ts';
import { isTransfer, transferredAmount } from './transfer.ts';

/** Why a call is asked for, as records name it. */
export type AskingRule =
  | 'approval.permissions'
  | 'approval.symbols'
  | 'approval.outsideBand'
  | 'approval.above';

/** A call as its orders were judged. */
export interface JudgedCall {
  readonly client: Client;
  readonly endpoint: Endpoint;
  readonly call: Call;
  readonly orders: readonly IntendedOrder[];
  /** Of each order; undefined for one that is free of rules about value, or that nobody could value. */
  readonly values: readonly (Notional | undefined)[];
  /** True when the price band would have refused it. */
  readonly isOutsideBand: boolean;
}

const SPEAKS_OF_SYMBOL = /symbol|underlying/i;

/** The rule by which a call is asked for whatever it is worth; undefined when there is none. */
export function whyAlwaysAsked(judged: Omit<JudgedCall, 'values'>): AskingRule | undefined {
  const { client, endpoint, call } = judged;
  const rules = client.approval;
  if (rules === undefined || isNeverAsked(endpoint, call)) return undefined;
  if (neededPermissions(endpoint, call).some((permission) => rules.permissions.has(permission)))
    return 'approval.permissions';
  if (namesSymbol(rules, judged)) return 'approval.symbols';
  return judged.isOutsideBand && rules.outsideBand ? 'approval.outsideBand' : undefined;
}

/** Whether what a call is worth decides about it. */
export function isAskedByWorth({ client, endpoint, call, orders }: Omit<JudgedCall, 'values'>): boolean {
  if (client.approval?.above === undefined || isNeverAsked(endpoint, call)) return false;
  return orders.length > 0 || isTransfer(endpoint);
}

/** Whether a call is worth more than passes without a yes; what nobody can value is. */
export function isWorthAsking(judged: JudgedCall): boolean {
  const above = judged.client.approval?.above;
  if (above === undefined || !isAskedByWorth(judged)) return false;
  const sums = sumsOf(judged);
  if (sums === undefined) return true;
  return sums.entries().some(([asset, amount]) => {
    const limit = above.get(asset);
    return limit === undefined || amount.gt(new ExactDecimal(limit));
  });
}

/** Cancels, reads, tests and orders that only reduce a position. What is not signed changes nothing. */
export function isNeverAsked(endpoint: Endpoint, call: Call): boolean {
  const { touches, security } = endpoint;
  if (touches === undefined || touches === 'nothing' || security !== 'SIGNED') return true;
  return addsNothing({ endpoint, call });
}

/** What a call moves or trades by asset; undefined where some of it has no value that is known. */
export function sumsOf(judged: JudgedCall): ReadonlyMap<string, Notional['amount']> | undefined {
  const { client, endpoint, call, orders, values } = judged;
  if (isTransfer(endpoint)) {
    const moved = transferredAmount(endpoint, call);
    return moved && new Map([[moved.asset, moved.amount]]);
  }
  if (orders.some((order, index) => values[index] === undefined && !isReducing(order))) return undefined;
  return dayClaim(client.name, orders, values).amounts;
}

function namesSymbol(
  { symbols }: ApprovalRules,
  { endpoint, call, orders }: Omit<JudgedCall, 'values'>,
): boolean {
  if (symbols.size === 0) return false;
  const isNamed = (symbol: string | undefined) => symbol !== undefined && symbols.has(symbol.toUpperCase());
  if (orders.length > 0) return orders.some((order) => isNamed(order.symbol) && !isReducing(order));
  if (endpoint.touches !== 'symbol') return false;
  return allPairs(call).some(
    (pair) =>
      SPEAKS_OF_SYMBOL.test(pair.name) &&
      (decodedValue(pair) ?? '').split(/[^\p{L}\p{N}_.-]+/u).some(isNamed),
  );
}
