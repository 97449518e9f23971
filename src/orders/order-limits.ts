import type { Client } from '../core/access/client.ts';
import { isHeldToLeverage, judgeLeverage } from '../core/access/leverage.ts';
import { isHeldToSymbols, judgeTouchedSymbols } from '../core/access/touched-symbols.ts';
import { NO_VIOLATIONS, type Violation } from '../core/access/violation.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import type { LimitUse } from '../core/limits/order-rates.ts';
import { andThen, type NowOrLater } from '../core/now-or-later.ts';
import type { IntendedOrder } from '../core/orders/intended-order.ts';
import {
  countsByDay,
  countsByRate,
  hasOrderRules,
  judgeOrders,
  judgeValues,
  needsPrices,
  needsValues,
} from '../core/orders/order-rules.ts';
import { callParameters, readIntendedOrders } from '../core/orders/read-orders.ts';
import { type SentOrder, singleOrderReader } from '../core/records/sent-orders.ts';
import type { NotionalLedger } from './day-ledger.ts';
import { createMarketLook } from './limits/market-look.ts';
import { type OnReport, violating } from './limits/on-violation.ts';
import { type JudgedOrders, type OrderOutcome, type OrderRoom, OrderRooms } from './limits/order-room.ts';
import type { PriceBook } from './price-book.ts';

export interface OrderLimits {
  /**
   * Judges the orders of a call, and what else it touches, by the client's rules: at once where the market need not be
   * asked. Undefined when no rule can apply, and when the orders could not be read or valued and the client's rules are
   * only reported.
   * @param sent the orders of the call as its record names them
   * @throws ProxyError (at once or as a rejection) PROXY_ORDER_REFUSED with the rule; a refusal of the look-up's own budget
   * as it is
   */
  judge(
    client: Client,
    endpoint: Endpoint,
    call: Call,
    sent: readonly SentOrder[],
  ): NowOrLater<JudgedOrders | undefined>;
  /**
   * Takes the room of judged orders in the client's rates and in its day; undefined when nothing of it is counted.
   * @throws ProxyError PROXY_ORDER_REFUSED with the rule, at once or as a rejection
   */
  reserve(
    client: Client,
    endpoint: Endpoint,
    judged: JudgedOrders,
    nowMs: number,
  ): NowOrLater<OrderRoom | undefined>;
  /** Every admission is settled once; further times do nothing. */
  settle(admission: OrderRoom, ending: OrderOutcome): void;
  /** Which part of each counted limit a client uses; those that it does not have are left out. */
  use(client: Client, nowMs: number): readonly LimitUse[];
}

export interface OrderLimitsOptions {
  readonly priceBook: PriceBook;
  readonly ledger: NotionalLedger;
  readonly onReport: OnReport;
  readonly monotonicNow: () => number;
}

export function createOrderLimits(options: OrderLimitsOptions): OrderLimits {
  const { priceBook, ledger, onReport, monotonicNow } = options;
  const lookAtMarket = createMarketLook(priceBook);
  const rooms = new OrderRooms(ledger, monotonicNow);

  function judge(
    client: Client,
    endpoint: Endpoint,
    call: Call,
    sent: readonly SentOrder[],
  ): NowOrLater<JudgedOrders | undefined> {
    const onViolation = violating(client, endpoint, onReport);
    const effects = judgeEffects(client, endpoint, call);
    if (!concernsOrders(client, endpoint)) {
      onViolation(effects);
      return undefined;
    }
    let orders: readonly IntendedOrder[];
    try {
      orders = readIntendedOrders(endpoint, singleOrderReader(endpoint, sent) ?? callParameters(call));
    } catch (error) {
      if (client.policyMode !== 'report' || !(error instanceof ProxyError)) throw error;
      onViolation([{ rule: 'unreadable', why: '' }]);
      return undefined;
    }
    onViolation(both(judgeOrders(client, orders), effects));
    const rules = client.order ?? {};
    if (!needsValues(rules) && !needsPrices(rules)) return { orders, values: [] };
    return andThen(lookAtMarket(rules, orders, client, onViolation), (seen) => {
      if (seen === undefined) return undefined;
      const { values, violations } = seen;
      const asked = client.approval?.outsideBand === true ? violations.filter(isOfBand) : NO_VIOLATIONS;
      const refused = asked.length === 0 ? violations : violations.filter((each) => !isOfBand(each));
      onViolation(both(judgeValues(rules, values), refused));
      return { orders, values, isOutsideBand: asked.length > 0 };
    });
  }

  return {
    judge: (client, endpoint, call, sent) =>
      concernsOrders(client, endpoint) || concernsEffects(client, endpoint)
        ? judge(client, endpoint, call, sent)
        : undefined,
    // A trial order is judged like a real one and places nothing that could count.
    reserve: (client, endpoint, judged, nowMs) =>
      (countsByDay(client.order) || countsByRate(client.order)) && !endpoint.path.endsWith('/test')
        ? rooms.take(client, judged, nowMs, violating(client, endpoint, onReport))
        : undefined,
    settle: (room, ending) => rooms.settle(room, ending),
    use: (client, nowMs) => rooms.use(client, nowMs),
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

function judgeEffects(client: Client, endpoint: Endpoint, call: Call): readonly Violation[] {
  return both(judgeTouchedSymbols(client, endpoint, call), judgeLeverage(client.order, endpoint, call));
}

function both(some: readonly Violation[], others: readonly Violation[]): readonly Violation[] {
  if (some.length === 0) return others;
  return others.length === 0 ? some : [...some, ...others];
}

function isOfBand({ rule }: Violation): boolean {
  return rule === 'order.priceBand';
}
