import type { Client } from '../core/access/client.ts';
import { isHeldToLeverage, judgeLeverage } from '../core/access/leverage.ts';
import { isHeldToSymbols, judgeTouchedSymbols } from '../core/access/touched-symbols.ts';
import type { OrderRule, Violation } from '../core/access/violation.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import type { IntendedOrder } from '../core/orders/intended-order.ts';
import {
  assertValuable,
  isCovered,
  type Notional,
  needsBook,
  needsDepth,
  notionalOf,
  Unvaluable,
} from '../core/orders/notional.ts';
import {
  countsByDay,
  dayClaim,
  hasOrderRules,
  judgeOrders,
  judgeValues,
  needsValues,
} from '../core/orders/order-rules.ts';
import { callParameters, readIntendedOrders } from '../core/orders/read-orders.ts';
import { isReducing } from '../core/orders/reduces.ts';
import type { NotionalLedger, Reservation } from './day-ledger.ts';
import type { PriceBook } from './price-book.ts';

/** Room in the client's day that an admitted call holds until it is settled. */
export interface OrderRoom {
  readonly reservation: Reservation;
}

/** The orders that a call would place, as the rules read and valued them. */
export interface JudgedOrders {
  readonly orders: readonly IntendedOrder[];
  /** What each is worth, in their order; undefined for an exit. Empty when no rule asks for values. */
  readonly values: readonly (Notional | undefined)[];
}

/** How a call ended: only `refused` (Binance placed nothing) and `not-sent` free the room again. */
export type OrderOutcome = 'accepted' | 'refused' | 'unknown' | 'not-sent';

export interface OrderLimits {
  /**
   * Judges the orders of a call, and what else it touches, by the client's rules. Undefined at once when no rule can
   * apply, so that other calls wait for nothing; resolves to undefined when the orders could not be read or valued and
   * the client's rules are only reported.
   * @throws ProxyError (rejection) PROXY_ORDER_REFUSED with the rule; a refusal of the look-up's own budget as it is
   */
  judge(client: Client, endpoint: Endpoint, call: Call): undefined | Promise<JudgedOrders | undefined>;
  /**
   * Takes the room of judged orders in the client's day; undefined when nothing of it is counted.
   * @throws ProxyError (rejection) PROXY_ORDER_REFUSED with the rule
   */
  reserve(
    client: Client,
    endpoint: Endpoint,
    judged: JudgedOrders,
    nowMs: number,
  ): undefined | Promise<OrderRoom | undefined>;
  /** Every admission is settled once; further times do nothing. */
  settle(admission: OrderRoom, ending: OrderOutcome): void;
}

export interface OrderLimitsOptions {
  readonly priceBook: PriceBook;
  readonly ledger: NotionalLedger;
  /** Told, for clients in report mode, what would have been refused: once for each rule of a call. */
  readonly onReport: (client: Client, endpoint: Endpoint, rule: OrderRule) => void;
}

/** What the rules do with a violation: refuse the call, or only report it. */
type OnViolation = (violations: readonly Violation[], cause?: unknown) => void;

