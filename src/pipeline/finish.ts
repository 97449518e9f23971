import type { FastifyReply } from 'fastify';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { endWith } from '../http/body-bytes.ts';
import { cutOffWhenUnread } from '../http/relay.ts';
import { writeHead } from '../http/write-head.ts';
import type { Exchange } from './call-context.ts';
import type { Line } from './line.ts';
import type { Answer } from './read-answer.ts';
import { forfeit, learn, release } from './reserve.ts';

/**
 * The end of a sent call: settle it, then relay what was held back. An answer that broke off after its head went out can
 * only be cut off.
 * @throws ProxyError PROXY_UPSTREAM_UNREACHABLE, PROXY_OUTCOME_UNKNOWN when there is no answer to relay
 */
export async function conclude(
  line: Line,
  exchange: Exchange,
  endpoint: Endpoint,
  answer: Answer,
  reply: FastifyReply,
): Promise<void> {
  const lost = learnFrom(line, exchange, answer);
  const recorded = line.recorder.commitCompleted(exchange, answer, lost);
  resolveLater(line, exchange, endpoint, answer);
  // An order is answered once its record stands; of what was streamed most is gone already.
  if (!answer.ending.streaming) await recorded;
  exchange.leave?.();
  relay(exchange, answer, lost, reply);
  if ((reply.raw.socket?.writableLength ?? 0) > 0) cutOffWhenUnread(reply.raw, line.timeouts.slowReaderMs);
}

/**
 * Learns from an ending, writes its record and hands an order whose fate is open to the resolver. Returns the refusal
 * that stands for an answer that never came, or never came whole.
 */
export function settle(
  line: Line,
  exchange: Exchange,
  endpoint: Endpoint,
  answer: Answer,
): ProxyError | undefined {
  const lost = learnFrom(line, exchange, answer);
  line.recorder.completed(exchange, answer, lost);
  resolveLater(line, exchange, endpoint, answer);
  return lost;
}

function learnFrom(line: Line, exchange: Exchange, answer: Answer): ProxyError | undefined {
  learn(line, exchange, answer);
  settleOrders(line, exchange, endingFor(answer));
  return answer.ending.phase === 'complete' ? undefined : lostAnswer(exchange, answer);
}

function resolveLater(line: Line, exchange: Exchange, endpoint: Endpoint, { verdict }: Answer): void {
  if (verdict.execution === 'unknown' && exchange.clientOrderIds.length > 0) {
    line.resolver.add(line.recorder.unresolved(exchange, endpoint));
  }
}

/**
 * Ends an exchange that comes to no conclusion: gives back whatever it still holds, unless it was sent before a bug of
 * the proxy's own ended it.
 */
export function withdraw(line: Line, exchange: Exchange): void {
  exchange.leave?.();
  if (exchange.sent !== true) {
    release(line, exchange);
    settleOrders(line, exchange, 'not-sent');
    return;
  }
  forfeit(line, exchange);
  settleOrders(line, exchange, 'unknown');
  const { endpoint, clientOrderIds, concluded } = exchange;
  if (!concluded && endpoint !== undefined && clientOrderIds.length > 0)
    line.resolver.add(line.recorder.unresolved(exchange, endpoint));
}

type OrderEnding = 'accepted' | 'refused' | 'unknown' | 'not-sent';

function settleOrders(line: Line, exchange: Exchange, ending: OrderEnding): void {
  if (exchange.admission === undefined) return;
  line.guard.settle(exchange.admission, ending);
  exchange.admission = undefined;
}

function relay(exchange: Exchange, answer: Answer, lost: ProxyError | undefined, reply: FastifyReply): void {
  const { ending, verdict } = answer;
  if (lost === undefined) {
    if (!ending.streaming) writeHead(exchange, reply, ending.status ?? 502, ending.headers, verdict.outcome);
    endWith(reply.raw, ending.held);
    return;
  }
  if (!ending.streaming && !reply.raw.destroyed) throw lost;
  reply.hijack();
  reply.raw.destroy();
}

/** The refusal that stands for an answer that never came, or never came whole. */
function lostAnswer(exchange: Exchange, answer: Answer): ProxyError {
  if (answer.verdict.outcome === 'not-sent') {
    return new ProxyError('PROXY_UPSTREAM_UNREACHABLE', 'Binance could not be reached: nothing was sent.', {
      rule: 'not connected',
    });
  }
  const ids = exchange.clientOrderIds;
  const query = ids.length === 0 ? '' : ` Query it by client order id ${ids.join(', ')}.`;
  return new ProxyError(
    'PROXY_OUTCOME_UNKNOWN',
    `Timeout waiting for response from backend server. Send status unknown; execution status unknown.${query}`,
    { rule: `lost: ${answer.ending.phase}` },
  );
}

function endingFor(answer: Answer): OrderEnding {
  if (answer.verdict.outcome === 'not-sent') return 'not-sent';
  if (answer.verdict.execution === 'executed' || answer.verdict.execution === 'partly') return 'accepted';
  return answer.verdict.execution;
}
