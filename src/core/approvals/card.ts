import type { Client } from '../access/client.ts';
import { encodeComponent } from '../call/form.ts';
import { type Decimal, ExactDecimal } from '../decimal.ts';
import type { BestPrices } from '../orders/book.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';
import { digestPairs } from './approval-digest.ts';
import type { BoundCall, BoundPair } from './bound-call.ts';
import { TOLERANCE } from './same-or-less.ts';
import { type AskingRule, type JudgedCall, sumsOf } from './why-asked.ts';

/** What a person is shown before the yes: words and numbers, and the whole of what they are about. */
export interface ApprovalCard {
  /** One sentence: who wants what, and what it is worth. */
  readonly words: string;
  /** What a decision needs beside it, one sentence each. */
  readonly facts: readonly string[];
  /** Every parameter that the yes holds for. */
  readonly parameters: string;
  /** The first 8 pairs of the digest. */
  readonly digestPairs: string;
}

/** What is known of an asked call beside itself. */
export interface CardFacts {
  readonly judged: JudgedCall;
  readonly bound: BoundCall;
  readonly digest: string;
  readonly rule: AskingRule;
  /** The book of each symbol at the asking. */
  readonly books: ReadonlyMap<string, BestPrices>;
  /** What this client has not asked for since the proxy started. */
  readonly news: readonly string[];
}

const WHY: Readonly<Record<AskingRule, string>> = {
  'approval.permissions': 'calls of its permission are always asked for',
  'approval.symbols': 'its symbol is always asked for',
  'approval.outsideBand': 'its price is outside the price band',
  'approval.above': 'it is worth more than passes without a yes',
};

export function approvalCard(facts: CardFacts): ApprovalCard {
  const { judged, bound, digest, rule, books, news } = facts;
  const { client } = judged;
  const rules = client.approval;
  const percent = new ExactDecimal(TOLERANCE).times(100);
  const bookLines = [...books].map(
    ([symbol, { bid, ask }]) => `Book of ${symbol} now: bid ${bid.toFixed()}, ask ${ask.toFixed()}.`,
  );
  return {
    words: `${client.name} wants to ${deed(facts)}.`,
    facts: [
      `Account ${bound.account}, environment ${bound.environment}: ${bound.method} ${bound.path}.`,
      `It is asked because ${WHY[rule]}.`,
      ...bookLines,
      ...shares(judged),
      ...news.map((one) => `New since the proxy started: ${one}.`),
      `A yes holds for one call: the same, or less, up to ${percent.toFixed()} % larger or at a worse price.`,
      ...(books.size === 0 || rules === undefined
        ? []
        : [`It ends when the book moves by ${percentOf(new ExactDecimal(rules.maxDrift))} %.`]),
    ],
    parameters: parametersOf(bound),
    digestPairs: digestPairs(digest),
  };
}

/** All pairs as one text; those of a batch's orders with their place in front. */
export function parametersOf({ pairs, elements }: BoundCall): string {
  const spelt = ([name, value]: BoundPair) => `${name}=${encodeComponent(value)}`;
  const ofBatch = elements.flatMap((element, index) => element.map((pair) => `${index + 1}:${spelt(pair)}`));
  return [...pairs.map(spelt), ...ofBatch].join('&');
}

function deed({ judged, bound, books }: CardFacts): string {
  const { orders } = judged;
  const worth = worthOf(judged);
  const [first] = orders;
  if (first === undefined) {
    return worth === undefined
      ? `call ${bound.method} ${bound.path}`
      : `move ${worth} (${bound.method} ${bound.path})`;
  }
  const value = worth === undefined ? 'of unknown worth' : `worth ${worth}`;
  if (orders.length === 1)
    return `${orderWords(first)}, ${value}${limitShare(judged)}${distance(first, books)}`;
  const each = orders.map((order, index) => `${index + 1}. ${orderWords(order)}${distance(order, books)}`);
  return `place ${orders.length} orders, ${value} together: ${each.join('; ')}`;
}

function orderWords(order: IntendedOrder): string {
  const { side, quantity, quoteQuantity, symbol, type, prices, isAmendment } = order;
  const much = quantity?.toFixed() ?? (quoteQuantity === undefined ? '' : `for ${quoteQuantity.toFixed()}`);
  const at = prices.length === 0 ? '' : `at ${prices.map((price) => price.toFixed()).join(' / ')}`;
  const words = [isAmendment ? 'amend to' : '', side ?? '', much, symbol ?? '', type ?? '', at];
  return words.filter((word) => word !== '').join(' ');
}

function worthOf(judged: JudgedCall): string | undefined {
  const sums = sumsOf(judged);
  if (sums === undefined || sums.size === 0) return undefined;
  return [...sums].map(([asset, amount]) => `${amount.toFixed()} ${asset}`).join(' and ');
}

/** Of a single order: the part of its own limit that it takes. */
function limitShare({ client, values }: JudgedCall): string {
  const [value] = values;
  const limit = value && client.order?.maxNotional?.get(value.asset);
  if (value === undefined || limit === undefined) return '';
  return ` = ${percentOf(value.amount.div(limit))} % of its limit per order`;
}

function shares(judged: JudgedCall): string[] {
  const perDay: Client['order'] = judged.client.order;
  const sums = sumsOf(judged) ?? new Map<string, Decimal>();
  return [...sums].flatMap(([asset, amount]) => {
    const limit = perDay?.maxNotionalPerDay?.get(asset);
    return limit === undefined ? [] : `That is ${percentOf(amount.div(limit))} % of its limit per day.`;
  });
}

/** How far the price of an order lies from the side of the book that it meets. */
function distance(order: IntendedOrder, books: CardFacts['books']): string {
  const book = order.symbol === undefined ? undefined : books.get(order.symbol);
  const [price] = order.prices;
  if (book === undefined || price === undefined || order.side === undefined) return '';
  const [met, name] = order.side === 'BUY' ? [book.ask, 'ask'] : [book.bid, 'bid'];
  if (!met.gt(0)) return '';
  const away = price.minus(met).div(met);
  if (away.isZero()) return `, at the ${name}`;
  return `, ${percentOf(away.abs())} % ${away.isNegative() ? 'below' : 'above'} the ${name}`;
}

function percentOf(fraction: Decimal): string {
  return fraction.times(100).toSignificantDigits(3).toFixed();
}
