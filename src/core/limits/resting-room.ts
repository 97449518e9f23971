import { type Call, findPair } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { CONVERT, type IntendedOrder } from '../orders/intended-order.ts';
import type { SocketFamily } from '../upstream.ts';

/** The product on whose user data stream an order of this endpoint is told; undefined where no stream tells of it. */
export function productOf({ upstream, path }: Pick<Endpoint, 'upstream' | 'path'>): SocketFamily | undefined {
  if (upstream === 'usdm' || upstream === 'coinm') return upstream;
  return upstream === 'spot' && path.startsWith('/api/') ? 'spot' : undefined;
}

/** How many of these orders may come to rest: each but those that only take what the book has. */
export function restingOf(orders: readonly IntendedOrder[]): number {
  return orders.filter(({ isAmendment, type }) => !isAmendment && type !== 'MARKET' && type !== CONVERT)
    .length;
}

/** The order that a cancelReplace takes away before it places another; undefined where that may fail and it places all the same. */
export function replacedBy(
  { orderShape }: Pick<Endpoint, 'orderShape'>,
  call: Call,
): { readonly orderId: string | undefined; readonly clientOrderId: string | undefined } | undefined {
  if (orderShape !== 'cancel-replace' || textOf(call, 'cancelReplaceMode') !== 'STOP_ON_FAILURE')
    return undefined;
  return {
    orderId: textOf(call, 'cancelOrderId'),
    clientOrderId: textOf(call, 'cancelOrigClientOrderId'),
  };
}

function textOf(call: Call, name: string): string | undefined {
  const pair = findPair(call, name);
  const text = pair === undefined ? undefined : decodedValue(pair);
  return text === '' ? undefined : text;
}
