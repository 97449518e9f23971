import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { type Decimal, readDecimal } from '../core/decimal.ts';
import { readOrderAnswers } from '../core/outcome/order-answer.ts';
import { RecentMap } from '../core/recent-map.ts';
import type { SentOrder } from '../core/records/sent-orders.ts';

/** An order that was placed through the proxy. */
export interface KnownOrder {
  readonly client: string;
  readonly account: string;
  readonly upstream: string;
  readonly path: string;
  readonly symbol: string;
  readonly isIsolated: boolean;
  /** As the client wrote it. */
  quantity: string | undefined;
  readonly price: string | undefined;
}

/** How an order is named in a list of open ones, or in an amendment. */
export interface OrderHandle {
  readonly account: string;
  readonly upstream: string;
  readonly symbol: string;
  readonly clientOrderIds: readonly string[];
  readonly orderId?: string | undefined;
}

/** A call that placed or amended orders, and what came of it. */
export interface SettledOrders {
  readonly client: string;
  readonly account: string;
  readonly endpoint: Pick<Endpoint, 'upstream' | 'path' | 'effect'>;
  readonly orders: readonly SentOrder[];
  /** Every client order id of the call, that of a list first. */
  readonly clientOrderIds: readonly string[];
  /** Undefined where no answer came. */
  readonly bodyText: string | undefined;
}

const MOST_KEYS = 25_000;
const MOST_DIGITS = 70;
const OWN_ID = /^(?:newClientOrderId|clientOrderId|clientAlgoId|newClientStrategyId|\w+ClientOrderId)$/;
const OTHER_ID = /^(?:orig|cancel)/;

/** The orders of this process, and those that were read from the audit: the last ones, a bounded number. */
export class KnownOrders {
  readonly #orders = new RecentMap<string, KnownOrder>(MOST_KEYS);

  /** Two names that lead to different orders name none. */
  find({ account, upstream, symbol, clientOrderIds, orderId }: OrderHandle): KnownOrder | undefined {
    const names = clientOrderIds.map((id) => `c:${id}`);
    if (orderId !== undefined) names.push(`o:${orderId}`);
    const found = names.map((name) => this.#orders.get(`${account} ${upstream} ${symbol} ${name}`));
    return found.every((each) => each === found[0]) ? found[0] : undefined;
  }

  /** The order of which any of these names is known. */
  findAny({ account, upstream, symbol, clientOrderIds, orderId }: OrderHandle): KnownOrder | undefined {
    const names = clientOrderIds.map((id) => `c:${id}`);
    if (orderId !== undefined) names.push(`o:${orderId}`);
    for (const name of names) {
      const found = this.#orders.get(`${account} ${upstream} ${symbol} ${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  values(): readonly KnownOrder[] {
    return [...new Set(this.#orders.values())];
  }

  /** Notes what a call placed or amended, or may have. */
  note(settled: SettledOrders): void {
    if (settled.endpoint.effect === 'amend') this.#noteAmended(settled);
    else this.#notePlaced(settled);
  }

  #notePlaced({ client, account, endpoint, orders, clientOrderIds, bodyText }: SettledOrders): void {
    const { upstream, path } = endpoint;
    const answers = bodyText === undefined ? [] : readOrderAnswers(bodyText);
    const isOne = orders.length === 1;
    for (const [index, sent] of orders.entries()) {
      const symbol = (sent.symbol ?? '').toUpperCase();
      const order: KnownOrder = {
        ...{ client, account, upstream, path, symbol },
        isIsolated: sent.isIsolated?.toUpperCase() === 'TRUE',
        quantity: numberText(sent.quantity),
        price: numberText(sent.price),
      };
      const ids = isOne ? clientOrderIds : idsOf(sent);
      const answer =
        answers.find((each) => each.clientOrderId !== undefined && ids.includes(each.clientOrderId)) ??
        (answers.length === orders.length ? answers[index] : undefined);
      const names = ids.map((id) => `c:${id}`);
      if (answer?.orderId !== undefined) names.push(`o:${answer.orderId}`);
      for (const name of names) this.#orders.set(`${account} ${upstream} ${symbol} ${name}`, order);
    }
    // What names the whole list stands in none of its orders.
    const [first] = orders;
    if (first === undefined || isOne) return;
    const symbol = (first.symbol ?? '').toUpperCase();
    const isIsolated = first.isIsolated?.toUpperCase() === 'TRUE';
    const list: KnownOrder = {
      ...{ client, account, upstream, path, symbol, isIsolated },
      quantity: undefined,
      price: undefined,
    };
    for (const id of clientOrderIds) {
      const key = `${account} ${upstream} ${symbol} c:${id}`;
      if (!this.#orders.has(key)) this.#orders.set(key, list);
    }
  }

  #noteAmended({ account, endpoint, orders }: SettledOrders): void {
    for (const sent of orders) {
      const order = this.find(handleOf(account, endpoint.upstream, sent));
      const quantity = numberText(sent.newQty ?? sent.quantity);
      if (order !== undefined && decimalOf(quantity) !== undefined) order.quantity = quantity;
    }
  }
}

/** How an amendment names the order that it changes. */
export function handleOf(account: string, upstream: string, sent: SentOrder): OrderHandle {
  const { symbol = '', origClientOrderId, orderId } = sent;
  const clientOrderIds = origClientOrderId === undefined ? [] : [origClientOrderId];
  return { account, upstream, symbol: symbol.toUpperCase(), clientOrderIds, orderId };
}

/** A text that may be a number of Binance's; longer ones are not kept. */
function numberText(text: string | undefined): string | undefined {
  return text !== undefined && text.length <= MOST_DIGITS ? text : undefined;
}

export function decimalOf(text: string | undefined): Decimal | undefined {
  return text === undefined ? undefined : readDecimal(text);
}

function idsOf(sent: SentOrder): readonly string[] {
  return Object.entries(sent)
    .filter(([name, value]) => OWN_ID.test(name) && !OTHER_ID.test(name) && value !== '')
    .map(([, value]) => value);
}
