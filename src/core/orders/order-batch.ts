import { ProxyError } from '../errors.ts';
import { type JsonMember, jsonElements, jsonMembers } from '../json.ts';
import type { IntendedOrder } from './intended-order.ts';
import { optionalText, type ParameterReader, unreadable } from './order-parameters.ts';

/**
 * Every name that an element of a batch is documented to have. An element with any other name is refused: nobody
 * here could say what it would change about the order.
 */
const ELEMENT_NAMES: ReadonlySet<string> = new Set([
  ...['symbol', 'side', 'positionSide', 'type', 'timeInForce', 'goodTillDate', 'quantity', 'price'],
  ...['stopPrice', 'activationPrice', 'callbackRate', 'workingType', 'priceProtect', 'priceMatch'],
  ...['reduceOnly', 'closePosition', 'postOnly', 'isMmp', 'selfTradePreventionMode', 'newOrderRespType'],
  ...['newClientOrderId', 'clientOrderId', 'origClientOrderId', 'orderId', 'modifyId'],
  ...['recvWindow', 'timestamp'],
]);

/** The parameters that carry a batch: `batchOrders` on the futures, `orders` on options. */
const CARRIERS = ['batchOrders', 'orders'];

/**
 * Judges every element of a batch by itself.
 * @throws ProxyError PROXY_ORDER_REFUSED when an element cannot be read in only one way, or there is none
 */
export function batchedOrders(
  read: ParameterReader,
  readElement: (read: ParameterReader) => IntendedOrder,
): IntendedOrder[] {
  const orders: IntendedOrder[] = [];
  for (const carrier of CARRIERS) {
    const text = optionalText(read, carrier);
    if (text === undefined) continue;
    for (const members of batchMembers(text)) orders.push(readElement(elementReader(members)));
  }
  if (orders.length === 0) throw unreadable('the batch carries no order');
  return orders;
}

/**
 * The members of each order of a batch, in the order of the batch.
 * @throws ProxyError PROXY_ORDER_REFUSED when it is no list of plain objects with every name once
 */
export function batchMembers(text: string): JsonMember[][] {
  return strictly(() => jsonElements(text).map(jsonMembers));
}

function elementReader(element: readonly JsonMember[]): ParameterReader {
  const members = new Map<string, JsonMember>();
  for (const member of element) {
    if (!ELEMENT_NAMES.has(member.name)) throw unreadable('an order of the batch has an unknown name');
    if (member.kind === 'array' || member.kind === 'object')
      throw unreadable('an order of the batch holds a value that is neither text nor number');
    members.set(member.name, member);
  }
  return (name) => members.get(name)?.value;
}

/** What the JSON reader refuses as malformed is, here, an order that cannot be judged. */
function strictly<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ProxyError)
      throw unreadable('the batch is not plain JSON with every name once in each order');
    throw error;
  }
}
