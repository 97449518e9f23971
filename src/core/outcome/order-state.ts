import { type OrderAnswer, readOrderAnswer, readOrderRows } from './order-answer.ts';
import type { OrderQuery } from './order-query.ts';

/**
 * What became of an order. executed: some or all of it was filled (or a conditional order fired); resting: accepted
 * and still alive; ended: accepted, then cancelled or expired without a fill; rejected: refused by the engine.
 */
export type OrderState = 'executed' | 'resting' | 'ended' | 'rejected';

/** missing: Binance knows no such order; inconclusive: the answer does not tell; done: the list is over. */
export type OrderStateReading =
  | { readonly kind: 'found'; readonly state: OrderState; readonly order: OrderAnswer }
  | { readonly kind: 'done'; readonly order: OrderAnswer }
  | { readonly kind: 'missing' }
  | { readonly kind: 'inconclusive'; readonly code: number | undefined };

/** A query for an unknown order list gets -2018 (undocumented, binance-spot-api-docs pull request 43). */
const MISSING_CODES: ReadonlySet<number> = new Set([-2013, -2018]);
const MISSING_TEXT = /\b(?:does not exist|not found)\b/i;

const REJECTED: ReadonlySet<string> = new Set(['REJECTED', 'REJECT']);
const OVER: ReadonlySet<string> = new Set([
  'CANCELED',
  'CANCELLED',
  'EXPIRED',
  'EXPIRED_IN_MATCH',
  'FINISHED',
]);
/** A conditional order that fired is executed. The order that it placed has an id of its own. */
const FIRED: ReadonlySet<string> = new Set(['FILLED', 'TRIGGERING', 'TRIGGERED']);

/** Reads the answer to an {@link OrderQuery}. */
export function readOrderState(query: OrderQuery, status: number, bodyText: string): OrderStateReading {
  if (status !== 200) {
    const { code, msg } = readOrderAnswer(bodyText);
    const says = status === 400 || status === 404;
    const missing =
      says &&
      code !== undefined &&
      (MISSING_CODES.has(code) || (msg !== undefined && MISSING_TEXT.test(msg)));
    return missing ? { kind: 'missing' } : { kind: 'inconclusive', code };
  }
  if (query.reading === 'scan') {
    const rows = readOrderRows(bodyText);
    if (rows === undefined) return { kind: 'inconclusive', code: undefined };
    const row = rows.find(({ clientOrderId }) => clientOrderId === query.clientOrderId);
    return row === undefined ? { kind: 'missing' } : found(row);
  }
  const order = readOrderAnswer(bodyText);
  if (order.status === undefined) return { kind: 'inconclusive', code: order.code };
  if (query.reading === 'list' && order.status === 'ALL_DONE') return { kind: 'done', order };
  return found(order);
}

/** The state of a list that is over, from its orders: one fill makes it executed. */
export function stateOfList(legs: readonly OrderState[]): OrderState {
  for (const state of ['executed', 'resting', 'ended'] as const) if (legs.includes(state)) return state;
  return 'rejected';
}

function found(order: OrderAnswer): OrderStateReading {
  return { kind: 'found', state: stateOf(order), order };
}

/** A status that is not known here is taken for resting: the order exists and may not be over. */
function stateOf({ status = '', executedQty }: OrderAnswer): OrderState {
  if (REJECTED.has(status)) return 'rejected';
  if (FIRED.has(status)) return 'executed';
  if (OVER.has(status)) return isFilled(executedQty) || status === 'FINISHED' ? 'executed' : 'ended';
  return 'resting';
}

/** True for a decimal text that is not zero. Looks at the digits and uses no float. */
function isFilled(quantity: string | undefined): boolean {
  return quantity !== undefined && /[1-9]/.test(quantity.replace(/e.*$/i, ''));
}
