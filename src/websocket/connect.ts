import type { WebSocket } from 'ws';
import type { Budgets } from '../budgets/budgets.ts';
import { ownEgressId } from '../config/schema/ways-out.ts';
import { ProxyError } from '../core/errors.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { openUpstreamSocket, unreachable } from '../upstream/connections/open-socket.ts';
import type { OwnAddresses } from '../upstream/connections/own-addresses.ts';
import { callOf } from './connection-endpoint.ts';
import type { AdmittedSocket } from './opening.ts';

export interface ConnectDeps {
  readonly budgets: Pick<Budgets, 'charge' | 'reconcile' | 'refund'>;
  readonly handshakeTimeoutMs: number;
  readonly own: OwnAddresses;
}

/** What of an admitted upgrade decides how a socket is opened. */
interface OpeningSocket extends Pick<AdmittedSocket, 'origin' | 'way' | 'client' | 'endpoint'> {
  readonly context: { readonly config: LiveConfig };
}

/**
 * Opens a socket to Binance, charged before. It is paused.
 * @param target path and query
 * @throws ProxyError
 */
export async function connectSocket(
  { budgets, handshakeTimeoutMs, own }: ConnectDeps,
  { origin, way, client, endpoint, context }: OpeningSocket,
  target: string,
  signal: AbortSignal,
): Promise<WebSocket> {
  const { settings } = context.config;
  const ticket = await budgets.charge({
    endpoint,
    call: callOf(endpoint),
    client,
    account: undefined,
    egress: ownEgressId(settings.egress, way),
    recvWindowMs: settings.recvWindowMs,
    signal,
  });
  const opening = await openUpstreamSocket({
    url: `${origin}${target}`,
    ca: settings.upstreamCa,
    own,
    way,
    handshakeTimeoutMs,
    signal,
  });
  if ('failed' in opening) {
    budgets.refund(ticket);
    throw opening.failed;
  }
  if ('refused' in opening) {
    budgets.reconcile(ticket, opening.refused);
    throw refusedBy(opening.refused.status, Number(opening.refused.header('retry-after')));
  }
  budgets.reconcile(ticket, {
    status: 101,
    header: () => undefined,
    bodyText: undefined,
    successful: true,
  });
  if (!signal.aborted) return opening.socket;
  opening.socket.terminate();
  throw unreachable();
}

function refusedBy(status: number, retryAfterSeconds: number): ProxyError {
  const message = `Binance refused the WebSocket connection with HTTP status ${status}.`;
  const rule = `upgrade refused: ${status}`;
  if (status !== 429 && status !== 418 && status !== 403) {
    return new ProxyError('PROXY_UPSTREAM_UNREACHABLE', message, { rule });
  }
  const seconds = Number.isFinite(retryAfterSeconds) ? Math.max(1, Math.ceil(retryAfterSeconds)) : 60;
  return new ProxyError('PROXY_UPSTREAM_FROZEN', message, { rule, retryAfterSeconds: seconds });
}
