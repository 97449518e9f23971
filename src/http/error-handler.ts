import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type Outcome, ProxyError } from '../core/errors.ts';

/** Binance's own shape: every client library knows how to read it. */
export function errorBody(error: ProxyError): string {
  return JSON.stringify({ code: error.code, msg: error.message });
}

/** What went wrong, as one of our own errors: a stranger's error says nothing to the caller but that it is a bug. */
export function toProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  const { statusCode, code } = (error ?? {}) as Partial<FastifyError>;
  if (statusCode === 429) {
    return new ProxyError('PROXY_CLIENT_RATE_LIMITED', 'Too many requests from this client.', {
      rule: 'requestsPerSecond',
      retryAfterSeconds: 1,
    });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ProxyError('PROXY_MALFORMED_REQUEST', 'Malformed request.', { rule: code ?? 'http' });
  }
  return new ProxyError('PROXY_INTERNAL', 'Internal error of the signing proxy.', { cause: error });
}

export interface AnswerContext {
  readonly requestId: string;
  /** The weight that stays charged for this call, if any. */
  readonly weight?: number | undefined;
  /** Where more is known than the error says. */
  readonly outcome?: Outcome;
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
