import type { Client } from '../core/access/client.ts';
import { approvalDigest } from '../core/approvals/approval-digest.ts';
import { type BoundCall, boundCall } from '../core/approvals/bound-call.ts';
import { approvalCard } from '../core/approvals/card.ts';
import { middleOf } from '../core/approvals/drift.ts';
import { isTransfer } from '../core/approvals/transfer.ts';
import { type ValuedOrder, withinReach } from '../core/approvals/valued-order.ts';
import {
  type AskingRule,
  isAskedByWorth,
  isWorthAsking,
  type JudgedCall,
  whyAlwaysAsked,
} from '../core/approvals/why-asked.ts';
import type { Decimal } from '../core/decimal.ts';
import { ProxyError } from '../core/errors.ts';
import { MINUTE_MS } from '../core/intervals.ts';
import type { BestPrices } from '../core/orders/book.ts';
import { Unvaluable } from '../core/orders/notional.ts';
import { callParameters, readIntendedOrders } from '../core/orders/read-orders.ts';
import { isReducing } from '../core/orders/reduces.ts';
import { isSecretName, printableText } from '../core/records/redact.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import type { PriceBook } from '../orders/price-book.ts';
import { valueOrder } from '../orders/value-order.ts';
import { unshowable, unvaluable } from './approval-refusals.ts';
import type { Ask } from './approval-ticket.ts';
import type { Asking } from './asking.ts';
import type { News } from './news.ts';

export interface ReadAskDeps {
  readonly priceBook: Pick<PriceBook, 'instrument' | 'bestPrices' | 'depth'>;
  /** What no card and no record may show. */
  readonly secretMask: () => SecretMask;
  readonly news: News;
}

/** What is asked for, with the books of now, or that nothing is; `judged` tells what was looked at. */
export type ReadAsk =
  | { readonly judged: JudgedCall; readonly ask: Ask; readonly books: Books }
  | { readonly judged: JudgedCall; readonly ask: undefined };

const ORDER_TIMES = { decideMs: 3 * MINUTE_MS, useMs: MINUTE_MS };
const TRANSFER_TIMES = { decideMs: 15 * MINUTE_MS, useMs: 10 * MINUTE_MS };
/** A transfer names a memo at most this long; a batch is seen element by element. */
const LONGEST_VALUE = 512;

type Values = readonly (ValuedOrder | undefined)[];

/**
 * Reads whether a call waits for a yes, and all that a person has to know of it.
 * @throws ProxyError PROXY_ORDER_REFUSED for what nobody can value or be shown; a refusal of the look-up's own budget
 */
export async function readAsk(deps: ReadAskDeps, asking: Asking): Promise<ReadAsk> {
  const { client, endpoint, call, isOutsideBand } = asking;
  const orders = readIntendedOrders(endpoint, callParameters(call));
  const unvalued = { client, endpoint, call, orders, isOutsideBand };
  const always = whyAlwaysAsked(unvalued);
  if (always === undefined && !isAskedByWorth(unvalued))
    return { judged: { ...unvalued, values: [] }, ask: undefined };
  const values = await valueAll(deps, orders, client).catch((error: unknown) => {
    if (always === undefined) throw valueless(error);
    return undefined;
  });
  const judged: JudgedCall = { ...unvalued, values: (values ?? []).map((valued) => valued?.value) };
  const rule = always ?? (isWorthAsking(judged) ? 'approval.above' : undefined);
  if (rule === undefined) return { judged, ask: undefined };
  const scope = { environment: asking.environment, account: asking.account, client: client.name };
  const bound = boundCall(scope, endpoint, call);
  assertShowable(bound, deps.secretMask());
  const books = await readBooks(deps, orders, client);
  return { judged, books, ask: makeAsk(deps, asking, { judged, bound, rule, values, books }) };
}

/** The books of the symbols of a call, all of one market. */
export interface Books {
  readonly bySymbol: ReadonlyMap<string, BestPrices>;
  /** The middle of each that has one. */
  readonly middles: ReadonlyMap<string, Decimal>;
  /** Why one of them could not be read. */
  readonly trouble: unknown;
}

/** Reads the book of every symbol anew: what it says decides whether the prices of an ask still hold. */
export async function readBooks(
  { priceBook }: Pick<ReadAskDeps, 'priceBook'>,
  orders: Ask['intended'],
  causedBy: Client,
): Promise<Books> {
  const bySymbol = new Map<string, BestPrices>();
  const middles = new Map<string, Decimal>();
  let trouble: unknown;
  for (const { market, symbol } of orders) {
    if (symbol === undefined || bySymbol.has(symbol)) continue;
    try {
      const best = await priceBook.bestPrices(market, symbol, causedBy);
      bySymbol.set(symbol, best);
      const middle = middleOf(best);
      if (middle !== undefined) middles.set(symbol, middle);
    } catch (error) {
      trouble = error;
    }
  }
  return { bySymbol, middles, trouble };
}

interface Parts {
  readonly judged: JudgedCall;
  readonly bound: BoundCall;
  readonly rule: AskingRule;
  readonly values: Values | undefined;
  readonly books: Books;
}

function makeAsk(deps: ReadAskDeps, asking: Asking, parts: Parts): Ask {
  const { judged, bound, rule, values, books } = parts;
  const { client, endpoint, orders: intended } = judged;
  const digest = approvalDigest(bound);
  const times = isTransfer(endpoint) ? TRANSFER_TIMES : ORDER_TIMES;
  return {
    requestId: asking.requestId,
    client,
    account: asking.account,
    upstream: endpoint.upstream,
    bound,
    digest,
    leniency: isTransfer(endpoint) ? 'transfer' : intended.length > 0 ? 'orders' : 'none',
    rule,
    permission: endpoint.permission,
    symbols: new Set(intended.flatMap(({ symbol }) => symbol ?? [])),
    sentOrders: asking.sentOrders,
    intended,
    orders: values ?? [],
    isUnvalued: values === undefined,
    middles: books.middles,
    card: approvalCard({ judged, bound, digest, rule, books: books.bySymbol, news: deps.news.of(judged) }),
    decideMs: client.approval?.decideMs ?? times.decideMs,
    useMs: client.approval?.useMs ?? times.useMs,
  };
}

function valueAll({ priceBook }: ReadAskDeps, orders: Ask['intended'], causedBy: Client): Promise<Values> {
  return Promise.all(
    orders.map((order) =>
      isReducing(order) ? undefined : valueOrder(priceBook, order, causedBy).then(withinReach),
    ),
  );
}

/** The refusal of what cannot be held against its limits; no room for the look-up is a matter of waiting. */
export function valueless(error: unknown): ProxyError {
  if (error instanceof ProxyError && error.retryAfterSeconds !== undefined) return error;
  const why = error instanceof Unvaluable ? error.message : 'the market could not be asked';
  return unvaluable(why, error);
}

/** @throws ProxyError PROXY_ORDER_REFUSED: a yes to what was not shown whole is none */
function assertShowable({ pairs, elements }: BoundCall, secretMask: SecretMask): void {
  for (const [name, value] of [...pairs, ...elements.flat()]) {
    if (isSecretName(name) || printableText(name, secretMask) !== name) throw unshowable();
    if (printableText(value, secretMask, LONGEST_VALUE) !== value) throw unshowable();
  }
}
