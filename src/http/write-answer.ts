import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { backHeaders, type HeaderValues } from '../core/call/headers.ts';
import type { Outcome } from '../core/errors.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { FinishedCall } from '../pipeline/finish.ts';

/** A larger body is worth a write of its own more than a copy. */
const LONGEST_JOINED_BYTES = 16 * 1024;

/**
 * Relays what was held back of an answer. An answer that broke off after its head went out can only be cut off.
 * @throws ProxyError the refusal that stands for an answer that never came
 */
export function writeAnswer(context: CallContext, { answer, lost }: FinishedCall, reply: FastifyReply): void {
  const { transfer, verdict } = answer;
  if (lost === undefined) {
    if (!transfer.streaming)
      writeHead(context, reply, transfer.status ?? 502, transfer.headers, verdict.outcome);
    endWith(reply.raw, transfer.held);
    return;
  }
  if (!transfer.streaming && !reply.raw.destroyed) throw lost;
  reply.hijack();
  reply.raw.destroy();
}

/** Sends the head of an answer of Binance's: the allow-listed headers, and the proxy's own beside them. */
export function writeHead(
  context: CallContext,
  reply: FastifyReply,
  status: number,
  headers: HeaderValues,
  outcome: Outcome,
): void {
  reply.hijack();
  if (reply.raw.headersSent || reply.raw.destroyed) return;
  const back = backHeaders(headers);
  back.push('x-proxy-request-id', context.requestId, 'x-proxy-outcome', outcome);
  if (context.weight !== undefined) back.push('x-proxy-weight', String(context.weight));
  const { shared } = context;
  if (shared !== undefined) back.push('x-proxy-cache', shared.how);
  if (shared?.ageMs !== undefined) back.push('x-proxy-cache-age-ms', String(Math.ceil(shared.ageMs)));
  reply.raw.writeHead(status, back);
}

/**
 * Writes bytes of a body. Node sends the head and a string in one piece, the head and a buffer in two: as Latin-1 each
 * byte is one character and comes out as it went in.
 * @returns false when the reader is slow
 */
export function writeBytes(response: ServerResponse, bytes: Buffer): boolean {
  if (bytes.length > LONGEST_JOINED_BYTES) return response.write(bytes);
  return response.write(bytes.toString('latin1'), 'latin1');
}

/** Writes the last bytes of a body, or only its end. */
function endWith(response: ServerResponse, bytes: Buffer | undefined): void {
  if (bytes === undefined || bytes.length > LONGEST_JOINED_BYTES) response.end(bytes);
  else response.end(bytes.toString('latin1'), 'latin1');
}
