import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProxyError } from '../core/errors.ts';
import type { AnswerContext } from '../pipeline/recorder.ts';
import { toProxyError } from '../pipeline/refusals.ts';

/** Binance's own shape: every client library knows how to read it. */
export function errorBody(error: ProxyError): string {
  return JSON.stringify({ code: error.code, msg: error.message });
}

/** Answers a refusal: status, code and sentence from the one table, with the proxy's own headers. */
function sendProxyError(reply: FastifyReply, error: ProxyError, context: AnswerContext): void {
  reply
    .code(error.status)
    .header('content-type', 'application/json;charset=UTF-8')
    .header('x-proxy-request-id', context.requestId)
    .header('x-proxy-outcome', context.outcome ?? error.outcome)
    .header('x-proxy-error', error.name);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  if (error.repeats?.orderId !== undefined) reply.header('x-proxy-order-id', error.repeats.orderId);
  if (error.approval !== undefined) reply.header('x-proxy-approval', error.approval);
  if (context.weight !== undefined) reply.header('x-proxy-weight', String(context.weight));
  reply.send(errorBody(error));
}

export type RefusalRecorder = (request: FastifyRequest, error: ProxyError) => AnswerContext;

/** The one error handler: record whole, answer thin. */
export function errorHandler(recordRefusal: RefusalRecorder) {
  return function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const refusal = toProxyError(error);
    sendProxyError(reply, refusal, recordRefusal(request, refusal));
  };
}
