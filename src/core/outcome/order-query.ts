import { allPairs, type Call } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import { jsonElements, jsonMembers } from '../json.ts';
import { batchParameter } from '../orders/client-order-id.ts';
import { LEG_IDS } from '../orders/leg-ids.ts';

/** How to ask for one order whose answer was lost: GET requests to the upstream that the order went to. */
export interface OrderQuery {
  readonly clientOrderId: string;
  readonly symbol: string | undefined;
  /** Asked in this order until one knows the order. */
  readonly paths: readonly string[];
  /** Decoded values. */
  readonly params: readonly (readonly [name: string, value: string])[];
  /** order: the answer is the order; list: it is an order list; scan: it is a list in which to find the order. */
  readonly reading: 'order' | 'list' | 'scan';
  /** The orders of a list. They are asked once the list is done, because only they know the outcome. */
  readonly legs: readonly OrderQuery[];
}

interface QueryRule {
  readonly paths: readonly string[];
  readonly reading: OrderQuery['reading'];
  /** Parameter of the placing call that holds the id. */
  readonly from: string;
  /** Parameter of the query that takes it; undefined for a scan. */
  readonly as: string | undefined;
  readonly symbol: 'sent' | 'isolated' | 'none';
  readonly isIsolated: boolean;
  readonly leg?: QueryRule;
}

const PLAIN = {
  reading: 'order',
  from: 'newClientOrderId',
  as: 'origClientOrderId',
  symbol: 'sent',
} as const;
const SPOT: QueryRule = { ...PLAIN, paths: ['/api/v3/order'], isIsolated: false };
const SPOT_LIST: QueryRule = {
  paths: ['/api/v3/orderList'],
  reading: 'list',
  from: 'listClientOrderId',
  as: 'origClientOrderId',
  symbol: 'none',
  isIsolated: false,
  leg: SPOT,
};
const MARGIN: QueryRule = { ...PLAIN, paths: ['/sapi/v1/margin/order'], isIsolated: true };
const MARGIN_LIST: QueryRule = {
  ...SPOT_LIST,
  paths: ['/sapi/v1/margin/orderList'],
  symbol: 'isolated',
  isIsolated: true,
  leg: MARGIN,
};
const USDM: QueryRule = { ...SPOT, paths: ['/fapi/v1/order'] };
const COINM: QueryRule = { ...SPOT, paths: ['/dapi/v1/order'] };
const OPTIONS: QueryRule = { ...SPOT, paths: ['/eapi/v1/order'], from: 'clientOrderId', as: 'clientOrderId' };
const ALGO: QueryRule = { ...SPOT, paths: [], from: 'clientAlgoId', as: 'clientAlgoId', symbol: 'none' };
const CONDITIONAL: QueryRule = { ...SPOT, paths: [], from: 'newClientStrategyId', as: 'newClientStrategyId' };
const PAPI_MARGIN: QueryRule = { ...SPOT, paths: ['/papi/v1/margin/order'] };
/** TWAP and VP orders have no query by id. */
const TWAP: QueryRule = { ...ALGO, reading: 'scan', as: undefined };

/**
 * The query for each placing endpoint. Endpoints without an id to ask for are missing (convert limit orders, block
 * trades).
 */
