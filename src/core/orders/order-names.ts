import { allPairs, type Call, findPair } from '../call/call.ts';
import { decodedValue, rawValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { jsonElements, jsonMembers } from '../json.ts';
import { batchParameter, ownIdNames } from './client-order-id.ts';

/** By what an account knows an order again: its client order id, which is unique among those of its symbol. */
export interface OrderName {
  /** In capitals; empty where the order names none. */
  readonly symbol: string;
  readonly clientOrderId: string;
}

/** The names that a placing call gives its orders, as far as they stand in it; none for any other call. */
export function orderNames(endpoint: Endpoint, call: Call): readonly OrderName[] {
  if (endpoint.effect !== 'place') return [];
  const names = ownIdNames(endpoint);
  if (endpoint.orderShape === 'batch') return batchNames(endpoint.path, names, call);
  const found: OrderName[] = [];
  let symbol: string | undefined;
  for (const pair of allPairs(call)) {
    if (!names.includes(pair.name) || rawValue(pair) === '') continue;
    symbol ??= symbolOf(call);
    found.push({ symbol, clientOrderId: decodedValue(pair) ?? rawValue(pair) });
  }
  return found;
}

function symbolOf(call: Call): string {
  const pair = findPair(call, 'symbol');
  return (pair === undefined ? '' : (decodedValue(pair) ?? '')).toUpperCase();
}

/** A batch that cannot be read has no names here: its own judges refuse it. */
function batchNames(path: string, names: readonly string[], call: Call): readonly OrderName[] {
  const batch = findPair(call, batchParameter(path));
  const text = batch === undefined ? undefined : decodedValue(batch);
  if (text === undefined) return [];
  try {
    return jsonElements(text).flatMap((element) => {
      const members = jsonMembers(element);
      const symbol = members.find(({ name }) => name === 'symbol')?.value.toUpperCase() ?? '';
      return members
        .filter(({ name, value }) => names.includes(name) && value !== '')
        .map(({ value }) => ({ symbol, clientOrderId: value }));
    });
  } catch {
    return [];
  }
}
