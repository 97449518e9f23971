import { allPairs, type Call } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { batchParameter, ownIdNames } from '../orders/client-order-id.ts';
import { batchMembers } from '../orders/order-batch.ts';
import { unreadable } from '../orders/order-parameters.ts';

/** A parameter as it is read: its name and its decoded value. */
export type BoundPair = readonly [name: string, value: string];

/** Whose call it is, and where it goes. */
export interface BoundScope {
  readonly environment: string;
  readonly account: string;
  readonly client: string;
}

/**
 * What of a call an approval holds for: whose it is, where it goes, and every pair that will be signed but those that
 * date, sign and name it. Libraries make these anew for each try.
 */
export interface BoundCall extends BoundScope {
  readonly method: string;
  readonly path: string;
  /** Sorted by name; equal names keep their order. */
  readonly pairs: readonly BoundPair[];
  /** The orders of a batch one by one, each sorted by name; empty for any other call. */
  readonly elements: readonly (readonly BoundPair[])[];
}

/** What the parts of a call are read by. */
export type BoundEntrance = Pick<Endpoint, 'method' | 'path' | 'effect' | 'orderShape' | 'clientOrderIds'>;

const STAMP: ReadonlySet<string> = new Set(['timestamp', 'recvWindow', 'signature', 'apiKey']);
/** Ids that an app makes for a cancel within a cancelReplace, and for a transfer. */
const FURTHER_IDS: readonly string[] = ['cancelNewClientOrderId', 'clientTranId'];

/**
 * Reads a call as an approval binds it, whatever door it came by.
 * @throws ProxyError PROXY_ORDER_REFUSED when a parameter is no text: nobody could be shown it
 */
export function boundCall(scope: BoundScope, endpoint: BoundEntrance, call: Call): BoundCall {
  const ids = new Set([...idNames(endpoint), ...FURTHER_IDS]);
  const isBound = ([name]: BoundPair) => !STAMP.has(name) && !ids.has(name);
  const batch = batchOf(endpoint);
  const pairs: BoundPair[] = [];
  const elements: BoundPair[][] = [];
  for (const pair of allPairs(call)) {
    const value = decodedValue(pair);
    if (value === undefined) throw unreadable('a parameter is not valid UTF-8');
    if (pair.name !== batch) {
      pairs.push([pair.name, value]);
      continue;
    }
    for (const members of batchMembers(value))
      elements.push(sorted(members.map(({ name, value: text }): BoundPair => [name, text]).filter(isBound)));
  }
  const { environment, account, client } = scope;
  const { method, path } = endpoint;
  return { environment, account, client, method, path, pairs: sorted(pairs.filter(isBound)), elements };
}

/** Names that the call gives its own orders; the names of other orders are part of what is asked for. */
function idNames(endpoint: BoundEntrance): readonly string[] {
  if (endpoint.effect === 'place') return ownIdNames(endpoint);
  return endpoint.effect === 'amend' ? ['newClientOrderId'] : [];
}

function batchOf({ path, orderShape }: BoundEntrance): string | undefined {
  return orderShape === 'batch' || orderShape === 'amend-batch' ? batchParameter(path) : undefined;
}

function sorted(pairs: readonly BoundPair[]): BoundPair[] {
  return pairs.toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}
