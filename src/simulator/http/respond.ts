import type { Account } from '../accounts/accounts.ts';
import { ExchangeError, keyRejected } from '../base/exchange-error.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { authenticate } from './authentication.ts';
import { checkRules, Parameters } from './parameters.ts';
import type { RequestDraft } from './recorded-request.ts';
import { edgePage, errorReply, jsonReply, type Reply } from './reply.ts';
import { Answer, type Route } from './route.ts';
import { timeFactor, withTimeFactor } from './time-unit.ts';
import { readWireRequest, type WireRequest } from './wire-request.ts';

/** A request that was read and judged, and is not carried out yet. */
export interface Judged {
  readonly route: Route | undefined;
  readonly request: WireRequest | undefined;
  readonly account: Account | undefined;
  readonly refusal: ExchangeError | undefined;
}

/** Reads and authenticates a request, and notes the result in its record. */
export function judge(exchange: Exchange, findRoute: () => Route | undefined, draft: RequestDraft): Judged {
  let route: Route | undefined;
  let request: WireRequest | undefined;
  try {
    route = findRoute();
    draft.security = route?.security;
    draft.account = exchange.accounts.find(draft.headers['x-mbx-apikey'])?.apiKey;
    if (route === undefined) return { route, request, account: undefined, refusal: undefined };
    request = readWireRequest(draft.method, draft.target, draft.headers, draft.body);
    const account = authenticate(request, route, exchange.accounts, exchange.nowMs());
    draft.verified = true;
    return { route, request, account, refusal: undefined };
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    return { route, request, account: undefined, refusal: error };
  }
}

/** Carries out a judged request: first the limits, then the refusal, then the endpoint. */
export function respond(exchange: Exchange, judged: Judged): Reply {
  const { route, request, account, refusal } = judged;
  if (route === undefined) return refusal === undefined ? edgePage(404, 'Not Found') : errorReply(refusal);
  const nowMs = exchange.nowMs();
  const limits = exchange.rateLimits;
  const usage = () => limits.headers(route, account?.uid, nowMs);
  try {
    limits.admit(route, nowMs);
    const parameters = new Parameters(request?.pairs ?? []);
    const charge = limits.charge(route, weightOf(route, parameters), account?.uid, nowMs);
    if (refusal !== undefined || request === undefined) throw refusal ?? new Error('a request was lost');
    if (route.rules !== undefined) checkRules(route.rules, parameters, route.security === 'SIGNED');
    if (route.permission !== undefined && account?.restrictions[route.permission] === false)
      throw keyRejected();
    const factor = route.family === 'spot' ? timeFactor(request.headers) : 1;
    exchange.advanceMarkets();
    const { method, path, headers } = request;
    const result = route.answer({ exchange, parameters, method, path, headers, nowMs }, account);
    const answer = result instanceof Answer ? result : new Answer(result);
    if (route.freeOnSuccess) limits.refund(charge);
    return jsonReply(answer.status, withTimeFactor(answer.body, factor), {
      ...usage(),
      ...(route.showsOrderCount && account !== undefined
        ? exchange.orderCounts.headers(route.family, account.owner, nowMs)
        : {}),
      ...answer.headers,
    });
  } catch (error) {
    if (error instanceof ExchangeError) return errorReply(error, usage());
    const reason = error instanceof Error ? error.message : String(error);
    return errorReply(
      new ExchangeError(-1000, `The simulator has a bug: ${reason}`, { status: 500 }),
      usage(),
    );
  }
}

/** The weight of a request. One with a malformed parameter costs 1; it is refused later. */
function weightOf(route: Route, parameters: Parameters): number {
  try {
    return route.weight(parameters);
  } catch (error) {
    if (error instanceof ExchangeError) return 1;
    throw error;
  }
}
