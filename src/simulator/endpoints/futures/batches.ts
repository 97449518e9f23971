import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError, illegalCharacters, mandatoryParameter } from '../../base/exchange-error.ts';
import type { JsonValue } from '../../base/json-value.ts';
import { checkRules, Parameters, type Rules } from '../../http/parameters.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';
import { SYMBOL_RULE } from '../spot/order-form.ts';
import { FUTURES_ORDER_RULES } from './order-form.ts';
import { cancelOne, MODIFY_RULES, modifyOne, placeOne } from './orders.ts';

const BATCH = { permission: 'enableFutures', weight: 5, showsOrderCount: true } as const;
const BATCH_RULES: Rules = { batchOrders: { mandatory: true } };
const MAX_ORDERS = 5;
const MAX_CANCELS = 10;

type Action = (visit: Visit, account: Account, parameters: Parameters) => JsonValue;

/** USD-M batches: the answer is a list, in which each order that failed has an error in its place. */
export function futuresBatchRoutes(): Route[] {
  return [
    signedRoute('POST /fapi/v1/batchOrders', { ...BATCH, rules: BATCH_RULES }, (visit, account) =>
      eachOrder(visit, account, FUTURES_ORDER_RULES, placeOne),
    ),
    signedRoute('PUT /fapi/v1/batchOrders', { ...BATCH, rules: BATCH_RULES }, (visit, account) =>
      eachOrder(visit, account, MODIFY_RULES, modifyOne),
    ),
    signedRoute(
      'DELETE /fapi/v1/batchOrders',
      {
        permission: 'enableFutures',
        // Names are case-sensitive, but libraries use both spellings.
        rules: {
          symbol: SYMBOL_RULE,
          orderIdList: {},
          origClientOrderIdList: {},
          orderidlist: {},
          origclientorderidlist: {},
        },
      },
      cancelBatch,
    ),
  ];
}

function eachOrder(visit: Visit, account: Account, rules: Rules, action: Action): JsonValue {
  const orders = readList(visit.parameters.need('batchOrders'), 'batchOrders');
  if (orders.length === 0 || orders.length > MAX_ORDERS)
    throw new ExchangeError(-4082, 'Invalid number of batch place orders.');
  visit.exchange.orderCounts.add('usdm', account.owner, MAX_ORDERS, visit.nowMs, 1);
  return orders.map((order) =>
    answerOrError(() => {
      const parameters = parametersOf(order);
      checkRules(rules, parameters, false);
      return action(visit, account, parameters);
    }),
  );
}

function cancelBatch(visit: Visit, account: Account): JsonValue {
  const { parameters } = visit;
  const symbol = parameters.need('symbol');
  const ids = parameters.get('orderIdList') ?? parameters.get('orderidlist');
  const clientIds = parameters.get('origClientOrderIdList') ?? parameters.get('origclientorderidlist');
  if (ids === undefined && clientIds === undefined) throw mandatoryParameter('orderIdList');
  const name = ids === undefined ? 'origClientOrderId' : 'orderId';
  const list = readList(ids ?? clientIds ?? '', `${name}List`);
  if (list.length === 0 || list.length > MAX_CANCELS)
    throw new ExchangeError(-4083, 'Invalid number of batch cancel orders.');
  return list.map((id) =>
    answerOrError(() => cancelOne(visit, account, parametersOf({ symbol, [name]: String(id) }))),
  );
}

function answerOrError(action: () => JsonValue): JsonValue {
  try {
    return action();
  } catch (error) {
    if (error instanceof ExchangeError) return error.toBody();
    throw error;
  }
}

function readList(text: string, name: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw illegalCharacters(name, 'JSON');
  }
  if (!Array.isArray(value))
    throw new ExchangeError(-1130, `Data sent for parameter '${name}' is not valid.`);
  return value;
}

function parametersOf(order: unknown): Parameters {
  if (typeof order !== 'object' || order === null || Array.isArray(order))
    throw new ExchangeError(-1130, "Data sent for parameter 'batchOrders' is not valid.");
  return new Parameters(
    Object.entries(order).map(([name, value]) => {
      const text = String(value);
      return { name, value: text, text, rawValue: text };
    }),
  );
}
