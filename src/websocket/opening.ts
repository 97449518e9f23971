import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Client } from '../core/access/client.ts';
import { decide } from '../core/access/policy.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { readSocketTarget, type SocketTarget } from '../core/frames/socket-target.ts';
import type { SocketFamily, SocketUpstreamName } from '../core/upstream.ts';
import { type Exchange, exchangeOf } from '../pipeline/call-context.ts';
import type { Line } from '../pipeline/line.ts';
import { openUpstreamSocket, unreachable } from '../upstream/open-socket.ts';
import { unknownClient } from './api/socket-identity.ts';
import type { SocketLimits } from './sockets/socket-limits.ts';

/** An upgrade that may be accepted, once there is a socket to Binance for it. */
export interface AdmittedSocket {
  readonly target: SocketTarget;
  /** Where it goes, without path. */
  readonly origin: string;
  readonly client: Client;
  readonly endpoint: Endpoint;
  readonly exchange: Exchange;
}

const ORIGINS: Readonly<Record<SocketFamily, Readonly<Record<SocketTarget['kind'], SocketUpstreamName>>>> = {
  spot: { api: 'spotWsApi', stream: 'spotStream' },
  usdm: { api: 'usdmWsApi', stream: 'usdmStream' },
  coinm: { api: 'coinmWsApi', stream: 'coinmStream' },
};
/** What Binance counts for a connection to a signed API, in weight. */
const CONNECTION_WEIGHT: Readonly<Record<SocketFamily, number>> = { spot: 2, usdm: 5, coinm: 5 };
const NO_PARAMETERS = { query: [], body: [], repeated: [] } as const;
const NO_STAMP = { timestamp: undefined, recvWindow: undefined, signature: undefined };

/**
 * What is decided before an app's upgrade is accepted: where it goes, who it is, what it may.
 * @throws ProxyError
 */
export function admitSocket(line: Line, limits: SocketLimits, request: FastifyRequest): AdmittedSocket {
  const exchange = exchangeOf(request);
  const { settings } = exchange.snapshot;
  const target = readSocketTarget(request.originalUrl);
  const origin = target && settings.socketUpstreams[ORIGINS[target.family][target.kind]];
  if (target === undefined || origin === undefined) throw unknownSocket();
  const endpoint = endpointOf(target);
  exchange.endpoint = endpoint;
  const client = clientOf(exchange, target, request);
  exchange.client = client;
  if (line.sockets.size >= limits.sockets) throw tooManySockets();
  if (!(target.isPrivate && exchange.identified === undefined)) decide(client, endpoint, callOf(endpoint));
  return { target, origin, client, endpoint, exchange };
}

/**
 * Opens a socket to Binance, charged before. It is paused.
 * @param target path and query
 * @throws ProxyError
 */
export async function connectSocket(
  line: Line,
  limits: SocketLimits,
  { origin, client, endpoint, exchange }: AdmittedSocket,
  target: string,
  signal: AbortSignal,
): Promise<WebSocket> {
  const { settings } = exchange.snapshot;
  const ticket = await line.budgets.charge({
    endpoint,
    call: callOf(endpoint),
    client,
    account: undefined,
    recvWindowMs: settings.recvWindowMs,
    signal,
  });
  const opening = await openUpstreamSocket({
    url: `${origin}${target}`,
    ca: settings.upstreamCa,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    signal,
  });
  if ('failed' in opening) {
    line.budgets.refund(ticket);
    throw opening.failed;
  }
  if ('refused' in opening) {
    line.budgets.reconcile(ticket, opening.refused);
    throw refusedBy(opening.refused.status, Number(opening.refused.header('retry-after')));
  }
  line.budgets.reconcile(ticket, {
    status: 101,
    header: () => undefined,
    bodyText: undefined,
    successful: true,
  });
  if (!signal.aborted) return opening.socket;
  opening.socket.terminate();
  throw unreachable();
}

function callOf({ upstream, method, path }: Endpoint): Call {
  return { method, upstream, path, ...NO_PARAMETERS, stamp: NO_STAMP };
}

/** A listen key proves by itself who may read the stream that it names; who shows an issued key is held to it. */
function clientOf(exchange: Exchange, { kind }: SocketTarget, request: FastifyRequest): Client {
  const { settings } = exchange.snapshot;
  const anonymous = settings.clients.get('anonymous');
  if (exchange.identified !== undefined) return exchange.identified;
  const showsKey = [request.raw.headers['x-mbx-apikey'], request.raw.headers.authorization].some(
    (header) => header !== undefined && header !== '',
  );
  // On a signed API the key may come with the frames; a wrong one is refused at once.
  const isLetIn = kind === 'api' ? !showsKey : settings.anonymousEnabled;
  if (anonymous === undefined || !isLetIn) throw unknownClient();
  return anonymous;
}

function endpointOf({ kind, family, printable, isPrivate }: SocketTarget): Endpoint {
  const path = printable;
  return {
    upstream: family,
    method: 'GET',
    path,
    product: 'websocket',
    security: 'NONE',
    securityType: 'NONE',
    permission: isPrivate ? 'read' : 'market-data',
    weights: kind === 'api' ? [{ scope: 'IP', max: CONNECTION_WEIGHT[family] }] : [],
    orders: {},
    effect: 'none',
    clientOrderIds: [],
    repeatable: [],
    // All routes of one host count together.
    extraLimit: `shares 300/5min/IP with GET /${family}-${kind}-connections/*`,
  };
}

function unknownSocket(): ProxyError {
  return new ProxyError('PROXY_UNKNOWN_ENDPOINT', 'Unknown endpoint: no WebSocket is served at this path.', {
    rule: 'socket path',
  });
}

function tooManySockets(): ProxyError {
  return new ProxyError('PROXY_CLIENT_RATE_LIMITED', 'Too many WebSocket connections are open.', {
    rule: 'sockets',
    retryAfterSeconds: 1,
  });
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
