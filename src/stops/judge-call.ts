import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError, STOPPED_WHOLLY } from '../core/errors.ts';
import type { KnownCall } from '../core/orders/reduces.ts';
import { addsNothing } from '../core/orders/reduces.ts';
import { type SentOrder, sentOrders } from '../core/records/sent-orders.ts';
import { decimalOf, handleOf, type KnownOrders } from './known-orders.ts';
import { type StateEntry, scopeText } from './trading-state.ts';

/** A call of an app, as it would leave. */
export interface JudgedCall extends KnownCall {
  readonly account: string | undefined;
}

/** All that an amendment may say that only lowers a quantity. Side and position side repeat what the order is. */
const LOWERING_FIELDS: ReadonlySet<string> = new Set([
  ...['symbol', 'side', 'positionSide', 'orderId', 'origClientOrderId', 'newClientOrderId'],
  ...['quantity', 'newQty', 'price'],
]);

/** The refusal of a call by the state that holds for it; undefined when it may pass. */
export function judgeByState(
  entry: StateEntry,
  judged: JudgedCall,
  known: KnownOrders,
): ProxyError | undefined {
  const { endpoint } = judged;
  if (entry.state === 'run' || endpoint.permission === 'market-data') return undefined;
  const isOrder = endpoint.effect === 'place' || endpoint.effect === 'amend';
  if (entry.state === 'halt') {
    if (keepsStreamAlive(endpoint)) return undefined;
    return stopped(entry, !isOrder);
  }
  if (changesNothingThatMatters(endpoint)) return undefined;
  if (endpoint.effect === 'amend' && onlyLowers(judged, known)) return undefined;
  if (entry.state === 'reduce-only' && endpoint.effect === 'place' && addsNothing(judged)) return undefined;
  return stopped(entry, false);
}

/** A private stream that is opened under a halt; one that is open stays. */
export function judgeOpening(entry: StateEntry): ProxyError | undefined {
  return entry.state === 'halt' ? stopped(entry, true) : undefined;
}

function keepsStreamAlive({ securityType, method }: Endpoint): boolean {
  return securityType === 'USER_STREAM' && method === 'PUT';
}

function changesNothingThatMatters({ touches, effect }: Endpoint): boolean {
  return touches === undefined || touches === 'nothing' || effect === 'cancel';
}

/** Every order of the amendment is known, gets a lower quantity and keeps its price. */
function onlyLowers({ endpoint, call, account }: JudgedCall, known: KnownOrders): boolean {
  if (account === undefined) return false;
  let orders: readonly SentOrder[];
  try {
    orders = sentOrders(endpoint, call);
  } catch (error) {
    if (error instanceof ProxyError) return false;
    throw error;
  }
  return orders.length > 0 && orders.every((sent) => lowers(sent, account, endpoint.upstream, known));
}

function lowers(sent: SentOrder, account: string, upstream: string, known: KnownOrders): boolean {
  if (!Object.keys(sent).every((name) => LOWERING_FIELDS.has(name))) return false;
  const order = known.find(handleOf(account, upstream, sent));
  const quantity = decimalOf(sent.newQty ?? sent.quantity);
  const placed = decimalOf(order?.quantity);
  if (placed === undefined || quantity === undefined) return false;
  if (sent.newQty !== undefined && sent.quantity !== undefined) return false;
  if (!quantity.gt(0) || !quantity.lt(placed)) return false;
  if (sent.price === undefined) return true;
  const price = decimalOf(sent.price);
  return price !== undefined && decimalOf(order?.price)?.eq(price) === true;
}

const PASSES = {
  'reduce-only': 'Cancels, reads and orders that only reduce a futures position pass',
  'cancel-only': 'Cancels and reads pass',
  halt: 'Only public market data passes',
} as const;

function stopped(entry: StateEntry, isWholly: boolean): ProxyError {
  const { state, kind, operator, reason } = entry;
  const passes = state === 'run' ? '' : ` ${PASSES[state]} until an operator lets it run.`;
  return new ProxyError(
    'PROXY_STOPPED',
    `Stopped: ${scopeText(entry)} is ${state}, set by ${operator}: ${reason}.${passes}`,
    { rule: `state ${state} of ${kind}`, ...(isWholly ? { answer: STOPPED_WHOLLY } : {}) },
  );
}