export function createOrderLimits({ priceBook, ledger, onReport }: OrderLimitsOptions): OrderLimits {
  async function judge(client: Client, endpoint: Endpoint, call: Call): Promise<JudgedOrders | undefined> {
    const onViolation = violating(client, endpoint);
    const effects = judgeEffects(client, endpoint, call);
    if (!concernsOrders(client, endpoint)) {
      onViolation(effects);
      return undefined;
    }
    let orders: readonly IntendedOrder[];
    try {
      orders = readIntendedOrders(endpoint, callParameters(call));
    } catch (error) {
      if (client.policyMode !== 'report' || !(error instanceof ProxyError)) throw error;
      onViolation([{ rule: 'unreadable', why: '' }]);
      return undefined;
    }
    onViolation([...judgeOrders(client, orders), ...effects]);
    const values = needsValues(client.order) ? await valueAll(orders, onViolation) : [];
    if (values === undefined) return undefined;
    onViolation(judgeValues(client.order, values));
    return { orders, values };
  }

  function violating(client: Client, endpoint: Endpoint): OnViolation {
    return client.policyMode === 'report' ? reporting(client, endpoint) : refusing(client, endpoint);
  }

  /** Undefined when the values are not known and the onViolation let that pass. Exits are free: they get none. */
  async function valueAll(
    orders: readonly IntendedOrder[],
    onViolation: OnViolation,
  ): Promise<(Notional | undefined)[] | undefined> {
    try {
      return await Promise.all(orders.map((order) => (isReducing(order) ? undefined : valueOne(order))));
    } catch (error) {
      const why = error instanceof Unvaluable ? error.message : 'the market could not be asked';
      onViolation([{ rule: 'unvaluable', why: `its value cannot be told: ${why}` }], error);
      return undefined;
    }
  }

  async function valueOne(order: IntendedOrder): Promise<Notional> {
    assertValuable(order);
    const { market, symbol } = order;
    const instrument = await priceBook.instrument(market, symbol);
    const best = needsBook(order, instrument) ? await priceBook.bestPrices(market, symbol) : undefined;
    const depth =
      best !== undefined && needsDepth(order, instrument, best)
        ? await priceBook.depth(market, symbol, (read) => isCovered(order, read))
        : undefined;
    return notionalOf(order, instrument, best, depth);
  }

  async function reserve(
    client: Client,
    { orders, values }: JudgedOrders,
    nowMs: number,
    onViolation: OnViolation,
  ): Promise<OrderRoom | undefined> {
    const limits = client.order ?? {};
    try {
      const answer = await ledger.reserve(dayClaim(client.name, orders, values), limits, nowMs);
      if ('reservation' in answer) return { reservation: answer.reservation };
      const what = answer.refusedBy === 'order.maxPerDay' ? 'the number' : 'the value';
      onViolation([
        { rule: answer.refusedBy, why: `${what} of its orders in 24 hours would pass the limit` },
      ]);
    } catch (error) {
      if (error instanceof ProxyError) throw error;
      onViolation([{ rule: 'ledger', why: 'the sums of the day cannot be recorded' }], error);
    }
    return undefined;
  }

  function reporting(client: Client, endpoint: Endpoint): OnViolation {
    return (violations) => {
      for (const rule of new Set(violations.map((violation) => violation.rule))) {
        onReport(client, endpoint, rule);
      }
    };
  }

  return {
    judge: (client, endpoint, call) =>
      concernsOrders(client, endpoint) || concernsEffects(client, endpoint)
        ? judge(client, endpoint, call)
        : undefined,
    // A trial order is judged like a real one and places nothing that could count.
    reserve: (client, endpoint, judged, nowMs) =>
      countsByDay(client.order) && !endpoint.path.endsWith('/test')
        ? reserve(client, judged, nowMs, violating(client, endpoint))
        : undefined,
    settle({ reservation }, ending) {
      if (ending === 'refused' || ending === 'not-sent') ledger.refund(reservation);
      else ledger.keep(reservation);
    },
  };
}

/** A cancel is never held up; a call that places orders is, also when the catalogue does not say how they look. */
function concernsOrders(client: Client, endpoint: Endpoint): boolean {
  if (endpoint.effect === 'cancel') return false;
  if (endpoint.orderShape === undefined && endpoint.effect === 'none') return false;
  return hasOrderRules(client);
}

/** What a call touches is judged whatever its form, where a rule of its client is about that. */
function concernsEffects(client: Client, endpoint: Endpoint): boolean {
  return isHeldToSymbols(client, endpoint) || isHeldToLeverage(client.order, endpoint);
}

function judgeEffects(client: Client, endpoint: Endpoint, call: Call): Violation[] {
  return [...judgeTouchedSymbols(client, endpoint, call), ...judgeLeverage(client.order, endpoint, call)];
}

function refusing(client: Client, endpoint: Endpoint): OnViolation {
  return ([first], cause) => {
    if (first === undefined) return;
    // No room for the look-up is a matter of waiting, which this refusal would not say.
    if (cause instanceof ProxyError && cause.retryAfterSeconds !== undefined) throw cause;
    const what = endpoint.orderShape === undefined ? 'Call' : 'Order';
    throw new ProxyError(
      'PROXY_ORDER_REFUSED',
      `${what} refused for client ${client.name} on ${endpoint.method} ${endpoint.path}: ${first.why} (rule ${first.rule}).`,
      { rule: first.rule, cause },
    );
  };
}
