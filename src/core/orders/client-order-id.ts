import { type Call, findPair } from '../call/call.ts';
import { decodedValue, type Pair, rawValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { identifyBatch } from './batch-ids.ts';
import { LEG_IDS, LEG_MARKS } from './leg-ids.ts';

/** A call whose every order has a client order id, and these ids in order: a list's own id first, then its legs. */
export interface IdentifiedCall {
  readonly call: Call;
  readonly ids: readonly string[];
}

const REQUEST_ID = /^[0-9a-z]{1,24}$/;

/** Names that identify the order itself or a whole list. Anything else (`origClientOrderId`) names another order. */
const LIST_ID = 'listClientOrderId';
const OWN_NAMES: ReadonlySet<string> = new Set([
  LIST_ID,
  'newClientOrderId',
  'clientOrderId',
  'clientAlgoId',
  'newClientStrategyId',
  ...LEG_IDS,
]);

/** Legs that Binance lets out: without its type such a leg does not exist, and its id would be refused (-1106). */
const OPTIONAL_LEGS: ReadonlyMap<string, string> = new Map([
  ['pendingBelowClientOrderId', 'pendingBelowType'],
]);

/** Doors whose ids have a length of their own: algo orders 32, stocks 32 to 36. */
const FIXED_LENGTH = /^\/sapi\/v\d+\/(?:algo|equity)\//;

/**
 * Adds a client order id for every order of a placing call that has none, so that an unknown outcome can be queried.
 * An id that the app gave is never changed; an empty one is none and is filled in at its own place. The ids fit the
 * narrowest of Binance's patterns (`^[a-zA-Z0-9-_]{1,32}$`) and carry the request id.
 * @throws ProxyError PROXY_MALFORMED_REQUEST, PROXY_DUPLICATE_PARAMETER: a batch that is no array of flat objects
 * @throws TypeError the request id does not fit into an order id
 */
export function injectClientOrderIds(endpoint: Endpoint, call: Call, requestId: string): IdentifiedCall {
  if (endpoint.effect !== 'place') return { call, ids: [] };
  if (!REQUEST_ID.test(requestId)) throw new TypeError('a request id must be 1 to 24 characters of [0-9a-z]');
  if (endpoint.orderShape === 'batch') return injectIntoBatch(endpoint, call, requestId);
  const ids: string[] = [];
  let identified = call;
  for (const name of ownIdNames(endpoint)) {
    const given = findPair(identified, name);
    if (given !== undefined && rawValue(given) !== '') {
      ids.push(decodedValue(given) ?? rawValue(given));
      continue;
    }
    const needed = OPTIONAL_LEGS.get(name);
    if (given === undefined && needed !== undefined && findPair(call, needed) === undefined) continue;
    const id = makeId(endpoint.path, requestId, LEG_MARKS.get(name) ?? '');
    ids.push(id);
    identified = withPair(identified, { name, text: `${name}=${id}` });
  }
  return { call: identified, ids };
}

/** The parameter that holds the JSON array of a batch. */
export function batchParameter(path: string): string {
  return path.startsWith('/eapi/') ? 'orders' : 'batchOrders';
}

function injectIntoBatch(endpoint: Endpoint, call: Call, requestId: string): IdentifiedCall {
  const member = ownIdNames(endpoint)[0];
  const batch = findPair(call, batchParameter(endpoint.path));
  if (member === undefined || batch === undefined) return { call, ids: [] };
  const { pair, ids } = identifyBatch(batch, member, (index) =>
    makeId(endpoint.path, requestId, `-${index}`),
  );
  return { call: pair.text === batch.text ? call : withPair(call, pair), ids };
}

/** What was found for an endpoint of the catalogue. */
const ownNames = new WeakMap<readonly string[], readonly string[]>();

/** The parameters of an endpoint that name the order itself or its list, the list first. */
export function ownIdNames({ clientOrderIds }: Pick<Endpoint, 'clientOrderIds'>): readonly string[] {
  const known = ownNames.get(clientOrderIds);
  if (known !== undefined) return known;
  const names = clientOrderIds.filter((name) => OWN_NAMES.has(name));
  const others = names.filter((name) => name !== LIST_ID);
  const sorted = others.length < names.length ? [LIST_ID, ...others] : names;
  ownNames.set(clientOrderIds, sorted);
  return sorted;
}

function makeId(path: string, requestId: string, mark: string): string {
  if (FIXED_LENGTH.test(path)) return `bsp${requestId}`.padEnd(32, '0');
  return `bsp-${requestId}${mark}`;
}

/** Replaces the pair of that name where it stands, else appends it to the body when there is one, else to the query. */
function withPair(call: Call, pair: Pair): Call {
  const replace = (pairs: readonly Pair[]): Pair[] =>
    pairs.map((each) => (each.name === pair.name ? pair : each));
  if (call.query.some(({ name }) => name === pair.name)) return { ...call, query: replace(call.query) };
  if (call.body.some(({ name }) => name === pair.name)) return { ...call, body: replace(call.body) };
  return call.body.length > 0
    ? { ...call, body: [...call.body, pair] }
    : { ...call, query: [...call.query, pair] };
}
