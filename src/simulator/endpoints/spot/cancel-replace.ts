import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError } from '../../base/exchange-error.ts';
import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';
import { ORDER_RULES, readOrder } from './order-form.ts';
import { placedView } from './order-views.ts';
import {
  CLIENT_ID_RULE,
  cancelFound,
  findOrder,
  ORDER_ID_RULE,
  readResponseType,
  TRADING,
} from './orders.ts';

/** One half of a cancel-replace: what it answered, or why it failed. */
interface Half {
  readonly result: 'SUCCESS' | 'FAILURE' | 'NOT_ATTEMPTED';
  readonly response: JsonValue;
}

/** Cancel one order and place another in one request; each half can fail alone. */
export function spotCancelReplaceRoutes(): Route[] {
  return [
    signedRoute(
      'POST /api/v3/order/cancelReplace',
      {
        ...TRADING,
        showsOrderCount: true,
        rules: {
          ...ORDER_RULES,
          cancelReplaceMode: { mandatory: true, legal: /^(STOP_ON_FAILURE|ALLOW_FAILURE)$/ },
          cancelOrderId: ORDER_ID_RULE,
          cancelOrigClientOrderId: CLIENT_ID_RULE,
          cancelNewClientOrderId: CLIENT_ID_RULE,
          cancelRestrictions: { legal: /^(ONLY_NEW|ONLY_PARTIALLY_FILLED)$/ },
          orderRateLimitExceededMode: { legal: /^(DO_NOTHING|CANCEL_ONLY)$/ },
        },
      },
      cancelReplace,
    ),
  ];
}

function cancelReplace(visit: Visit, account: Account): JsonValue {
  const { exchange, parameters, nowMs } = visit;
  const request = readOrder(parameters, exchange.spot.market(parameters.need('symbol')));
  const fallback = request.type === 'MARKET' || request.type === 'LIMIT' ? 'FULL' : 'ACK';
  const responseType = readResponseType(parameters, fallback);
  // The order is counted once, also when it is not attempted then.
  const counted = attempt(() => {
    exchange.orderCounts.add('spot', account.owner, 1, nowMs);
    return {};
  });
  if (counted.error !== undefined && parameters.get('orderRateLimitExceededMode') !== 'CANCEL_ONLY')
    throw counted.error;
  const canceled = attempt(() =>
    cancelFound(
      visit,
      () => findOrder(visit, account, 'cancelOrderId', 'cancelOrigClientOrderId'),
      'cancelNewClientOrderId',
    ),
  ).half;
  const stops = canceled.result === 'FAILURE' && parameters.get('cancelReplaceMode') === 'STOP_ON_FAILURE';
  const placed: Half = stops
    ? { result: 'NOT_ATTEMPTED', response: null }
    : counted.error !== undefined
      ? counted.half
      : attempt(() => placedView(exchange.spot.place(account.owner, request, nowMs), responseType)).half;
  return answerOf(canceled, placed, counted.error);
}

function answerOf(canceled: Half, placed: Half, limit: ExchangeError | undefined): JsonObject {
  const outcome = {
    cancelResult: canceled.result,
    newOrderResult: placed.result,
    cancelResponse: canceled.response,
    newOrderResponse: placed.response,
  };
  const successes = [canceled, placed].filter((half) => half.result === 'SUCCESS').length;
  if (successes === 2) return outcome;
  const headers = limit?.headers ?? {};
  if (successes === 1) {
    throw new ExchangeError(-2021, 'Order cancel-replace partially failed.', {
      status: limit === undefined ? 409 : 429,
      data: outcome,
      headers,
    });
  }
  throw new ExchangeError(-2022, 'Order cancel-replace failed.', {
    status: limit === undefined ? 400 : 429,
    data: outcome,
    headers,
  });
}

function attempt(action: () => JsonValue): { half: Half; error: ExchangeError | undefined } {
  try {
    return { half: { result: 'SUCCESS', response: action() }, error: undefined };
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    return { half: { result: 'FAILURE', response: error.toBody() }, error };
  }
}
