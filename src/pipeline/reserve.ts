import type { ServerResponse } from 'node:http';
import type { Client } from '../core/access/client.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { recvWindowFor } from '../core/signing/sign-call.ts';
import type { Exchange } from './call-context.ts';
import type { Line } from './line.ts';
import { type Answer, headerOf } from './read-answer.ts';

/**
 * Judges the orders of a call by the client's order rules and reserves their daily sums.
 * @throws ProxyError PROXY_ORDER_REFUSED
 */
export async function admitOrders(
  line: Line,
  exchange: Exchange,
  client: Client,
  endpoint: Endpoint,
  call: Call,
): Promise<void> {
  const admitted = line.guard.admit(client, endpoint, call, line.wallNow());
  exchange.admission = admitted instanceof Promise ? await admitted : admitted;
}

/**
 * Charges every bucket that the call touches, all or none. Waits only where waiting is configured, and never longer
 * than the client does.
 * @throws ProxyError PROXY_WEIGHT_EXHAUSTED, PROXY_ORDERS_EXHAUSTED, PROXY_UPSTREAM_FROZEN, PROXY_STALE_REQUEST
 */
export async function charge(
  line: Line,
  exchange: Exchange,
  client: Client,
  endpoint: Endpoint,
  call: Call,
  response: ServerResponse,
): Promise<void> {
  const { settings } = exchange.snapshot;
  const request = {
    endpoint,
    call,
    client,
    account: exchange.account,
    recvWindowMs: Number(recvWindowFor(call.stamp.recvWindow, settings.recvWindowMs)),
  };
  if (settings.throttle.maxWaitMs === 0) {
    const charged = line.budgets.charge(request);
    take(exchange, charged instanceof Promise ? await charged : charged);
    return;
  }
  const hangUp = new AbortController();
  const onClose = () => hangUp.abort();
  response.once('close', onClose);
  try {
    take(exchange, await line.budgets.charge({ ...request, signal: hangUp.signal }));
  } finally {
    response.off('close', onClose);
  }
}

function take(exchange: Exchange, ticket: NonNullable<Exchange['ticket']>): void {
  exchange.ticket = ticket;
  exchange.weight = (exchange.weight ?? 0) + ticket.weight;
  exchange.waitMs = ticket.waitMs;
}

/** Closes the open charge by how the sending ended: learned from, lost, or given back. */
export function learn(line: Line, exchange: Exchange, answer: Answer): void {
  const { ticket } = exchange;
  if (ticket === undefined) return;
  exchange.ticket = undefined;
  const { ending, verdict, bodyText } = answer;
  if (ending.status !== undefined) {
    exchange.weightUsed = line.budgets.reconcile(ticket, {
      status: ending.status,
      header: (name) => headerOf(ending.headers, name),
      bodyText: ending.status >= 400 ? bodyText : undefined,
      successful: verdict.execution === 'executed',
    });
  } else if (verdict.outcome === 'not-sent') {
    refund(line, exchange, ticket);
  } else {
    line.budgets.keep(ticket);
  }
}

/** Gives the open charge back: nothing was sent. */
export function release(line: Line, exchange: Exchange): void {
  const { ticket } = exchange;
  if (ticket === undefined) return;
  exchange.ticket = undefined;
  refund(line, exchange, ticket);
}

/** Keeps the open charge: it may have been sent, and nobody knows how it ended. */
export function forfeit(line: Line, exchange: Exchange): void {
  const { ticket } = exchange;
  if (ticket === undefined) return;
  exchange.ticket = undefined;
  line.budgets.keep(ticket);
}

function refund(line: Line, exchange: Exchange, ticket: NonNullable<Exchange['ticket']>): void {
  line.budgets.refund(ticket);
  const weight = (exchange.weight ?? 0) - ticket.weight;
  exchange.weight = weight > 0 ? weight : undefined;
}
