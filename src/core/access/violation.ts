/** The names under which a refusal of orders is logged. */
export type OrderRule =
  | 'symbols'
  | 'order.types'
  | 'order.maxNotional'
  | 'order.maxPerDay'
  | 'order.maxNotionalPerDay'
  | 'order.maxLeverage'
  | 'order.priceBand'
  | 'order.maxSpread'
  | 'order.perSecond'
  | 'order.perMinute'
  | 'order.repeats'
  | 'order.maxOpen'
  | 'unvaluable'
  | 'unreadable'
  | 'ledger';

/** A rule that some order of a call breaks, with the half sentence that says how. */
export interface Violation {
  readonly rule: OrderRule;
  readonly why: string;
}

/** What a rule finds of nearly every order: nothing is made anew for it. */
export const NO_VIOLATIONS: readonly Violation[] = Object.freeze([]);
