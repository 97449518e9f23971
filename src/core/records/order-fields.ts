import type { OrderShape } from '../catalogue/endpoint.ts';
import { prefixed } from '../orders/order-parameters.ts';

/** Every name under which Binance takes a part of an order, on whatever market. How to answer is no part of it. */
const PLAIN_FIELDS = words(`
  symbol isIsolated side positionSide type orderType strategyType strategyId algoType timeInForce goodTillDate
  quantity quoteOrderQty notional newQty icebergQty price limitPrice stopPrice triggerPrice
  activatePrice activationPrice callbackRate trailingDelta workingType priceProtect priceMatch
  pegPriceType pegOffsetType pegOffsetValue reduceOnly closePosition postOnly isMmp duration urgency
  sideEffectType autoRepayAtCancel selfTradePreventionMode
  newClientOrderId clientOrderId clientAlgoId newClientStrategyId listClientOrderId
  orderId origClientOrderId modifyId
  cancelReplaceMode cancelOrderId cancelOrigClientOrderId cancelNewClientOrderId cancelRestrictions
  orderRateLimitExceededMode`);

/** What a leg of a list says for itself, under a name with its prefix (`abovePrice`). */
const LEG_FIELDS = words(`
  side positionSide type timeInForce quantity icebergQty price limitPrice stopPrice triggerPrice activatePrice activationPrice
  callbackRate trailingDelta priceMatch pegPriceType pegOffsetType pegOffsetValue reduceOnly closePosition
  strategyId strategyType clientOrderId`);

/** The names of the old OCO have no one prefix. */
const LEGACY_OCO: ReadonlyMap<string, string> = new Map([
  ...['price', 'limitClientOrderId', 'limitIcebergQty', 'limitStrategyId', 'limitStrategyType'].map(
    (name) => [name, 'limit'] as const,
  ),
  ...['stopPrice', 'stopLimitPrice', 'stopLimitTimeInForce', 'trailingDelta', 'stopClientOrderId'].map(
    (name) => [name, 'stop'] as const,
  ),
  ...['stopIcebergQty', 'stopStrategyId', 'stopStrategyType'].map((name) => [name, 'stop'] as const),
]);

/** One order of a list. */
interface Leg {
  readonly prefix: string;
  /** A prefix under which stands what it has in common with another leg. */
  readonly common?: string;
  /** Not there unless a parameter of its own is. */
  readonly isOptional?: true;
}

/** How the parameters of a list are dealt out to its orders. */
export interface ListForm {
  readonly legs: readonly Leg[];
  /** The prefix of every parameter that is not for all orders of the list. */
  readonly owners: ReadonlyMap<string, string>;
  readonly names: FieldNames;
}

const CHAIN: readonly Leg[] = [{ prefix: 'working' }, { prefix: 'pending' }];
const CHAIN_OF_PAIR: readonly Leg[] = [
  { prefix: 'working' },
  { prefix: 'pendingAbove', common: 'pending' },
  { prefix: 'pendingBelow', common: 'pending', isOptional: true },
];

/** The names that are read, and how they look once case and signs are taken off. */
export class FieldNames {
  readonly #names: ReadonlySet<string>;
  readonly #bare: ReadonlySet<string>;

  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
    this.#bare = new Set([...this.#names].map(bare));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** True for `Symbol` or `stop_price`: some JSON readers take them for the field, so nobody could say what was sent. */
  resembles(name: string): boolean {
    return this.#bare.has(bare(name));
  }
}

export const ORDER_FIELDS = new FieldNames(PLAIN_FIELDS);

export const LIST_FORMS: ReadonlyMap<OrderShape | undefined, ListForm> = new Map([
  ['oco', listForm([{ prefix: 'limit' }, { prefix: 'stop' }], LEGACY_OCO)],
  ['order-list-oco', prefixedForm([{ prefix: 'above' }, { prefix: 'below' }])],
  ['oto', prefixedForm(CHAIN)],
  ['opo', prefixedForm(CHAIN)],
  ['otoco', prefixedForm(CHAIN_OF_PAIR)],
  ['opoco', prefixedForm(CHAIN_OF_PAIR)],
]);

function prefixedForm(legs: readonly Leg[]): ListForm {
  const prefixes = new Set(legs.flatMap(({ prefix, common }) => [prefix, common ?? prefix]));
  const owners = new Map<string, string>();
  for (const prefix of prefixes) for (const name of LEG_FIELDS) owners.set(prefixed(prefix, name), prefix);
  return listForm(legs, owners);
}

function listForm(legs: readonly Leg[], owners: ReadonlyMap<string, string>): ListForm {
  return { legs, owners, names: new FieldNames([...PLAIN_FIELDS, ...owners.keys()]) };
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
