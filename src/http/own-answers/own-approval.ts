import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Approvals } from '../../approvals/approvals.ts';
import { ProxyError } from '../../core/errors.ts';
import type { ClientRates } from '../../pipeline/clients/client-rates.ts';
import { unknownClient } from '../../pipeline/refusals.ts';
import { contextOf } from '../forward.ts';

export interface OwnApprovalDeps {
  readonly approvals: Pick<Approvals, 'own'>;
  readonly rates: ClientRates;
  readonly monotonicNow: () => number;
}

const OWN_APPROVAL = /^\/proxy\/approvals\/([0-9a-f]{1,64})$/;

/** The id that an app asks about; undefined for any other request. Binance has no such path. */
export function askedApproval({ method, originalUrl, binanceHost }: FastifyRequest): string | undefined {
  if (method !== 'GET' || binanceHost !== undefined) return undefined;
  return OWN_APPROVAL.exec(originalUrl)?.[1];
}

/**
 * Tells an app what became of its own ask, and of no other one.
 * @throws ProxyError PROXY_UNKNOWN_CLIENT, PROXY_CLIENT_RATE_LIMITED, PROXY_UNKNOWN_ENDPOINT
 */
export function answerOwnApproval(
  { approvals, rates, monotonicNow }: OwnApprovalDeps,
  id: string,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { identified, requestId } = contextOf(request);
  if (identified === undefined) throw unknownClient();
  rates.count(identified, monotonicNow());
  const own = approvals.own(id, identified.name);
  if (own === undefined) {
    const message =
      'No approval of this client has this id: it was never asked, or long ago, or before a restart.';
    throw new ProxyError('PROXY_UNKNOWN_ENDPOINT', message, { rule: 'approval' });
  }
  const headers = { 'x-proxy-request-id': requestId, 'x-proxy-outcome': 'not-sent' };
  return reply.type('application/json;charset=UTF-8').headers(headers).send(JSON.stringify(own));
}