const RULES: ReadonlyMap<string, QueryRule> = new Map([
  ['/api/v3/order', SPOT],
  ['/api/v3/sor/order', SPOT],
  ['/api/v3/order/cancelReplace', SPOT],
  ['/api/v3/order/oco', SPOT_LIST],
  ['/api/v3/orderList/oco', SPOT_LIST],
  ['/api/v3/orderList/oto', SPOT_LIST],
  ['/api/v3/orderList/otoco', SPOT_LIST],
  ['/api/v3/orderList/opo', SPOT_LIST],
  ['/api/v3/orderList/opoco', SPOT_LIST],
  ['/sapi/v1/margin/order', MARGIN],
  ['/sapi/v1/margin/order/oco', MARGIN_LIST],
  ['/sapi/v1/margin/order/oto', MARGIN_LIST],
  ['/sapi/v1/margin/order/otoco', MARGIN_LIST],
  ['/sapi/v1/algo/spot/newOrderTwap', { ...TWAP, paths: scanPaths('spot') }],
  ['/sapi/v1/algo/spot/newOrderVp', { ...TWAP, paths: scanPaths('spot') }],
  ['/sapi/v1/algo/futures/newOrderTwap', { ...TWAP, paths: scanPaths('futures') }],
  ['/sapi/v1/algo/futures/newOrderVp', { ...TWAP, paths: scanPaths('futures') }],
  ['/sapi/v1/equity/order/place', { ...OPTIONS, paths: ['/sapi/v1/equity/order/detail'], symbol: 'none' }],
  ['/fapi/v1/order', USDM],
  ['/fapi/v1/batchOrders', USDM],
  ['/fapi/v1/algoOrder', { ...ALGO, paths: ['/fapi/v1/algoOrder'] }],
  ['/dapi/v1/algoOrder', { ...ALGO, paths: ['/dapi/v1/algoOrder'] }],
  ['/dapi/v1/order', COINM],
  ['/dapi/v1/batchOrders', COINM],
  ['/eapi/v1/order', OPTIONS],
  ['/eapi/v1/batchOrders', OPTIONS],
  ['/papi/v1/um/order', { ...SPOT, paths: ['/papi/v1/um/order'] }],
  ['/papi/v1/cm/order', { ...SPOT, paths: ['/papi/v1/cm/order'] }],
  ['/papi/v1/um/algo/order', { ...ALGO, paths: ['/papi/v1/um/algo/algoOrder'] }],
  ['/papi/v1/um/conditional/order', { ...CONDITIONAL, paths: conditionalPaths('um') }],
  ['/papi/v1/cm/conditional/order', { ...CONDITIONAL, paths: conditionalPaths('cm') }],
  ['/papi/v1/margin/order', PAPI_MARGIN],
  ['/papi/v1/margin/order/oco', { ...SPOT_LIST, paths: ['/papi/v1/margin/orderList'], leg: PAPI_MARGIN }],
]);

/** The decoded parameters of a call as it is sent, injected ids included. */
export function sentParameters(call: Call): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const pair of allPairs(call)) params.set(pair.name, decodedValue(pair) ?? '');
  return params;
}

/**
 * The queries for a placing call: one for a single order or a list, one for each element of a batch, none where Binance
 * offers none. `params` are those that were sent, from the call itself or, after a restart, from its audit record.
 */
export function orderQueries(path: string, params: ReadonlyMap<string, string>): readonly OrderQuery[] {
  const rule = RULES.get(path);
  if (rule === undefined) return [];
  const batch = path.endsWith('/batchOrders') ? params.get(batchParameter(path)) : undefined;
  const orders = batch === undefined ? [params] : readBatch(batch);
  return orders.flatMap((order) => toQuery(rule, rule.from, order) ?? []);
}

function toQuery(rule: QueryRule, idName: string, sent: ReadonlyMap<string, string>): OrderQuery | undefined {
  const clientOrderId = sent.get(idName);
  if (clientOrderId === undefined || clientOrderId === '') return undefined;
  const symbol = sent.get('symbol');
  const isIsolated = sent.get('isIsolated');
  const params: (readonly [string, string])[] = [];
  const wantsSymbol = rule.symbol === 'sent' || (rule.symbol === 'isolated' && isIsolated === 'TRUE');
  if (wantsSymbol && symbol !== undefined) params.push(['symbol', symbol]);
  if (rule.isIsolated && isIsolated !== undefined) params.push(['isIsolated', isIsolated]);
  if (rule.as !== undefined) params.push([rule.as, clientOrderId]);
  const { leg, paths, reading } = rule;
  const legs = leg === undefined ? [] : LEG_IDS.flatMap((name) => toQuery(leg, name, sent) ?? []);
  return { clientOrderId, symbol, paths, params, reading, legs };
}

/** A batch that cannot be read gives no orders: a record of another version must not prevent the start. */
function readBatch(json: string): ReadonlyMap<string, string>[] {
  try {
    return jsonElements(json).map(
      (element) => new Map(jsonMembers(element).map(({ name, value }) => [name, value])),
    );
  } catch {
    return [];
  }
}

function scanPaths(market: string): readonly string[] {
  return [`/sapi/v1/algo/${market}/openOrders`, `/sapi/v1/algo/${market}/historicalOrders`];
}

/** `openOrder` knows the waiting orders, `orderHistory` all others. */
function conditionalPaths(market: string): readonly string[] {
  return [`/papi/v1/${market}/conditional/openOrder`, `/papi/v1/${market}/conditional/orderHistory`];
}
