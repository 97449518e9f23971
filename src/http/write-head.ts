import type { FastifyReply } from 'fastify';
import { backHeaders, type HeaderValues } from '../core/call/headers.ts';
import type { Outcome } from '../core/errors.ts';
import type { Exchange } from '../pipeline/call-context.ts';

/** Sends the head of an answer of Binance's: the allow-listed headers, and the proxy's own beside them. */
export function writeHead(
  exchange: Exchange,
  reply: FastifyReply,
  status: number,
  headers: HeaderValues,
  outcome: Outcome,
): void {
  reply.hijack();
  if (reply.raw.headersSent || reply.raw.destroyed) return;
  const back = backHeaders(headers);
  back.push('x-proxy-request-id', exchange.requestId, 'x-proxy-outcome', outcome);
  if (exchange.weight !== undefined) back.push('x-proxy-weight', String(exchange.weight));
  reply.raw.writeHead(status, back);
}
