import type { Client, OrderRules } from '../../core/access/client.ts';
import { ProxyError } from '../../core/errors.ts';
import { type LimitUse, OrderRates, type RateEntry } from '../../core/limits/order-rates.ts';
import type { IntendedOrder } from '../../core/orders/intended-order.ts';
import type { Notional } from '../../core/orders/notional.ts';
import { countsByDay, countsByRate, dayClaim } from '../../core/orders/order-rules.ts';
import type { NotionalLedger, Reservation } from '../day-ledger.ts';
import type { OnViolation } from './on-violation.ts';

/** Room in the client's rates and in its day that an admitted call holds until it is settled. */
export interface OrderRoom {
  /** The name of the client. */
  readonly client: string;
  readonly rates: RateEntry | undefined;
  readonly reservation: Reservation | undefined;
}

/** How a call ended. What was not sent frees its room; what Binance refused still counts in the rates. */
export type OrderOutcome = 'accepted' | 'refused' | 'unknown' | 'not-sent';

/** The orders that a call would place, as the rules read and valued them. */
export interface JudgedOrders {
  readonly orders: readonly IntendedOrder[];
  /** What each is worth, in their order; undefined for an exit. Empty when no rule asks for values. */
  readonly values: readonly (Notional | undefined)[];
  /** True when the price band would have refused one, and its client has that asked for instead. */
  readonly isOutsideBand?: boolean;
}

/** The counted limits of clients: rates in memory, the day in its ledger. */
export class OrderRooms {
  readonly #rates = new OrderRates();
  readonly #ledger: NotionalLedger;
  readonly #monotonicNow: () => number;

  /** @param monotonicNow rates are counted by it, so that a clock that is set neither empties nor fills them */
  constructor(ledger: NotionalLedger, monotonicNow: () => number) {
    this.#ledger = ledger;
    this.#monotonicNow = monotonicNow;
  }

  /** Takes all of it or nothing. What is only reported takes no room where it breaks a rule. */
  take(
    client: Client,
    judged: JudgedOrders,
    nowMs: number,
    onViolation: OnViolation,
  ): OrderRoom | Promise<OrderRoom> {
    const rules = client.order ?? {};
    const rates = this.#takeRates(client.name, rules, judged.orders, onViolation);
    if (!countsByDay(rules)) return { client: client.name, rates, reservation: undefined };
    return this.#takeDay(client.name, rules, judged, nowMs, onViolation).then(
      (reservation) => ({ client: client.name, rates, reservation }),
      (error) => {
        this.#giveBack(client.name, rates);
        throw error;
      },
    );
  }

  settle({ client, rates, reservation }: OrderRoom, ending: OrderOutcome): void {
    if (ending === 'not-sent') this.#giveBack(client, rates);
    if (reservation === undefined) return;
    if (ending === 'refused' || ending === 'not-sent') this.#ledger.refund(reservation);
    else this.#ledger.keep(reservation);
  }

  /** Which part of each counted limit a client uses. */
  use({ name, order = {} }: Client, nowMs: number): readonly LimitUse[] {
    return [...this.#rates.use(name, order, this.#monotonicNow()), ...this.#ledger.use(name, order, nowMs)];
  }

  #takeRates(
    client: string,
    rules: OrderRules,
    orders: readonly IntendedOrder[],
    onViolation: OnViolation,
  ): RateEntry | undefined {
    if (!countsByRate(rules)) return undefined;
    const taken = this.#rates.take(client, rules, orders, this.#monotonicNow());
    if (!('refusedBy' in taken)) return taken;
    onViolation(taken.refusedBy);
    return undefined;
  }

  async #takeDay(
    client: string,
    rules: OrderRules,
    { orders, values }: JudgedOrders,
    nowMs: number,
    onViolation: OnViolation,
  ): Promise<Reservation | undefined> {
    try {
      const answer = await this.#ledger.reserve(dayClaim(client, orders, values), rules, nowMs);
      if ('reservation' in answer) return answer.reservation;
      const what = answer.refusedBy === 'order.maxPerDay' ? 'the number' : 'the value';
      const why = `${what} of its orders in 24 hours would pass the limit`;
      onViolation([{ rule: answer.refusedBy, why }]);
    } catch (error) {
      if (error instanceof ProxyError) throw error;
      onViolation([{ rule: 'ledger', why: 'the sums of the day cannot be recorded' }], error);
    }
    return undefined;
  }

  #giveBack(client: string, rates: RateEntry | undefined): void {
    if (rates !== undefined) this.#rates.giveBack(client, rates, this.#monotonicNow());
  }
}
